// SPDX-License-Identifier: Apache-2.0
#include "experiments/timing_points/validation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "core/embedded.h"
#include "experiments/table.h"

namespace bitwright {
namespace {

// Place of every value in ascending order, from 0.
std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<double> ranks;
  for (double value : values)
    ranks.push_back(
        static_cast<double>(std::count_if(values.begin(), values.end(), [&](double other) { return other < value; })));
  return ranks;
}

double spearman(const std::vector<double>& a, const std::vector<double>& b) {
  const std::vector<double> rank_a = ranks(a), rank_b = ranks(b);
  double squares = 0.0;
  for (size_t k = 0; k < a.size(); ++k) squares += (rank_a[k] - rank_b[k]) * (rank_a[k] - rank_b[k]);
  const auto n = static_cast<double>(a.size());
  return 1.0 - 6.0 * squares / (n * (n * n - 1.0));
}

std::string percent(double share) {
  return fmt::format("{:+.1f} %", 100.0 * share);
}
std::string millions(double cycles) {
  return fmt::format("{:.3f}", cycles / 1e6);
}

}  // namespace

PointError point_error(const TimingPoint& point) {
  const RunCounts counts = count(point.core, point.stretches);
  PointError e;
  e.name = point.name;
  e.board = point.board;
  e.instructions = counts.instructions + point.omitted_instructions;
  e.core_cycles = counts.cycles + point.omitted_cycles;
  if (point.flash) e.stall_cycles = stall_cycles(*point.flash, point.core, point.memory);
  e.silicon_cycles = static_cast<double>(point.clock_hz) / point.inferences_per_s;
  return e;
}

ErrorSummary summarize(std::span<const PointError> points) {
  BW_CHECK(points.size() >= 2);
  ErrorSummary s;
  std::vector<double> estimates, silicon;
  for (const PointError& p : points) {
    s.mean_absolute += std::abs(p.error()) / static_cast<double>(points.size());
    s.mean += p.error() / static_cast<double>(points.size());
    s.worst_absolute = std::max(s.worst_absolute, std::abs(p.error()));
    estimates.push_back(p.estimate());
    silicon.push_back(p.silicon_cycles);
  }
  s.rank_correlation = spearman(estimates, silicon);
  return s;
}

std::vector<TimingPoint> published_points() {
  std::vector<TimingPoint> points;
  for (std::string_view path : embedded_files("configs/timing_points/"))
    points.push_back(parse_timing_point(*embedded_file(path), std::string(path)));
  return points;
}

std::string errors_text(std::span<const PointError> points) {
  std::vector<std::vector<std::string>> rows = {
      {"point", "board", "M instructions", "M core cycles", "M stall cycles", "M estimate", "M silicon", "error"}};
  for (const PointError& p : points)
    rows.push_back({p.name, p.board, millions(p.instructions), millions(p.core_cycles), millions(p.stall_cycles),
                    millions(p.estimate()), millions(p.silicon_cycles), percent(p.error())});
  const ErrorSummary s = summarize(points);
  return render_table(rows) +
         fmt::format("{} points: mean |error| {:.1f} %, worst {:.1f} %, mean {:+.1f} %, rank correlation {:.3f}\n",
                     points.size(), 100.0 * s.mean_absolute, 100.0 * s.worst_absolute, 100.0 * s.mean,
                     s.rank_correlation);
}

}  // namespace bitwright

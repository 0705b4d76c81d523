// SPDX-License-Identifier: Apache-2.0
#include "search/successive_halving.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/check.h"

namespace bitwright {
namespace {

// Of equal values the mean of their ranks.
std::vector<double> ranks_of(const std::vector<double>& values) {
  std::vector<double> ranks;
  for (const double value : values) {
    const auto below = std::ranges::count_if(values, [&](double other) { return other < value; });
    const auto equal = std::ranges::count(values, value);
    ranks.push_back(static_cast<double>(below) + static_cast<double>(equal - 1) / 2.0);
  }
  return ranks;
}

}  // namespace

double rank_correlation(const std::vector<double>& a, const std::vector<double>& b) {
  BW_CHECK(a.size() == b.size() && a.size() >= 2);
  const std::vector<double> x = ranks_of(a), y = ranks_of(b);
  const double mean = static_cast<double>(a.size() - 1) / 2.0;
  double xx = 0.0, yy = 0.0, xy = 0.0;
  for (size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean) * (x[i] - mean);
    yy += (y[i] - mean) * (y[i] - mean);
    xy += (x[i] - mean) * (y[i] - mean);
  }
  return xx == 0.0 || yy == 0.0 ? 0.0 : xy / std::sqrt(xx * yy);
}

SuccessiveHalving::SuccessiveHalving(HalvingOptions options)
    : options_(options), rungs_(static_cast<size_t>(options.rungs)) {
  BW_CHECK(options.rungs >= 1 && options.reduction >= 2 && options.whole_trainings >= 2);
}

void SuccessiveHalving::add(int64_t number, int rung, const ObjectiveVector& objectives) {
  rungs_.at(static_cast<size_t>(rung)).reached[number] = objectives;
  for (int below = 0; below < rung; ++below) rungs_[static_cast<size_t>(below)].left.insert(number);
  if (rung == last_rung() && std::ssize(whole_) < options_.whole_trainings) whole_.push_back(number);
}

void SuccessiveHalving::drop(int64_t number) {
  for (Rung& rung : rungs_) rung.left.insert(number);
}

std::optional<Promotion> SuccessiveHalving::next() {
  for (int rung = last_rung() - 1; rung >= 0; --rung) {
    Rung& here = rungs_[static_cast<size_t>(rung)];
    if (const std::optional<int64_t> best = best_waiting(here)) {
      here.left.insert(*best);
      return Promotion{*best, rung_after(rung)};
    }
  }
  return std::nullopt;
}

// The first trainings go on anyhow; of the others the fittest third of all that reached the rung.
std::optional<int64_t> SuccessiveHalving::best_waiting(const Rung& rung) const {
  std::vector<int64_t> numbers;
  std::vector<ObjectiveVector> points;
  for (const auto& [number, objectives] : rung.reached) {
    if (number < options_.whole_trainings && !rung.left.contains(number)) return number;
    numbers.push_back(number), points.push_back(objectives);
  }
  const std::vector<size_t> order = fittest_first(points);
  for (size_t i = 0; i < order.size() / static_cast<size_t>(options_.reduction); ++i)
    if (!rung.left.contains(numbers[order[i]])) return numbers[order[i]];
  return std::nullopt;
}

int SuccessiveHalving::rung_after(int rung) const {
  int next = rung + 1;
  while (next < last_rung() && given_up(next)) ++next;
  return next;
}

std::optional<double> SuccessiveHalving::correlation(int rung) const {
  if (std::ssize(whole_) < options_.whole_trainings) return std::nullopt;
  std::vector<double> here, whole;
  for (const int64_t number : whole_) {
    const auto& reached = rungs_.at(static_cast<size_t>(rung)).reached;
    if (!reached.contains(number)) continue;
    here.push_back(reached.at(number)[0]);
    whole.push_back(rungs_.back().reached.at(number)[0]);
  }
  return here.size() < 2 ? std::nullopt : std::optional(rank_correlation(here, whole));
}

bool SuccessiveHalving::given_up(int rung) const {
  const std::optional<double> measured = correlation(rung);
  return rung != last_rung() && measured && *measured < options_.least_correlation;
}

}  // namespace bitwright

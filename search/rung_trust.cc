// SPDX-License-Identifier: Apache-2.0
#include "search/rung_trust.h"

#include <algorithm>
#include <cmath>
#include <utility>

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

RungTrust::RungTrust(RungTrustOptions options) : options_(std::move(options)), errors_(options_.rungs.size()) {
  BW_CHECK(!options_.rungs.empty() && options_.rungs.front() > 0.0 && options_.rungs.back() == 1.0);
  BW_CHECK(std::ranges::adjacent_find(options_.rungs, std::ranges::greater_equal()) == options_.rungs.end());
  BW_CHECK(options_.whole_trainings >= 2);
}

int RungTrust::rung_of(double fidelity) const {
  const auto found = std::ranges::find(options_.rungs, fidelity);
  BW_CHECK(found != options_.rungs.end());
  return static_cast<int>(found - options_.rungs.begin());
}

int RungTrust::rung_after(int rung) const {
  int next = rung + 1;
  while (next < last_rung() && given_up(next)) ++next;
  return next;
}

void RungTrust::add(int64_t number, int rung, double error) {
  errors_.at(static_cast<size_t>(rung))[number] = error;
  if (rung == last_rung() && std::ssize(whole_) < options_.whole_trainings) whole_.push_back(number);
}

std::optional<double> RungTrust::correlation(int rung) const {
  if (std::ssize(whole_) < options_.whole_trainings) return std::nullopt;
  const std::map<int64_t, double>& errors = errors_.at(static_cast<size_t>(rung));
  std::vector<double> here, whole;
  for (const int64_t number : whole_) {
    if (!errors.contains(number)) continue;
    here.push_back(errors.at(number));
    whole.push_back(errors_.back().at(number));
  }
  return here.size() < 2 ? std::nullopt : std::optional(rank_correlation(here, whole));
}

bool RungTrust::given_up(int rung) const {
  const std::optional<double> measured = correlation(rung);
  return rung != last_rung() && measured && *measured < options_.least_correlation;
}

std::vector<GivenUpRung> RungTrust::given_up() const {
  std::vector<GivenUpRung> rungs;
  for (int rung = 0; rung < last_rung(); ++rung)
    if (given_up(rung)) rungs.push_back({fidelity_of(rung), *correlation(rung)});
  return rungs;
}

}  // namespace bitwright

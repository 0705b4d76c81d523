// SPDX-License-Identifier: Apache-2.0
#include "search/expected_improvement.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/check.h"

namespace bitwright {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kFarTail = -5.0;  // standard deviations below which the continued fraction converges in 60 terms
const double kSqrt2Pi = std::sqrt(2.0 * std::numbers::pi);

double log_density(double z) {
  return -0.5 * z * z - std::log(kSqrt2Pi);
}
double distribution(double z) {
  return 0.5 * std::erfc(-z / std::numbers::sqrt2);
}

// K of R(-x) = 1 / (x + K): K = 1 / (x + 2 / (x + 3 / (x + ...))), for x >= 5. Source: Abramowitz and Stegun,
// (26.2.14).
double mills_fraction(double x) {
  double tail = 0.0;
  for (int k = 60; k >= 1; --k) tail = k / (x + tail);
  return tail;
}

// Mills' ratio R(z) = distribution / density, for z not far above 0: it grows as exp(z^2 / 2).
double mills_ratio(double z) {
  if (z < kFarTail) return 1.0 / (-z + mills_fraction(-z));
  return kSqrt2Pi * distribution(z) * std::exp(0.5 * z * z);
}

// R'(z) = 1 + z R(z), > 0.
double mills_slope(double z) {
  if (z >= kFarTail) return 1.0 + z * mills_ratio(z);
  const double fraction = mills_fraction(-z);
  return fraction / (-z + fraction);
}

// R(z) - R(z - s), s >= 0. The difference cancels for small s, so there it is the integral of the slope, by the
// five points of Gauss and Legendre.
double mills_difference(double z, double s) {
  if (s > 0.1 * std::max(1.0, std::abs(z))) return mills_ratio(z) - mills_ratio(z - s);
  constexpr std::array<double, 3> kNode = {0.0, 0.5384693101056831, 0.9061798459386640};
  constexpr std::array<double, 3> kWeight = {0.5688888888888889, 0.4786286704993665, 0.2369268850561891};
  const double middle = z - s / 2;
  double sum = kWeight[0] * mills_slope(middle);
  for (size_t i = 1; i < kNode.size(); ++i)
    sum += kWeight[i] * (mills_slope(middle - kNode[i] * s / 2) + mills_slope(middle + kNode[i] * s / 2));
  return sum * s / 2;
}

// log(s (density(z) + z distribution(z))), z = (best - mean) / s.
double log_improvement_of_normal(double mean, double s, double best) {
  const double z = (best - mean) / s;
  if (z > 0) return std::log(s * (std::exp(log_density(z)) + z * distribution(z)));
  return std::log(s) + log_density(z) + std::log(mills_slope(z));
}

// log(m distribution(z) - exp(mean + s^2 / 2) distribution(z - s)), m = best and z = (log m - mean) / s. As
// exp(mean + s^2 / 2) density(z - s) = m density(z), that is m density(z) (R(z) - R(z - s)).
double log_improvement_of_log_normal(double mean, double s, double best) {
  const double z = (std::log(best) - mean) / s;
  if (z <= 1.0) return std::log(best) + log_density(z) + std::log(mills_difference(z, s));
  const double expected = std::exp(mean + 0.5 * s * s - std::log(best));  // of Y / best
  return std::log(best) + std::log(distribution(z) - expected * distribution(z - s));
}

double log_of_sure_improvement(double outcome, double best) {
  return outcome < best ? std::log(best - outcome) : -kInfinity;
}

// log P(normal > 0), at least log(least).
double log_positive_probability(double mean, double deviation, double least) {
  if (deviation <= 0) return mean > 0 ? 0.0 : std::log(least);
  return std::log(std::max(least, distribution(mean / deviation)));
}

}  // namespace

double log_add(double a, double b) {
  if (a < b) std::swap(a, b);
  return b == -kInfinity ? a : a + std::log1p(std::exp(b - a));
}

double log_error(double error, double resolution) {
  BW_CHECK(resolution > 0 && error >= 0);
  return std::log(std::max(error, resolution / 2));
}

double log_expected_improvement(const ErrorBelief& belief, double best) {
  BW_CHECK(belief.deviation >= 0);
  if (belief.of_logarithm && best <= 0) return -kInfinity;  // nothing is below
  constexpr double kSure = 1e-12;                           // a smaller deviation is rounding
  if (belief.deviation < kSure)
    return log_of_sure_improvement(belief.of_logarithm ? std::exp(belief.mean) : belief.mean, best);
  return belief.of_logarithm ? log_improvement_of_log_normal(belief.mean, belief.deviation, best)
                             : log_improvement_of_normal(belief.mean, belief.deviation, best);
}

double log_success_probability(double mean, double deviation) {
  return log_positive_probability(mean - 0.5, deviation, 1e-3);
}

double log_kept_probability(double mean, double deviation) {
  BW_CHECK(deviation >= 0);
  const double t = -mean / std::max(deviation, 1e-12);
  const double square = 2.0 + t * t, ratio = std::abs(t) / std::sqrt(square);
  const double tail = 1.0 / (square * (1.0 + ratio));  // (1 - ratio) / 2 without cancellation
  return t < 0 ? std::log(tail) : std::log1p(-tail);
}

// Points by rising error: each claims what is at least its known objectives and not claimed by a lower error.
KnownCostImprovement::KnownCostImprovement(std::vector<ObjectiveVector> front, const ObjectiveVector& reference_point)
    : known_objectives_(reference_point.size() - 1) {
  BW_CHECK(reference_point.size() >= 2);
  std::sort(front.begin(), front.end());
  const ObjectiveVector reference(reference_point.begin() + 1, reference_point.end());
  std::vector<Box> unclaimed = {{ObjectiveVector(known_objectives_, -kInfinity), reference}};
  for (const ObjectiveVector& point : front) {
    BW_CHECK(point.size() == reference_point.size());
    if (!(point[0] < reference_point[0])) break;
    std::vector<Box> claimed = claim({point.begin() + 1, point.end()}, unclaimed);
    if (!claimed.empty()) levels_.push_back({point[0], std::move(claimed)});
  }
  levels_.push_back({reference_point[0], std::move(unclaimed)});
}

// Cuts from each box what lies above `point` in every objective, and leaves the rest in disjoint boxes.
std::vector<KnownCostImprovement::Box> KnownCostImprovement::claim(const ObjectiveVector& point,
                                                                   std::vector<Box>& unclaimed) const {
  std::vector<Box> claimed, rest;
  for (Box& box : unclaimed) {
    bool apart = false;
    for (size_t k = 0; k < known_objectives_; ++k) apart |= point[k] >= box.high[k];
    for (size_t k = 0; k < known_objectives_ && !apart; ++k) {
      if (point[k] <= box.low[k]) continue;
      rest.push_back(box);
      rest.back().high[k] = point[k];
      box.low[k] = point[k];
    }
    (apart ? rest : claimed).push_back(std::move(box));
  }
  unclaimed = std::move(rest);
  return claimed;
}

double KnownCostImprovement::log_improvement(const ErrorBelief& belief, const ObjectiveVector& known) const {
  BW_CHECK(known.size() == known_objectives_);
  double sum = -kInfinity;
  for (const Level& level : levels_) {
    double volume = 0.0;
    for (const Box& box : level.boxes) {
      double part = 1.0;
      for (size_t k = 0; k < known_objectives_ && part > 0; ++k)
        part *= std::max(0.0, box.high[k] - std::max(box.low[k], known[k]));
      volume += part;
    }
    if (volume > 0) sum = log_add(sum, std::log(volume) + log_expected_improvement(belief, level.error));
  }
  return sum;
}

}  // namespace bitwright

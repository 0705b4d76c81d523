// tests/search/grid.h: a small space with a planted optimum, for the tests of search methods.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "search/hypervolume.h"
#include "search/proposer.h"
#include "search/random_proposer.h"

namespace bitwright {

// Two numbers of 0 .. kLevels - 1 and one of three choices; with the second choice the second number counts for
// nothing.
inline constexpr int kLevels = 12;
inline const DesignPoint kOptimum = {8, 3, 2};

// The error is least at kOptimum, the cost rises with the first number, and no point of an odd sum of numbers is
// allowed where `limited`.
class Grid : public DesignSpace {
 public:
  explicit Grid(int levels = kLevels, bool limited = false) : levels_(levels), limited_(limited) {}

  std::vector<ModelInput> inputs() const override { return {{}, {}, {.choices = 3}}; }
  Eigen::RowVectorXd encode(const DesignPoint& p) const override {
    Eigen::RowVectorXd row(3);
    row << p[0] / levels_, (p[2] == 1 ? kInactiveInput : p[1] / levels_), p[2];
    return row;
  }
  DesignPoint sample(Rng& rng) const override { return {level(rng), level(rng), static_cast<double>(rng.below(3))}; }
  DesignPoint mutate(const DesignPoint& parent, Rng& rng) const override {
    DesignPoint child = parent;
    const size_t i = rng.below(3);
    child[i] = sample(rng)[i];
    return child;
  }
  std::string key(const DesignPoint& p) const override {
    return std::to_string(p[0]) + (p[2] == 1 ? "-" : std::to_string(p[1])) + std::to_string(p[2]);
  }
  DesignPoint cross(const DesignPoint& a, const DesignPoint& b, Rng& rng) const override {
    DesignPoint child = a;
    for (size_t i = 0; i < child.size(); ++i)
      if (rng.chance(0.5)) child[i] = b[i];
    return child;
  }
  DesignPoint decode_unit(const std::vector<double>& unit) const override {
    return {std::floor(unit[0] * levels_), std::floor(unit[1] * levels_), std::floor(unit[2] * 3)};
  }
  KnownOutcome known_outcome(const DesignPoint& p) const override {
    if (limited_ && std::fmod(p[0] + p[1], 2.0) != 0) return {{"parity"}};
    return {{}, {1.0 + p[0]}};
  }
  int size() const { return levels_ * (2 * levels_ + 1); }

 private:
  double level(Rng& rng) const { return static_cast<double>(rng.below(static_cast<uint64_t>(levels_))); }

  int levels_;
  bool limited_;
};

// The same, of which nothing is known before an evaluation.
class Unknown : public Grid {
 public:
  KnownOutcome known_outcome(const DesignPoint&) const override { return {}; }
};

inline double error_of(const DesignPoint& p) {
  const double a = p[0] - kOptimum[0], b = p[2] == 1 ? 4.0 : p[1] - kOptimum[1];
  return 0.02 + 0.004 * (a * a + b * b) + (p[2] == kOptimum[2] ? 0.0 : 0.1);
}

inline DesignResult result_of(int64_t number, const DesignPoint& point) {
  return {number, point, ObjectiveVector{error_of(point)}};
}

// Of the front that a search of sixty evaluations finds on the grid.
inline double final_volume(Proposer& proposer, const DesignSpace& space) {
  std::vector<ObjectiveVector> points;
  for (int64_t number = 0; number < 60; ++number) {
    const DesignPoint point = proposer.propose(number, {})->point;
    proposer.tell(result_of(number, point));
    points.push_back({error_of(point), space.known_outcome(point).objectives[0]});
  }
  return hypervolume(points, {0.6, 13.0});
}

// Median final_volume of ten seeds.
inline double median_of_ten(
    const std::function<std::unique_ptr<Proposer>(const DesignSpace& space, uint64_t seed)>& make) {
  const Grid space;
  std::vector<double> volumes;
  for (uint64_t seed = 1; seed <= 10; ++seed) volumes.push_back(final_volume(*make(space, seed), space));
  std::ranges::sort(volumes);
  return (volumes[4] + volumes[5]) / 2;
}

inline double random_median_of_ten() {
  return median_of_ten(
      [](const DesignSpace& space, uint64_t seed) { return std::make_unique<RandomProposer>(space, seed); });
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "search/pareto.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/error.h"
#include "core/rng.h"

namespace bitwright {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

// Few distinct values, so that ties and copies are common.
std::vector<ObjectiveVector> random_points(Rng& rng, int n, int objectives) {
  std::vector<ObjectiveVector> points(n, ObjectiveVector(objectives));
  for (auto& p : points)
    for (double& v : p) v = static_cast<double>(rng.below(6));
  return points;
}

Trial complete(int64_t number, double accuracy, int64_t flash) {
  Trial t;
  t.number = number;
  t.state = TrialState::kComplete;
  t.metrics.accuracy = accuracy;
  t.estimates.flash_bytes = flash;
  return t;
}

TEST(Dominates, NeedsOneStrictlyBetterObjective) {
  EXPECT_TRUE(dominates({1, 2}, {1, 3}));
  EXPECT_FALSE(dominates({1, 2}, {1, 2}));
  EXPECT_FALSE(dominates({1, 3}, {2, 2}));
}

// The definition, peeled: front k is what nobody dominates once fronts 0 .. k-1 are gone.
TEST(NonDominatedRank, MatchesPeelingTheFrontsOneByOne) {
  Rng rng(1);
  for (int round = 0; round < 100; ++round) {
    const auto points = random_points(rng, 25, 2 + round % 3);
    const std::vector<int> rank = non_dominated_rank(points);
    std::vector<bool> gone(points.size(), false);
    for (int level = 0; std::count(gone.begin(), gone.end(), false) > 0; ++level) {
      std::vector<size_t> front;
      for (size_t i = 0; i < points.size(); ++i) {
        bool free = !gone[i];
        for (size_t j = 0; j < points.size(); ++j) free = free && (gone[j] || !dominates(points[j], points[i]));
        if (free) front.push_back(i);
      }
      for (size_t i : front) {
        EXPECT_EQ(rank[i], level);
        gone[i] = true;
      }
    }
  }
}

TEST(CrowdingDistance, IsTheNormalisedSideLengthOfTheEmptyBoxAndInfiniteAtTheEnds) {
  // Deb et al. 2002, fig. 1: on (0,10) (1,6) (4,5) (10,0) the inner ones have (4-0)/10 + (10-5)/10 and (10-1)/10 +
  // (6-0)/10.
  const std::vector<double> d = crowding_distance({{0, 10}, {1, 6}, {4, 5}, {10, 0}});
  EXPECT_EQ(d[0], kInf);
  EXPECT_DOUBLE_EQ(d[1], 0.9);
  EXPECT_DOUBLE_EQ(d[2], 1.5);
  EXPECT_EQ(d[3], kInf);
}

TEST(CrowdingDistance, OfEqualPointsHasNoNaN) {
  for (double d : crowding_distance({{1, 1}, {1, 1}, {1, 1}})) EXPECT_FALSE(std::isnan(d));
  EXPECT_TRUE(crowding_distance({}).empty());
}

TEST(ParetoFront, HoldsTheCompleteTrialsThatNoneDominatesByFallingAccuracy) {
  std::vector<Trial> trials = {complete(0, 0.8, 100), complete(1, 0.9, 200), complete(2, 0.7, 150),
                               complete(3, 0.95, 50), complete(4, 0.5, 20)};
  trials[3].state = TrialState::kFailed;
  EXPECT_EQ(pareto_front(trials, {.objectives = {"flash"}}), (std::vector<size_t>{1, 0, 4}));
}

TEST(ObjectiveValues, PutTheErrorFirstAndThenTheNamedCosts) {
  Trial t = complete(0, 0.75, 4096);
  t.estimates.ram_bytes = 512;
  t.estimates.latency_us = 1.5;
  t.estimates.energy_uj = 2.5;
  t.estimates.macs = 7;
  EXPECT_EQ(objective_values(t, {.objectives = {"flash", "ram", "latency", "energy", "macs"}}),
            (ObjectiveVector{0.25, 4096, 512, 1.5, 2.5, 7}));
  t.estimates.average_power_uw = 12.5;
  t.estimates.parameters = 9;
  EXPECT_EQ(objective_values(t, {.objectives = {"average_power", "params"}}), (ObjectiveVector{0.25, 12.5, 9}));
  EXPECT_THROW(objective_values(t, {.objectives = {"speed"}}), ConfigError);
}

// Without the limit 1 costs less than 0; within it both cost the same, and 0 is more accurate.
TEST(SoftLimit, ToBeBelowItGainsNothing) {
  const std::vector<Trial> trials = {complete(0, 0.9, 200), complete(1, 0.8, 100), complete(2, 0.95, 300)};
  EXPECT_EQ(pareto_front(trials, {.objectives = {"flash"}}), (std::vector<size_t>{2, 0, 1}));
  Goals goals{.objectives = {"flash"}};
  goals.soft_limits.flash_bytes = 200;
  EXPECT_EQ(pareto_front(trials, goals), (std::vector<size_t>{2, 0}));
  EXPECT_EQ(objective_values(trials[1], goals)[1], 200);
  EXPECT_EQ(objective_values(trials[2], goals)[1], 300);  // to exceed it is allowed, at its price
}

TEST(AccuracyFloor, KeepsATrialOutOfTheFront) {
  const std::vector<Trial> trials = {complete(0, 0.8, 100), complete(1, 0.9, 200), complete(2, 0.7, 50)};
  Goals goals{.objectives = {"flash"}};
  goals.accuracy_floor = 0.8;
  EXPECT_EQ(pareto_front(trials, goals), (std::vector<size_t>{1, 0}));
  goals.accuracy_floor = 0.95;
  EXPECT_TRUE(pareto_front(trials, goals).empty());
}

}  // namespace
}  // namespace bitwright

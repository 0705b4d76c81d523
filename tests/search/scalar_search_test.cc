// SPDX-License-Identifier: Apache-2.0
#include "search/scalar_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/search/grid.h"

namespace bitwright {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr PoolOptions kRandomOnly = {.points = 1000, .refinements = 0};

// |first - 0.5| of each row.
VectorXd from_middle(const MatrixXd& rows) {
  return (rows.col(0).array() - 0.5).abs();
}

ScalarResults three_results() {
  return {
      {Eigen::RowVectorXd{{0.0, 0.0, 0.0}}, Eigen::RowVectorXd{{0.5, 0.5, 1.0}}, Eigen::RowVectorXd{{1.0, 0.5, 2.0}}},
      {3.0, 1.0, 2.0}};
}

TEST(LeastOfPool, IsTheLeastOfAllWhereThePoolHoldsTheSpace) {
  const Grid space;
  PointDrawer drawer(space, {}, Rng(1));
  EXPECT_EQ(least_of_pool(space, drawer, kRandomOnly, from_middle)->point[0], 6);
}

// Neighbours of the best of ten random points are better.
TEST(LeastOfPool, MutantsOfTheBestAreBetterThanRandomPoints) {
  const Grid space(200);
  const auto distance = [](const MatrixXd& rows) -> VectorXd {
    return from_middle(rows) + (rows.col(2).array() - 1).abs().matrix();
  };
  double refined = 0.0, random = 0.0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto least = [&](const PoolOptions& options) {
      PointDrawer drawer(space, {}, Rng(seed));
      return distance(space.encode(least_of_pool(space, drawer, options, distance)->point))[0];
    };
    refined += least({.points = 10, .refinements = 3, .refined = 5, .mutants = 10});
    random += least({.points = 10, .refinements = 0});
  }
  EXPECT_LT(refined, random / 3);
}

TEST(LeastOfPool, IsNothingWhereAllIsTaken) {
  const Grid space(1);
  PointDrawer drawer(space, {space.key({0, 0, 0}), space.key({0, 0, 1}), space.key({0, 0, 2})}, Rng(1));
  EXPECT_FALSE(least_of_pool(space, drawer, kRandomOnly, from_middle).has_value());
}

TEST(ScalarModel, LiesNearItsResultsAndBoundsThemFromBelow) {
  const ScalarResults results = three_results();
  PrefixModel prefix(Grid().inputs());
  const GaussianProcess model = scalar_model(prefix, results, {});
  for (size_t i = 0; i < 3; ++i) {
    const double mean = lower_confidence_bound(model, results.rows[i], 0.0)[0];
    EXPECT_NEAR(mean, results.targets[i], 0.5);
    EXPECT_LT(lower_confidence_bound(model, results.rows[i], 2.0)[0], mean);
  }
}

TEST(ScalarModel, OfAPointUnderWayExpectsNoMoreToLearn) {
  PrefixModel prefix(Grid().inputs());
  const Eigen::RowVectorXd asked{{0.2, 0.9, 2.0}};
  const auto deviation = [&](const std::vector<Eigen::RowVectorXd>& pending) {
    return scalar_model(prefix, three_results(), pending).predict(asked).deviation[0];
  };
  EXPECT_LT(deviation({asked}), deviation({}) / 2);
}

}  // namespace
}  // namespace bitwright

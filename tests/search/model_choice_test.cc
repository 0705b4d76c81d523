// SPDX-License-Identifier: Apache-2.0
#include "search/model_choice.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>

#include "core/rng.h"

namespace bitwright {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

const std::vector<ModelInput> kInputs(4);

double smooth(const Eigen::RowVectorXd& x, Rng& rng) {
  return std::sin(5.0 * x[0]) + x[1] * x[1] + 0.1 * rng.normal();
}

// Beyond a cliff the levels are in no order.
double cliff(const Eigen::RowVectorXd& x, Rng& rng) {
  return x[0] < 0.6 ? 0.02 * x[1] : 2.0 + rng.normal();
}

std::vector<Index> first_indices(Index count) {
  std::vector<Index> indices(static_cast<size_t>(count));
  std::iota(indices.begin(), indices.end(), Index{0});
  return indices;
}

// Of 20 searches of so many results, those in which the forest is better.
int forests(const std::function<double(const Eigen::RowVectorXd&, Rng&)>& function, Index results) {
  int better = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed, 1);
    MatrixXd points(results, 4);
    for (double& x : points.reshaped()) x = rng.uniform();
    VectorXd targets(results);
    for (Index i = 0; i < results; ++i) targets[i] = function(points.row(i), rng);
    GaussianProcess model(kInputs, {.starts = 1});
    model.fit(points, targets);
    better += ForestChoice(kInputs).given(points, targets, model, first_indices(results)).has_value();
  }
  return better;
}

TEST(ModelChoice, LeavesASmoothFunctionToTheGaussianProcess) {
  EXPECT_EQ(forests(smooth, 60), 0);
  EXPECT_EQ(forests(smooth, 120), 0);
}

TEST(ModelChoice, GivesACliffToTheForest) {
  EXPECT_GE(forests(cliff, 120), 15);
}

TEST(ModelChoice, IsTheGaussianProcessBefore40Results) {
  EXPECT_EQ(forests(cliff, 39), 0);
  EXPECT_GT(forests(cliff, 40), 0);
}

TEST(ModelChoice, ScoresAreLogarithmsOfDensities) {
  const GaussianPosterior foretold{VectorXd{{1.0, 1.0}}, VectorXd{{2.0, 2.0}}};
  const VectorXd scores = log_scores(foretold, VectorXd{{1.0, 5.0}});
  EXPECT_NEAR(std::exp(scores[0]), 0.19947114020071635, 1e-12);
  EXPECT_NEAR(std::exp(scores[1]), 0.19947114020071635 * std::exp(-2.0), 1e-12);
}

// The mean of 30 differences 1 +- s has a standard error of s / sqrt(29).
TEST(ModelChoice, IsBetterFromThreeStandardErrorsOn) {
  const VectorXd none = VectorXd::Zero(30);
  const VectorXd signs = VectorXd::LinSpaced(30, 0, 29).unaryExpr([](double i) { return std::cos(i * M_PI); });
  const double limit = std::sqrt(29.0) / 3.0;
  EXPECT_TRUE(better_lately((1.0 + 0.99 * limit * signs.array()).matrix(), none));
  EXPECT_FALSE(better_lately((1.0 + 1.01 * limit * signs.array()).matrix(), none));
  EXPECT_FALSE(better_lately(none, none));
  EXPECT_FALSE(better_lately(none, VectorXd::Ones(30)));
}

TEST(ModelChoice, LooksAtTheLast30Results) {
  VectorXd scores = VectorXd::Constant(50, -100.0);
  scores.tail(30).setOnes();
  EXPECT_TRUE(better_lately(scores, VectorXd::Zero(50)));
  scores[20] = -100.0;
  EXPECT_FALSE(better_lately(scores, VectorXd::Zero(50)));
}

}  // namespace
}  // namespace bitwright

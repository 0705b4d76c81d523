// SPDX-License-Identifier: Apache-2.0
#include "search/random_forest.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/rng.h"

namespace bitwright {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

const std::vector<ModelInput> kOrdered = {{}}, kCategory = {{.choices = 4}};
const std::vector<ModelInput> kMixed = {{}, {.choices = 3}, {}, {.choices = 2}, {}};

// Uniform; an input in eight is inactive where some may be.
MatrixXd random_points(const std::vector<ModelInput>& inputs, Index n, Rng& rng, bool all_active = false) {
  MatrixXd points(n, static_cast<Index>(inputs.size()));
  for (Index i = 0; i < n; ++i)
    for (Index k = 0; k < points.cols(); ++k) {
      const int choices = inputs[static_cast<size_t>(k)].choices;
      points(i, k) = choices == 0 ? rng.uniform() : static_cast<double>(rng.below(static_cast<uint64_t>(choices)));
      if (!all_active && rng.below(8) == 0) points(i, k) = kInactiveInput;
    }
  return points;
}

RandomForest fitted(const std::vector<ModelInput>& inputs, const MatrixXd& points, const VectorXd& targets,
                    uint64_t seed = 0) {
  RandomForest forest(inputs, {.seed = seed});
  forest.fit(points, targets);
  return forest;
}

VectorXd toy(const MatrixXd& points, Rng& rng) {
  VectorXd targets(points.rows());
  for (Index i = 0; i < targets.size(); ++i) {
    const double x = std::isnan(points(i, 0)) ? 0.5 : points(i, 0);
    targets[i] = std::sin(6.0 * x) + (points(i, 1) == 2 ? 1.0 : 0.0) + 0.3 * rng.normal();
  }
  return targets;
}

TEST(RandomForest, TellsTheSidesOfAStepApart) {
  Rng rng(3);
  const MatrixXd points = random_points(kOrdered, 100, rng, true);
  const VectorXd targets = (points.array() < 0.4).select(VectorXd::Constant(100, 7.0), VectorXd::Constant(100, -2.0));
  const VectorXd mean = fitted(kOrdered, points, targets).predict(MatrixXd{{0.1}, {0.35}, {0.45}, {0.9}}).mean;
  EXPECT_LT((mean - VectorXd{{7.0, 7.0, -2.0, -2.0}}).cwiseAbs().maxCoeff(), 0.5);
}

TEST(RandomForest, LearnsWhatEachChoiceOfACategoryIsWorth) {
  Rng rng(5);
  const VectorXd worth{{3.0, -1.0, 10.0, 0.0}};
  const MatrixXd points = random_points(kCategory, 100, rng, true);
  VectorXd targets(100);
  for (Index i = 0; i < 100; ++i) targets[i] = worth[static_cast<Index>(points(i, 0))];
  const VectorXd mean = fitted(kCategory, points, targets).predict(MatrixXd{{0}, {1}, {2}, {3}}).mean;
  EXPECT_LT((mean - worth).cwiseAbs().maxCoeff(), 1e-9);
}

// Neither beside the least values of the input nor beside the greatest.
TEST(RandomForest, AnInactiveInputTakesABranchOfItsOwn) {
  Rng rng(7);
  MatrixXd points = random_points(kOrdered, 60, rng, true);
  VectorXd targets = points.col(0);
  for (Index i = 0; i < 20; ++i) points(3 * i, 0) = kInactiveInput, targets[3 * i] = 5.0;
  const VectorXd mean = fitted(kOrdered, points, targets).predict(MatrixXd{{0.1}, {0.9}, {kInactiveInput}}).mean;
  EXPECT_NEAR(mean[0], 0.1, 0.1);
  EXPECT_NEAR(mean[1], 0.9, 0.1);
  EXPECT_NEAR(mean[2], 5.0, 1e-9);
}

// By hand: a tree of one split, and a point of a kind that was not there.
TEST(RandomForest, AnEndIsALeafOrWhereAPointAloneTakesItsBranch) {
  const RegressionTree tree = {
      {.mean = 1, .input = 0, .cut = 0.5, .branches = {1, 2, TreeNode::kNone}}, {.mean = 2}, {.mean = 3}};
  const MatrixXd points{{0.4}, {0.5}, {kInactiveInput}};
  for (Index i = 0; i < 3; ++i) EXPECT_EQ(leaf_of(tree, points, i).mean, (VectorXd{{2, 3, 1}}[i]));
}

// Law of total variance, from the trees.
TEST(RandomForest, MeanAndVarianceAreThoseOfAMixtureOfTheTrees) {
  Rng rng(11);
  const MatrixXd points = random_points(kMixed, 50, rng), asked = random_points(kMixed, 20, rng);
  const VectorXd targets = toy(points, rng);
  const RandomForest forest = fitted(kMixed, points, targets);
  const GaussianPosterior posterior = forest.predict(asked);
  const auto count = static_cast<double>(forest.trees().size());
  for (Index i = 0; i < 20; ++i) {
    double mean = 0, second_moment = 0;
    for (const RegressionTree& tree : forest.trees()) {
      const TreeNode& leaf = leaf_of(tree, asked, i);
      mean += leaf.mean / count, second_moment += (leaf.mean * leaf.mean + leaf.variance) / count;
    }
    const double scale = standard_deviation(targets);
    EXPECT_NEAR(posterior.mean[i], targets.mean() + scale * mean, 1e-9);
    EXPECT_NEAR(posterior.deviation[i], scale * std::sqrt(second_moment - mean * mean), 1e-9);
  }
}

TEST(RandomForest, IsTheSameForTheSameSeedAndAnotherForAnother) {
  Rng rng(13);
  const MatrixXd points = random_points(kMixed, 50, rng), asked = random_points(kMixed, 20, rng);
  const VectorXd targets = toy(points, rng);
  const GaussianPosterior one = fitted(kMixed, points, targets).predict(asked);
  EXPECT_EQ(one.mean, fitted(kMixed, points, targets).predict(asked).mean);
  EXPECT_EQ(one.deviation, fitted(kMixed, points, targets).predict(asked).deviation);
  EXPECT_NE(one.mean, fitted(kMixed, points, targets, 1).predict(asked).mean);
}

// A result that is told wrong changes what is said of others, not what is said of it.
TEST(RandomForest, LeavesAResultOutWhereItForetellsIt) {
  Rng rng(17);
  const MatrixXd points = random_points(kCategory, 60, rng, true);
  VectorXd targets = points.col(0);
  const double before = fitted(kCategory, points, targets).leave_one_out().mean[30];
  targets[30] += 1.0;
  EXPECT_NEAR(fitted(kCategory, points, targets).leave_one_out().mean[30], before, 1e-9);
  EXPECT_GT(fitted(kCategory, points, targets).predict(points.row(30)).mean[0], before + 0.01);
}

// Of a point that ends in leaves of n results n / (n + 1) of the variance is left, and the mean stays.
TEST(RandomForest, APointUnderWayIsATargetMoreAtItsLeaves) {
  MatrixXd points(90, 1);
  VectorXd targets(90);
  for (Index i = 0; i < 90; ++i) points(i, 0) = i % 2, targets[i] = (i / 2) % 3 + 10.0 * (i % 2);
  RandomForest forest(kCategory, {.least_split = 46});  // 60 results a tree
  forest.fit(points, targets);
  const MatrixXd asked{{0}, {1}};
  const GaussianPosterior before = forest.predict(asked);
  forest.add_pending(asked.row(0));
  const GaussianPosterior after = forest.predict(asked);
  EXPECT_NEAR(after.mean[0], before.mean[0], 0.01);
  EXPECT_NEAR(after.deviation[0] / before.deviation[0], std::sqrt(30.0 / 31.0), 0.002);
  EXPECT_EQ(after.mean[1], before.mean[1]);
  EXPECT_EQ(after.deviation[1], before.deviation[1]);
}

// 95 % of an honest normal belief; of new results, and of those left out.
TEST(RandomForest, DeviationsCoverNewResults) {
  Rng rng(19);
  double inside = 0, inside_left_out = 0;
  constexpr int kRounds = 40;
  for (int round = 0; round < kRounds; ++round) {
    const MatrixXd points = random_points(kMixed, 60, rng), asked = random_points(kMixed, 60, rng);
    const VectorXd targets = toy(points, rng), wanted = toy(asked, rng);
    const RandomForest forest = fitted(kMixed, points, targets);
    const auto share_inside = [](const GaussianPosterior& said, const VectorXd& came_out) {
      return ((came_out - said.mean).array().abs() < 1.96 * said.deviation.array()).cast<double>().mean();
    };
    inside += share_inside(forest.predict(asked), wanted) / kRounds;
    inside_left_out += share_inside(forest.leave_one_out(), targets) / kRounds;
  }
  EXPECT_NEAR(inside, 0.95, 0.03);
  EXPECT_NEAR(inside_left_out, 0.95, 0.03);
}

TEST(RandomForest, TakesRepeatedPointsConstantTargetsAndThreeResults) {
  const RandomForest forest = fitted(kOrdered, MatrixXd::Constant(3, 1, 0.5), VectorXd::Constant(3, 4.0));
  EXPECT_EQ(forest.predict(MatrixXd{{0.5}, {kInactiveInput}}).mean, VectorXd::Constant(2, 4.0));
  EXPECT_GT(forest.leave_one_out().deviation.minCoeff(), 0.0);
}

}  // namespace
}  // namespace bitwright

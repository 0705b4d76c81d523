// search/random_forest.h: a forest of regression trees over mixed inputs: what is believed of a function that jumps,
// where a Gaussian process (search/gaussian_process.h) expects a smooth one.
//
// The trees are extremely randomised: at a node one cut is drawn of each input, and the one that leaves the least
// squares is taken. The cut of an ordered input is uniform between the least and the greatest value of the results at
// the node; that of a category parts the choice of one of them from the others. What an input is inactive of takes a
// branch of its own. The results are dealt out into three parts for every three trees, each of which sees two of them:
// a third of the trees say of each result what they would have said before it.
//
//   mean = mean of the trees' means      variance = variance of the trees' means + mean of the trees' variances
//
// a tree's mean and variance being those of the targets at the leaf, the variance at least 0.01 of that of all. A point
// under way is one more target at its leaves, the mean: with leaves of n results the variance there is n / (n + 1) of
// what it was.
//
// Source: Geurts, Ernst, Wehenkel, "Extremely Randomized Trees", 2006; Hutter, Xu, Hoos, Leyton-Brown, "Algorithm
// Runtime Prediction: Methods & Evaluation", 2014, section 4.3.2: mean, variance and its least value.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/Core>
#include <array>
#include <cstdint>
#include <vector>

#include "search/gaussian_process.h"

namespace bitwright {

struct RandomForestOptions {
  int trees = 60;       // a multiple of 3, >= 3; time is linear
  int least_split = 5;  // results at a node that is split, >= 2
  uint64_t seed = 0;    // of cuts and parts
};

struct TreeNode {
  static constexpr int kNone = -1;

  double mean = 0.0, variance = 0.0;  // of the targets that came here
  double results = 0.0;               // as many
  Eigen::Index input = kNone;         // that is split; none: a leaf
  bool category = false;
  double cut = 0.0;                                  // the first branch is of less, of a category of this choice
  std::array<int, 3> branches{kNone, kNone, kNone};  // first, second, inactive: nodes; none: no result went there
};

// The first is the root, and every node comes before its branches.
using RegressionTree = std::vector<TreeNode>;

// Where a point ends: a leaf, or the node at which it alone would take its branch.
const TreeNode& leaf_of(const RegressionTree& tree, const Eigen::MatrixXd& points, Eigen::Index row);

class RandomForest {
 public:
  explicit RandomForest(std::vector<ModelInput> inputs, RandomForestOptions options = {});

  // points: n >= 3 rows, a column an input; targets: n finite values. The same forest for the same. O(trees n d log n).
  void fit(const Eigen::MatrixXd& points, const Eigen::VectorXd& targets);
  // After fit. Deviations are those of results, their noise included. O(trees log n) a point.
  GaussianPosterior predict(const Eigen::MatrixXd& points) const;
  // A point under way, after fit: believed to come out at its mean. O(trees log n).
  void add_pending(const Eigen::RowVectorXd& point);
  // Of each result of the fit, by the trees that did not see it.
  const GaussianPosterior& leave_one_out() const { return leave_one_out_; }

  const std::vector<RegressionTree>& trees() const { return trees_; }  // of standardised targets

 private:
  std::vector<ModelInput> inputs_;
  RandomForestOptions options_;
  std::vector<RegressionTree> trees_;
  double offset_ = 0.0, scale_ = 1.0;  // target = offset + scale * standardised
  GaussianPosterior leave_one_out_;
};

}  // namespace bitwright

// search/model_choice.h: whether a forest foretells results better than a Gaussian process does.
//
// Each says of a result what it would have said without it; its score is the logarithm of the density that it gave to
// what came out. The forest is preferred where its scores of the last 30 results are greater by three standard errors
// of the mean difference: a search asks a hundred times, and two would now and then be luck.
//
// What is foretold is what the model of the search learns: where earlier studies are believed, what they leave of the
// error, which moves both by the same. Where trainings stop at rungs, the results that count are those of whole
// trainings, as only such are asked for; their errors at rungs are known to both.
//
// The hyperparameters of the Gaussian process stay as they are, fitted to the result as well, while a third of the
// forest's trees speak for all: both favour the Gaussian process, which is meant to be left only for cause.
//
// The choice is a function of the results alone, and so is the forest, whose seed is always the same: proposals can be
// made again.
//
// Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, section 5.4.2.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/Core>
#include <optional>
#include <utility>
#include <vector>

#include "search/random_forest.h"

namespace bitwright {

// Results before which there is no choice.
inline constexpr size_t kLeastJudged = 40;

// Logarithm of the density of each target, eq. (5.10). Deviations > 0.
Eigen::VectorXd log_scores(const GaussianPosterior& foretold, const Eigen::VectorXd& targets);

// scores, others: of the same results, the oldest first, two at least.
bool better_lately(const Eigen::VectorXd& scores, const Eigen::VectorXd& others);

// Of one target, as its results come in.
class ForestChoice {
 public:
  explicit ForestChoice(std::vector<ModelInput> inputs) : inputs_(std::move(inputs)) {}

  // A forest of all results, where it foretells the first of them better than `model`, which was conditioned on these
  // and on no point under way; otherwise nothing. points, targets: those of the last call, and more behind them, where
  // as many are the first; where not, others. judged: indices of the results that count, rising. O(n^3) where more are
  // the first than in the last call.
  std::optional<RandomForest> given(const Eigen::MatrixXd& points, const Eigen::VectorXd& targets,
                                    const GaussianProcess& model, const std::vector<Eigen::Index>& judged);

 private:
  std::vector<ModelInput> inputs_;
  Eigen::Index first_ = 0;  // results, of the last call
  bool better_ = false;     // there
};

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "search/model_choice.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/check.h"

namespace bitwright {
namespace {

using Eigen::ArrayXd;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr Index kJudged = 30;            // results, the last
constexpr double kStandardErrors = 3.0;  // by which the forest must be better

RandomForest fitted_forest(const std::vector<ModelInput>& inputs, const MatrixXd& points, const VectorXd& targets) {
  RandomForest forest(inputs);
  forest.fit(points, targets);
  return forest;
}

bool is_better(const std::vector<ModelInput>& inputs, const MatrixXd& points, const VectorXd& targets,
               const GaussianProcess& model, const std::vector<Index>& judged) {
  if (judged.size() < kLeastJudged) return false;
  const VectorXd scores = log_scores(fitted_forest(inputs, points, targets).leave_one_out(), targets);
  return better_lately(scores(judged), log_scores(model.leave_one_out(), targets)(judged));
}

}  // namespace

VectorXd log_scores(const GaussianPosterior& foretold, const VectorXd& targets) {
  const ArrayXd in_deviations = (targets - foretold.mean).array() / foretold.deviation.array();
  return -0.5 * in_deviations.square() - foretold.deviation.array().log() - 0.5 * std::log(2.0 * std::numbers::pi);
}

bool better_lately(const VectorXd& scores, const VectorXd& others) {
  BW_CHECK(scores.size() == others.size() && scores.size() >= 2);
  const Index count = std::min(kJudged, scores.size());
  const ArrayXd gains = (scores - others).tail(count).array();
  const double variance = (gains - gains.mean()).square().sum() / static_cast<double>(count - 1);
  return gains.mean() > kStandardErrors * std::sqrt(variance / static_cast<double>(count));
}

std::optional<RandomForest> ForestChoice::given(const MatrixXd& points, const VectorXd& targets,
                                                const GaussianProcess& model, const std::vector<Index>& judged) {
  const Index first = model.observations();
  BW_CHECK(first <= targets.size());
  if (first != first_) better_ = is_better(inputs_, points.topRows(first), targets.head(first), model, judged);
  first_ = first;
  if (!better_) return std::nullopt;
  return fitted_forest(inputs_, points, targets);
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "search/earlier_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/check.h"
#include "search/successive_halving.h"

namespace bitwright {
namespace {

using Eigen::Index;

constexpr Index kMostResults = 400;  // of an earlier study
constexpr size_t kLeastResults = 5;  // of this one, before anything is believed
constexpr double kLeastAgreement = 0.3;
constexpr double kHalfResults = 20.0;  // of this study, at which half of the weight is left

double weight_of(double agreement, size_t results) {
  const auto n = static_cast<double>(results);
  const double least = std::max(kLeastAgreement, 1.0 / std::sqrt(n - 1.0));
  const double left = 1.0 / (1.0 + n * n / (kHalfResults * kHalfResults));
  return left * std::max(0.0, (agreement - least) / (1.0 - least));
}

// Least squares of results by means, which are not all equal; never falling.
void fit_line(EarlierBelief& belief, const std::vector<double>& means, const std::vector<double>& results) {
  const auto n = static_cast<double>(means.size());
  const double mean_x = std::accumulate(means.begin(), means.end(), 0.0) / n;
  const double mean_y = std::accumulate(results.begin(), results.end(), 0.0) / n;
  double xx = 0.0, xy = 0.0;
  for (size_t i = 0; i < means.size(); ++i) {
    xx += (means[i] - mean_x) * (means[i] - mean_x);
    xy += (means[i] - mean_x) * (results[i] - mean_y);
  }
  belief.slope = std::max(0.0, xy / xx);
  belief.offset = mean_y - belief.slope * mean_x;
}

}  // namespace

void EarlierModels::add(const Eigen::MatrixXd& rows, const Eigen::VectorXd& targets) {
  BW_CHECK(rows.rows() == targets.size() && targets.size() >= 1);
  const Index count = std::min(targets.size(), kMostResults);
  models_.emplace_back(inputs_, GaussianProcessOptions{.starts = 1});
  models_.back().fit(rows.bottomRows(count), targets.tail(count));
}

EarlierBelief belief_in(const std::vector<std::vector<double>>& means, const std::vector<double>& results) {
  EarlierBelief best;
  if (results.size() < kLeastResults) return best;
  for (size_t study = 0; study < means.size(); ++study) {
    const double weight = weight_of(rank_correlation(means[study], results), results.size());
    if (weight > best.weight) best.study = study, best.weight = weight;
  }
  if (best.weight > 0.0) fit_line(best, means[best.study], results);
  return best;
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "search/svm.h"

#include <algorithm>
#include <cmath>

#include "core/check.h"

namespace bitwright {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kLeastCurvature = 1e-12;

// Of the points whose coefficients may rise that of the greatest residual, and of those whose coefficients may fall
// that of the least; -1: there is none.
struct Pair {
  Index rising = -1, falling = -1;
};

Pair most_violating(const VectorXd& residuals, const VectorXd& coefficients, const VectorXd& low,
                    const VectorXd& high) {
  Pair pair;
  for (Index i = 0; i < residuals.size(); ++i) {
    if (coefficients[i] < high[i] && (pair.rising < 0 || residuals[i] > residuals[pair.rising])) pair.rising = i;
    if (coefficients[i] > low[i] && (pair.falling < 0 || residuals[i] < residuals[pair.falling])) pair.falling = i;
  }
  return pair;
}

}  // namespace

VectorXd Svm::decide(const MatrixXd& kernel) const {
  return (kernel * coefficients).array() + bias;
}

Svm train_svm(const MatrixXd& kernel, const VectorXd& labels, const SvmOptions& options) {
  const Index n = labels.size();
  BW_CHECK(n >= 1 && kernel.rows() == n && kernel.cols() == n && options.c > 0 && options.tolerance > 0);
  if (labels.minCoeff() == labels.maxCoeff()) return {VectorXd::Zero(n), labels[0]};
  const VectorXd low = options.c * labels.cwiseMin(0.0), high = options.c * labels.cwiseMax(0.0);
  VectorXd b = VectorXd::Zero(n);
  VectorXd residuals = labels;  // y - K b: at the optimum no rising one is above the bias, no falling one below
  for (int step = 0;; ++step) {
    const auto [i, j] = most_violating(residuals, b, low, high);
    const double violation = residuals[i] - residuals[j];
    if (violation < options.tolerance || step >= options.max_steps)
      return {std::move(b), (residuals[i] + residuals[j]) / 2};
    const double curvature = std::max(kLeastCurvature, kernel(i, i) + kernel(j, j) - 2 * kernel(i, j));
    const double change = std::min({violation / curvature, high[i] - b[i], b[j] - low[j]});
    b[i] = change == high[i] - b[i] ? high[i] : b[i] + change;  // exactly at its bound, or it would be chosen again
    b[j] = change == b[j] - low[j] ? low[j] : b[j] - change;
    residuals -= change * (kernel.col(i) - kernel.col(j));
  }
}

MatrixXd rbf_kernel(const std::vector<ModelInput>& inputs, const MatrixXd& a, const MatrixXd& b, double gamma) {
  MatrixXd kernel(a.rows(), b.rows());
  for (Index i = 0; i < a.rows(); ++i)
    for (Index j = 0; j < b.rows(); ++j) {
      double sum = 0.0;
      for (Index k = 0; k < a.cols(); ++k) sum += input_distance(inputs[static_cast<size_t>(k)], a(i, k), b(j, k));
      kernel(i, j) = std::exp(-gamma * sum / static_cast<double>(inputs.size()));
    }
  return kernel;
}

}  // namespace bitwright

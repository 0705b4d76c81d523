// SPDX-License-Identifier: Apache-2.0
#include "search/gaussian_process.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "core/check.h"
#include "core/rng.h"
#include "search/lbfgs.h"

namespace bitwright {
namespace {

using Eigen::ArrayXd;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kInactiveOrdered = 0.5;
constexpr double kGroupCorrelation = 0.8;
constexpr double kFirstJitter = 1e-8, kLastJitter = 1e-2;  // as shares of the signal's variance

double square(double x) {
  return x * x;
}

struct NormalPrior {
  double mean, deviation;
};

Index input_count(const std::vector<ModelInput>& inputs) {
  return static_cast<Index>(inputs.size());
}

// Of the logarithms of lengths, signal and noise, in this order.
NormalPrior prior_of(Index hyperparameter, Index inputs) {
  if (hyperparameter == inputs) return {0.0, 0.5};
  if (hyperparameter > inputs) return {-3.0, 1.0};
  return {0.5 * std::log(static_cast<double>(inputs) / 2), 0.7};
}

VectorXd prior_means(Index inputs) {
  VectorXd means(inputs + 2);
  for (Index i = 0; i < means.size(); ++i) means[i] = prior_of(i, inputs).mean;
  return means;
}

// Points whose squared distances are the sum in r^2 of the kernel: an ordered input is a column, a category one of them
// a choice.
MatrixXd embed(const std::vector<ModelInput>& inputs, const MatrixXd& points, const VectorXd& log_hyperparameters) {
  Index columns = 0;
  for (const ModelInput& input : inputs) columns += std::max(1, input.choices);
  MatrixXd embedded = MatrixXd::Zero(points.rows(), columns);
  Index column = 0;
  for (Index k = 0; k < input_count(inputs); ++k) {
    const double weight = std::exp(-log_hyperparameters[k]);
    const int choices = inputs[static_cast<size_t>(k)].choices;
    for (Index i = 0; i < points.rows(); ++i) {
      const double value = points(i, k);
      const bool active = !std::isnan(value);
      if (choices == 0) {
        embedded(i, column) = weight * (active ? value : kInactiveOrdered);
      } else if (active) {
        BW_CHECK(value >= 0 && value < choices);
        embedded(i, column + static_cast<Index>(value)) = weight * std::sqrt(0.5);
      }
    }
    column += std::max(1, choices);
  }
  return embedded;
}

// Of the rows of a and b.
MatrixXd squared_distances(const MatrixXd& a, const MatrixXd& b) {
  MatrixXd d = -2.0 * a * b.transpose();
  d.colwise() += a.rowwise().squaredNorm();
  d.rowwise() += b.rowwise().squaredNorm().transpose();
  return d.cwiseMax(0.0);
}

double category_distance(double a, double b) {
  if (std::isnan(a) && std::isnan(b)) return 0.0;
  if (std::isnan(a) || std::isnan(b)) return 0.5;
  return a == b ? 0.0 : 1.0;
}

double ordered_distance(double a, double b) {
  return square((std::isnan(a) ? kInactiveOrdered : a) - (std::isnan(b) ? kInactiveOrdered : b));
}

// Between the pairs i > j of n points, column after column: what a fit computes once. A column an input.
MatrixXd pair_distances(const std::vector<ModelInput>& inputs, const MatrixXd& points) {
  const Index n = points.rows();
  MatrixXd distances(n * (n - 1) / 2, points.cols());
  for (Index k = 0; k < points.cols(); ++k) {
    const ModelInput& input = inputs[static_cast<size_t>(k)];
    Index pair = 0;
    for (Index j = 0; j < n; ++j)
      for (Index i = j + 1; i < n; ++i) distances(pair++, k) = input_distance(input, points(i, k), points(j, k));
  }
  return distances;
}

struct PairKernel {
  ArrayXd value, slope;  // k, and dk / d(r^2 / 5)
};

// squared: r^2 / 5 of each pair.
PairKernel pair_kernel(const ArrayXd& squared, double variance) {
  const ArrayXd r = (5.0 * squared).sqrt();
  const ArrayXd decay = variance * (-r).exp();
  return {(1.0 + r + r.square() / 3.0) * decay, -(5.0 / 6.0) * (1.0 + r) * decay};
}

MatrixXd lower_from_pairs(const ArrayXd& pairs, Index n, double diagonal) {
  MatrixXd matrix(n, n);
  Index pair = 0;
  for (Index j = 0; j < n; ++j) {
    matrix(j, j) = diagonal;
    matrix.col(j).tail(n - j - 1) = pairs.segment(pair, n - j - 1);
    pair += n - j - 1;
  }
  return matrix;
}

// alpha alpha^T - K^-1: its sums with derivatives of K are twice those of the likelihood, (5.9).
MatrixXd likelihood_weights(const Eigen::LLT<MatrixXd>& factor, const VectorXd& alpha) {
  const Index n = alpha.size();
  const MatrixXd inverse = factor.matrixL().solve(MatrixXd::Identity(n, n));  // of the factor
  MatrixXd weights = MatrixXd::Zero(n, n);
  weights.selfadjointView<Eigen::Lower>().rankUpdate(inverse.transpose(), -1.0);
  weights.selfadjointView<Eigen::Lower>().rankUpdate(alpha, 1.0);
  return weights;
}

ArrayXd pairs_of_lower(const MatrixXd& matrix) {
  const Index n = matrix.rows();
  ArrayXd pairs(n * (n - 1) / 2);
  Index pair = 0;
  for (Index j = 0; j < n; ++j) {
    pairs.segment(pair, n - j - 1) = matrix.col(j).tail(n - j - 1);
    pair += n - j - 1;
  }
  return pairs;
}

// The inverse of the correlation of standardised log-lengths, times these: 1 within an input, kGroupCorrelation within
// a group, by the formula of Sherman and Morrison.
VectorXd decorrelated(const std::vector<ModelInput>& inputs, const VectorXd& z) {
  struct Group {
    double sum = 0.0;
    int size = 0;
  };
  std::map<int, Group> groups;
  for (Index i = 0; i < z.size(); ++i) {
    Group& group = groups[inputs[static_cast<size_t>(i)].group];
    group.sum += z[i], ++group.size;
  }
  VectorXd out = z;
  constexpr double kRest = 1.0 - kGroupCorrelation;
  for (Index i = 0; i < z.size(); ++i) {
    const int number = inputs[static_cast<size_t>(i)].group;
    if (number < 0) continue;
    const Group& group = groups.at(number);
    out[i] = (z[i] - kGroupCorrelation * group.sum / (kRest + kGroupCorrelation * group.size)) / kRest;
  }
  return out;
}

double add_log_priors(const std::vector<ModelInput>& inputs, const VectorXd& log_hyperparameters, VectorXd& gradient) {
  const Index d = input_count(inputs);
  VectorXd z(d + 2), deviations(d + 2);
  for (Index i = 0; i < d + 2; ++i) {
    const NormalPrior prior = prior_of(i, d);
    z[i] = (log_hyperparameters[i] - prior.mean) / prior.deviation;
    deviations[i] = prior.deviation;
  }
  VectorXd slope = z;
  slope.head(d) = decorrelated(inputs, z.head(d));
  gradient -= slope.cwiseQuotient(deviations);
  return -0.5 * z.dot(slope);
}

double log_posterior_of_pairs(const std::vector<ModelInput>& model_inputs, const MatrixXd& pairs,
                              const VectorXd& targets, const VectorXd& log_hyperparameters, VectorXd& gradient) {
  const Index n = targets.size(), inputs = input_count(model_inputs);
  const VectorXd length_weights = (-2.0 * log_hyperparameters.head(inputs).array()).exp();
  const double signal = std::exp(2.0 * log_hyperparameters[inputs]);
  const double noise = std::exp(2.0 * log_hyperparameters[inputs + 1]);
  const double diagonal = signal * (1.0 + kFirstJitter);
  const PairKernel kernel = pair_kernel(pairs * length_weights, signal);
  const Eigen::LLT<MatrixXd> factor(lower_from_pairs(kernel.value, n, diagonal + noise));
  gradient = VectorXd::Zero(inputs + 2);
  if (factor.info() != Eigen::Success) return -std::numeric_limits<double>::infinity();

  const VectorXd alpha = factor.solve(targets);
  const MatrixXd weights = likelihood_weights(factor, alpha);
  const ArrayXd pair_weights = pairs_of_lower(weights);
  const VectorXd by_distance = (pair_weights * kernel.slope).matrix();
  gradient.head(inputs) = -2.0 * length_weights.cwiseProduct(pairs.transpose() * by_distance);
  gradient[inputs] = 2.0 * (pair_weights * kernel.value).sum() + diagonal * weights.trace();
  gradient[inputs + 1] = noise * weights.trace();
  const double likelihood = -0.5 * targets.dot(alpha) - factor.matrixLLT().diagonal().array().log().sum() -
                            0.5 * static_cast<double>(n) * std::log(2.0 * std::numbers::pi);  // (2.30)
  return likelihood + add_log_priors(model_inputs, log_hyperparameters, gradient);
}

// The prior's lengths, shortened so that the data are seen; then others about them.
std::vector<VectorXd> prior_starts(Index inputs, int count) {
  std::vector<VectorXd> starts;
  Rng rng(0x6c656e67746873);
  for (int s = 0; s < count; ++s) {
    VectorXd start = prior_means(inputs);
    start.head(inputs).array() -= 1.0;
    if (s > 0)
      for (Index k = 0; k < inputs; ++k) start[k] += rng.normal();
    starts.push_back(start);
  }
  return starts;
}

}  // namespace

double standard_deviation(const VectorXd& values) {
  const double variance = (values.array() - values.mean()).square().mean();
  return variance > 1e-24 * (1.0 + values.squaredNorm()) ? std::sqrt(variance) : 1.0;
}

double input_distance(const ModelInput& input, double a, double b) {
  return input.choices == 0 ? ordered_distance(a, b) : category_distance(a, b);
}

double log_posterior(const std::vector<ModelInput>& inputs, const MatrixXd& points, const VectorXd& targets,
                     const VectorXd& log_hyperparameters, VectorXd& gradient) {
  return log_posterior_of_pairs(inputs, pair_distances(inputs, points), targets, log_hyperparameters, gradient);
}

MatrixXd covariance(const std::vector<ModelInput>& inputs, const MatrixXd& a, const MatrixXd& b,
                    const VectorXd& log_hyperparameters) {
  const MatrixXd squared =
      squared_distances(embed(inputs, a, log_hyperparameters), embed(inputs, b, log_hyperparameters));
  const double signal = std::exp(2.0 * log_hyperparameters[input_count(inputs)]);
  return pair_kernel(squared.reshaped().array(), signal).value.matrix().reshaped(a.rows(), b.rows());
}

GaussianProcess::GaussianProcess(std::vector<ModelInput> inputs, GaussianProcessOptions options)
    : inputs_(std::move(inputs)), options_(options), log_hyperparameters_(prior_means(input_count(inputs_))) {
  BW_CHECK(options_.starts >= 1 && options_.max_iterations >= 1);
}

void GaussianProcess::fit(const MatrixXd& points, const VectorXd& targets) {
  condition(points, targets);
  const MatrixXd pairs = pair_distances(inputs_, points);
  const DifferentiableFn loss = [&](const VectorXd& x, VectorXd& gradient) {
    const double density = log_posterior_of_pairs(inputs_, pairs, targets_, x, gradient);
    gradient = -gradient;
    return -density;
  };
  std::vector<VectorXd> starts = prior_starts(input_count(inputs_), fitted_ ? 1 : options_.starts);
  if (fitted_) starts.push_back(log_hyperparameters_);
  double best = std::numeric_limits<double>::infinity();
  evaluations_ = 0;
  for (const VectorXd& start : starts) {
    VectorXd gradient;
    if (!std::isfinite(loss(start, gradient))) continue;
    const LbfgsResult result = minimize_lbfgs(loss, start, {.max_iterations = options_.max_iterations});
    evaluations_ += result.evaluations;
    if (result.value >= best) continue;
    best = result.value;
    log_hyperparameters_ = result.x;
  }
  fitted_ = true;
  factorize();
}

void GaussianProcess::condition(const MatrixXd& points, const VectorXd& targets) {
  BW_CHECK(points.rows() >= 1 && points.rows() == targets.size() && points.cols() == input_count(inputs_));
  BW_CHECK(targets.allFinite());
  points_ = points;
  offset_ = targets.mean();
  scale_ = standard_deviation(targets);
  targets_ = (targets.array() - offset_) / scale_;
  factorize();
}

// With as little jitter as it takes.
void GaussianProcess::factorize() {
  const Index d = input_count(inputs_);
  const double signal = std::exp(2.0 * log_hyperparameters_[d]), noise = std::exp(2.0 * log_hyperparameters_[d + 1]);
  MatrixXd k = covariance(inputs_, points_, points_, log_hyperparameters_);
  for (double jitter = kFirstJitter; jitter <= kLastJitter; jitter *= 10) {
    diagonal_ = signal * (1.0 + jitter) + noise;
    k.diagonal().setConstant(diagonal_);
    const Eigen::LLT<MatrixXd> factor(k);
    if (factor.info() != Eigen::Success) continue;
    lower_ = factor.matrixL();
    weights_ = factor.solve(targets_);
    return;
  }
  BW_CHECK(false && "no jitter makes the covariance positive definite");
}

void GaussianProcess::add_pending(const Eigen::RowVectorXd& point) {
  const Index n = lower_.rows();
  const VectorXd k = covariance(inputs_, points_, point, log_hyperparameters_);
  const VectorXd row = lower_.triangularView<Eigen::Lower>().solve(k);
  const double rest = std::max(diagonal_ - row.squaredNorm(), kFirstJitter * diagonal_);
  lower_.conservativeResize(n + 1, n + 1);
  lower_.col(n).setZero();
  lower_.row(n).head(n) = row.transpose();
  lower_(n, n) = std::sqrt(rest);
  points_.conservativeResize(n + 1, Eigen::NoChange);
  points_.row(n) = point;
  weights_.conservativeResize(n + 1);
  weights_[n] = 0.0;
}

void GaussianProcess::clear_pending() {
  const Index n = targets_.size();
  lower_.conservativeResize(n, n);
  points_.conservativeResize(n, Eigen::NoChange);
  weights_.conservativeResize(n);
}

// In blocks, whose matrices stay in the cache.
GaussianPosterior GaussianProcess::predict(const MatrixXd& points) const {
  BW_CHECK(lower_.rows() > 0 && points.cols() == input_count(inputs_));
  constexpr Index kBlock = 64;
  const Index count = points.rows();
  const double signal = std::exp(2.0 * log_hyperparameters_[input_count(inputs_)]);
  GaussianPosterior posterior{VectorXd(count), VectorXd(count)};
  for (Index begin = 0; begin < count; begin += kBlock) {
    const Index size = std::min(kBlock, count - begin);
    MatrixXd k = covariance(inputs_, points_, points.middleRows(begin, size), log_hyperparameters_);
    posterior.mean.segment(begin, size) = (offset_ + scale_ * (k.transpose() * weights_).array()).matrix();
    lower_.triangularView<Eigen::Lower>().solveInPlace(k);
    const ArrayXd variance = signal - k.colwise().squaredNorm().transpose().array();
    posterior.deviation.segment(begin, size) = scale_ * variance.max(1e-12 * signal).sqrt().matrix();
  }
  return posterior;
}

VectorXd GaussianProcess::means(const MatrixXd& points) const {
  BW_CHECK(lower_.rows() > 0 && points.cols() == input_count(inputs_));
  const MatrixXd k = covariance(inputs_, points_, points, log_hyperparameters_);
  return (offset_ + scale_ * (k.transpose() * weights_).array()).matrix();
}

GaussianPosterior GaussianProcess::leave_one_out() const {
  const Index n = targets_.size();
  const MatrixXd inverse = lower_.topLeftCorner(n, n).triangularView<Eigen::Lower>().solve(MatrixXd::Identity(n, n));
  const ArrayXd precision = inverse.colwise().squaredNorm();  // the diagonal of covariance^-1
  const ArrayXd mean = targets_.array() - weights_.head(n).array() / precision;
  return {offset_ + scale_ * mean, scale_ * precision.rsqrt()};
}

}  // namespace bitwright

// search/gaussian_process.h: a Gaussian process over mixed inputs: what the controller believes of an error that costs
// a training.
//
//   k(x, x') = s^2 (1 + r + r^2 / 3) exp(-r)     Matern 5/2; s: signal
//   r^2 = 5 sum over inputs k of h_k / l_k^2     l: lengths
//
// with h = (x - x')^2 for an ordered input. For a category h is 0 for the same choice, 1 for another and 1/2 where one
// of the two is inactive: half the squared distance of one-hot vectors, of which an inactive one is zero. Inactive
// ordered inputs stand at 1/2, so that two points which both lack an input are not told apart by it, and two of which
// one lacks it differ by their parent first.
//
// Targets are standardised. The logarithms of lengths, signal and noise are those of greatest posterior density under
//   log l ~ N(log(d / 2) / 2, 0.7)     d inputs: a space of more inputs has no rougher functions
//   log signal ~ N(0, 1/2)     log noise ~ N(-3, 1)      in the targets' standard deviations
// as means and standard deviations. Lengths of one group correlate by 0.8: what is learnt of the bits of one layer is
// expected of the bits of the others, which few results could tell apart. Taking the most probable values for certain
// makes deviations too small, the more so where few results meet many inputs; lengths shorter than those of the source
// (sqrt(2) + log(d) / 2, sqrt(3)) make up for most of it. docs/search_bench.md has the figures.
//
// Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006: algorithm 2.1 and eq. (2.30),
// (4.17), (5.9), (5.12); a length prior that grows with the inputs: Hvarfner, Hellsten, Nardi, "Vanilla Bayesian
// Optimization Performs Great in High Dimensions", ICML 2024.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/Core>
#include <limits>
#include <vector>

namespace bitwright {

// One input of the model.
struct ModelInput {
  int choices = 0;  // of a category, whose values are 0 .. choices - 1; 0: ordered, of values about 0..1
  int group = -1;   // >= 0: expected to matter as much as the others of this group; -1: of none
};
// The value of an input that a point does not have.
inline constexpr double kInactiveInput = std::numeric_limits<double>::quiet_NaN();

// Of targets, to standardise them by; 1 where they are all but equal.
double standard_deviation(const Eigen::VectorXd& values);

// h of the kernel: between two values of one input, inactive ones included. 0..1 where ordered values are.
double input_distance(const ModelInput& input, double a, double b);

struct GaussianProcessOptions {
  int starts = 3;           // of the first fit, >= 1; later ones start from the last and from the prior. Time is linear
  int max_iterations = 30;  // of each start, >= 1
};

// Means and standard deviations of the function itself, noise left out, in the targets' unit; a row a point.
struct GaussianPosterior {
  Eigen::VectorXd mean, deviation;
};

// Logarithm of the posterior density, up to a constant, of hyperparameters given standardised `targets`: minus infinity
// where the covariance is not positive definite in floating point. points: a row each, a column an input.
// log_hyperparameters: a length an input, then signal and noise. Writes the gradient. O(n^3 + n^2 d).
double log_posterior(const std::vector<ModelInput>& inputs, const Eigen::MatrixXd& points,
                     const Eigen::VectorXd& targets, const Eigen::VectorXd& log_hyperparameters,
                     Eigen::VectorXd& gradient);

// k(x, x') of two sets of points, a row each, without noise.
Eigen::MatrixXd covariance(const std::vector<ModelInput>& inputs, const Eigen::MatrixXd& a, const Eigen::MatrixXd& b,
                           const Eigen::VectorXd& log_hyperparameters);

class GaussianProcess {
 public:
  explicit GaussianProcess(std::vector<ModelInput> inputs, GaussianProcessOptions options = {});

  // Hyperparameters, then weights. points: n >= 1 rows, a column an input; targets: n finite values.
  void fit(const Eigen::MatrixXd& points, const Eigen::VectorXd& targets);
  // With the hyperparameters there are, those of the prior before any fit. O(n^3).
  void condition(const Eigen::MatrixXd& points, const Eigen::VectorXd& targets);

  // A point under way: believed to come out at its mean, so that means stay and deviations shrink about it. O(n^2).
  void add_pending(const Eigen::RowVectorXd& point);
  void clear_pending();

  // After fit or condition. O(m n (n + d)) for m points.
  GaussianPosterior predict(const Eigen::MatrixXd& points) const;
  // The means alone, in O(m n d).
  Eigen::VectorXd means(const Eigen::MatrixXd& points) const;
  // Of each observation by all others, with the hyperparameters there are: of what is observed, its noise included.
  // Eq. (5.12). O(n^3).
  GaussianPosterior leave_one_out() const;

  // As many as it was conditioned on.
  Eigen::Index observations() const { return targets_.size(); }
  // A length an input, then signal and noise, in the targets' standard deviations.
  const Eigen::VectorXd& log_hyperparameters() const { return log_hyperparameters_; }
  // Of the last fit: its evaluations of the posterior.
  int evaluations() const { return evaluations_; }

 private:
  void factorize();

  std::vector<ModelInput> inputs_;
  GaussianProcessOptions options_;
  bool fitted_ = false;
  Eigen::VectorXd log_hyperparameters_;
  int evaluations_ = 0;

  Eigen::MatrixXd points_;             // observed, then pending
  Eigen::VectorXd targets_;            // observed, standardised
  double offset_ = 0.0, scale_ = 1.0;  // target = offset + scale * standardised
  double diagonal_ = 1.0;              // of the covariance of observations: signal, noise and jitter
  Eigen::MatrixXd lower_;              // its Cholesky factor
  Eigen::VectorXd weights_;            // covariance^-1 * targets; 0 for pending ones
};

}  // namespace bitwright

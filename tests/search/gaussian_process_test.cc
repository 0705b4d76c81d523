// SPDX-License-Identifier: Apache-2.0
#include "search/gaussian_process.h"

#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <cmath>

#include "core/rng.h"

namespace bitwright {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

std::vector<ModelInput> ordered_inputs(size_t count) {
  return std::vector<ModelInput>(count);
}
const std::vector<ModelInput> kMixed = {{}, {.group = 1}, {.choices = 3, .group = 0}, {.choices = 2, .group = 0}, {}};

// Uniform; an input in eight is inactive.
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

VectorXd random_normals(Index n, Rng& rng) {
  VectorXd values(n);
  for (double& v : values) v = rng.normal();
  return values;
}

// A function of the prior's: correlated by the kernel at `points`, plus a rest that keeps the factor definite.
VectorXd draw_function(const std::vector<ModelInput>& inputs, const MatrixXd& points, const VectorXd& hyper, Rng& rng) {
  MatrixXd k = covariance(inputs, points, points, hyper);
  k.diagonal().array() += 1e-10;
  return k.llt().matrixL() * random_normals(points.rows(), rng);
}

TEST(GaussianProcess, GradientEqualsFiniteDifferencesInEveryHyperparameter) {
  Rng rng(3);
  for (int round = 0; round < 5; ++round) {
    const MatrixXd points = random_points(kMixed, 25, rng);
    const VectorXd targets = random_normals(25, rng);
    VectorXd hyper = random_normals(static_cast<Index>(kMixed.size()) + 2, rng);
    hyper.tail(1).array() -= 1.5;
    VectorXd gradient, unused;
    log_posterior(kMixed, points, targets, hyper, gradient);
    for (Index i = 0; i < hyper.size(); ++i) {
      constexpr double kStep = 1e-5;
      VectorXd up = hyper, down = hyper;
      up[i] += kStep;
      down[i] -= kStep;
      const double difference =
          log_posterior(kMixed, points, targets, up, unused) - log_posterior(kMixed, points, targets, down, unused);
      EXPECT_NEAR(gradient[i], difference / (2 * kStep), 1e-5 * std::max(1.0, std::abs(gradient[i]))) << i;
    }
  }
}

// The density of a normal distribution of that covariance, by its matrix.
TEST(GaussianProcess, LengthsOfOneGroupAreCorrelatedInThePrior) {
  const std::vector<ModelInput> grouped = {{.group = 0}, {}, {.group = 0}, {.group = 0}}, apart = ordered_inputs(4);
  const MatrixXd points{{0.1, 0.2, 0.3, 0.4}};
  const VectorXd targets{{0.5}};
  Rng rng(5);
  for (int round = 0; round < 5; ++round) {
    VectorXd hyper = random_normals(6, rng), gradient;
    const VectorXd z = (hyper.head(4).array() - 0.5 * std::log(2.0)) / 0.7;
    MatrixXd correlation = MatrixXd::Identity(4, 4);
    for (const Index i : {0, 2, 3})
      for (const Index j : {0, 2, 3})
        if (i != j) correlation(i, j) = 0.8;
    const double wanted = -0.5 * z.dot(correlation.llt().solve(z)) + 0.5 * z.squaredNorm();
    const double difference = log_posterior(grouped, points, targets, hyper, gradient) -
                              log_posterior(apart, points, targets, hyper, gradient);
    EXPECT_NEAR(difference, wanted, 1e-9);
  }
}

// By the formulas of the header, term by term.
TEST(GaussianProcess, CovarianceTellsChoicesAndInactiveInputsApartAsWritten) {
  const std::vector<ModelInput> inputs = {{}, {.choices = 3}};
  const VectorXd hyper{{std::log(0.5), std::log(2.0), std::log(3.0), -3.0}};
  const MatrixXd points{{0.0, 0}, {0.25, 0}, {0.0, 1}, {0.0, kInactiveInput}, {kInactiveInput, 0}};
  const MatrixXd k = covariance(inputs, points, points, hyper);
  const auto matern = [](double distance) {
    const double r = std::sqrt(5.0) * distance;
    return (1 + r + r * r / 3) * std::exp(-r);
  };
  EXPECT_NEAR(k(0, 0), 9.0, 1e-12);
  EXPECT_NEAR(k(0, 1), 9.0 * matern(0.25 / 0.5), 1e-12);
  EXPECT_NEAR(k(0, 2), 9.0 * matern(1.0 / 2), 1e-12);
  EXPECT_NEAR(k(0, 3), 9.0 * matern(std::sqrt(0.5) / 2), 1e-12);
  EXPECT_NEAR(k(0, 4), 9.0 * matern(0.5 / 0.5), 1e-12);
  EXPECT_NEAR(k(1, 2), 9.0 * matern(std::hypot(0.25 / 0.5, 1.0 / 2)), 1e-12);
  EXPECT_NEAR(k(3, 3), 9.0, 1e-12);
}

TEST(GaussianProcess, CovarianceOfAnyMixedPointsIsPositiveDefinite) {
  Rng rng(5);
  const MatrixXd points = random_points(kMixed, 120, rng);
  MatrixXd k = covariance(kMixed, points, points, VectorXd::Zero(7));
  k.diagonal().array() += 1e-9;
  EXPECT_EQ(k.llt().info(), Eigen::Success);
}

TEST(GaussianProcess, InterpolatesWhatHasNoNoise) {
  Rng rng(7);
  const MatrixXd points = random_points(ordered_inputs(2), 40, rng, true);
  const VectorXd targets = (points.col(0).array() * 3.0).sin() + points.col(1).array().square() + 100.0;
  GaussianProcess model(ordered_inputs(2), {.starts = 1, .max_iterations = 100});
  model.fit(points, targets);
  const GaussianPosterior at = model.predict(points);
  const double spread = std::sqrt((targets.array() - targets.mean()).square().mean());
  EXPECT_LT((at.mean - targets).cwiseAbs().maxCoeff(), 0.01 * spread);
  EXPECT_LT(at.deviation.maxCoeff(), 0.02 * spread);
}

// Lengths, signal and noise as the header says that they are believed.
VectorXd draw_hyperparameters(Index inputs, Rng& rng) {
  VectorXd hyper = random_normals(inputs + 2, rng);
  hyper.head(inputs) = 0.7 * hyper.head(inputs).array() + std::log(static_cast<double>(inputs) / 2) / 2;
  hyper[inputs] *= 0.5;
  hyper[inputs + 1] -= 3.0;
  return hyper;
}

// Of functions and noise drawn from the prior. With hyperparameters known, 95 % of held-out values would lie
// within 1.96 deviations; taken for certain at their most probable values after 50 observations, 91 % do.
TEST(GaussianProcess, DeviationsAreNearlyThoseOfFunctionsOfThePrior) {
  Rng rng(11);
  int inside = 0, all = 0;
  double squares = 0;
  for (int round = 0; round < 200; ++round) {
    const VectorXd hyper = draw_hyperparameters(static_cast<Index>(kMixed.size()), rng);
    const MatrixXd points = random_points(kMixed, 80, rng);
    const VectorXd values = draw_function(kMixed, points, hyper, rng);
    const VectorXd noisy = values + std::exp(hyper[hyper.size() - 1]) * random_normals(80, rng);
    GaussianProcess model(kMixed, {.starts = 1});
    model.fit(points.topRows(50), noisy.head(50));
    const GaussianPosterior posterior = model.predict(points.bottomRows(30));
    for (Index i = 0; i < 30; ++i, ++all) {
      const double z = (values[50 + i] - posterior.mean[i]) / posterior.deviation[i];
      inside += std::abs(z) < 1.96;
      squares += z * z;
    }
  }
  EXPECT_GT(inside, 0.90 * all);
  EXPECT_LT(inside, 0.98 * all);
  EXPECT_LT(squares / all, 1.4);
  EXPECT_GT(squares / all, 0.8);
}

// Two of ten inputs decide, one of them a category; held-out points are told to a few percent of their variance.
TEST(GaussianProcess, RecoversAPlantedFunctionAndWhatItDependsOn) {
  std::vector<ModelInput> inputs = ordered_inputs(8);
  inputs.push_back({.choices = 4});
  inputs.push_back({.choices = 4});
  Rng rng(13);
  const MatrixXd points = random_points(inputs, 260, rng, true);
  const VectorXd targets = (6.0 * points.col(0).array()).sin() + 0.7 * points.col(9).array() + 5.0;
  GaussianProcess model(inputs);
  model.fit(points.topRows(60), targets.head(60));
  const VectorXd held = targets.tail(200);
  const VectorXd error = model.predict(points.bottomRows(200)).mean - held;
  EXPECT_LT(error.squaredNorm(), 0.05 * (held.array() - held.mean()).square().sum());
  const VectorXd lengths = model.log_hyperparameters().head(10);
  for (Index k = 1; k < 8; ++k) EXPECT_GT(lengths[k], lengths[0] + 1.0) << k;
  EXPECT_GT(lengths[8], lengths[9]);
}

TEST(GaussianProcess, PendingPointsEqualABelievedObservation) {
  Rng rng(17);
  const MatrixXd points = random_points(kMixed, 30, rng);
  const VectorXd targets = random_normals(30, rng);
  GaussianProcess model(kMixed);
  model.condition(points, targets);
  const MatrixXd asked = random_points(kMixed, 50, rng), pending = random_points(kMixed, 3, rng);
  const GaussianPosterior before = model.predict(asked);
  for (Index i = 0; i < 3; ++i) model.add_pending(pending.row(i));
  const GaussianPosterior with = model.predict(asked);
  EXPECT_LT((with.mean - before.mean).cwiseAbs().maxCoeff(), 1e-12);

  // By the joint covariance of all 33 observations.
  const VectorXd& hyper = model.log_hyperparameters();
  MatrixXd all(33, points.cols());
  all << points, pending;
  MatrixXd k = covariance(kMixed, all, all, hyper);
  k.diagonal().array() += std::exp(2 * hyper[6]) + 1e-8;
  const MatrixXd cross = covariance(kMixed, all, asked, hyper);
  const double scale = std::sqrt((targets.array() - targets.mean()).square().mean());
  for (Index i = 0; i < 50; ++i) {
    const double variance = 1.0 - cross.col(i).dot(k.llt().solve(cross.col(i)));
    EXPECT_NEAR(with.deviation[i], scale * std::sqrt(variance), 1e-6);
    EXPECT_LE(with.deviation[i], before.deviation[i] + 1e-9);
  }

  model.clear_pending();
  const GaussianPosterior after = model.predict(asked);
  EXPECT_EQ(after.mean, before.mean);
  EXPECT_EQ(after.deviation, before.deviation);
}

// By the covariance of the others, one result after another; a point under way changes nothing.
TEST(GaussianProcess, LeavesAResultOutWhereItForetellsIt) {
  Rng rng(23);
  const MatrixXd points = random_points(kMixed, 30, rng);
  const VectorXd targets = random_normals(30, rng);
  GaussianProcess model(kMixed);
  model.fit(points, targets);
  model.add_pending(random_points(kMixed, 1, rng));
  const GaussianPosterior left_out = model.leave_one_out();
  const double scale = standard_deviation(targets);
  MatrixXd k = covariance(kMixed, points, points, model.log_hyperparameters());
  k.diagonal().array() += std::exp(2 * model.log_hyperparameters()[6]) + 1e-8 * k(0, 0);
  for (Index i = 0; i < 30; ++i) {
    std::vector<Index> others;
    for (Index j = 0; j < 30; ++j)
      if (j != i) others.push_back(j);
    const VectorXd cross = k(others, i), weights = k(others, others).llt().solve(cross);
    const double mean = targets.mean() + weights.dot((targets.array() - targets.mean()).matrix()(others));
    EXPECT_NEAR(left_out.mean[i], mean, 1e-6);
    EXPECT_NEAR(left_out.deviation[i], scale * std::sqrt(k(i, i) - weights.dot(cross)), 1e-6);
  }
}

TEST(GaussianProcess, TakesRepeatedPointsConstantTargetsAndASinglePoint) {
  GaussianProcess model(ordered_inputs(2));
  model.fit(MatrixXd::Constant(20, 2, 0.5), VectorXd::Constant(20, 3.0));
  EXPECT_NEAR(model.predict(MatrixXd::Zero(1, 2)).mean[0], 3.0, 1e-9);
  model.fit(MatrixXd::Constant(1, 2, 0.5), VectorXd::Constant(1, -1.0));
  const GaussianPosterior posterior = model.predict(MatrixXd{{0.5, 0.5}, {100.0, 100.0}});
  EXPECT_TRUE(posterior.mean.allFinite());
  EXPECT_GT(posterior.deviation[1], posterior.deviation[0]);
}

TEST(GaussianProcess, FitsTheSameTwice) {
  Rng rng(19);
  const MatrixXd points = random_points(kMixed, 30, rng);
  const VectorXd targets = random_normals(30, rng);
  GaussianProcess a(kMixed), b(kMixed);
  a.fit(points, targets);
  b.fit(points, targets);
  EXPECT_EQ(a.log_hyperparameters(), b.log_hyperparameters());
}

}  // namespace
}  // namespace bitwright

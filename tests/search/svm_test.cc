// SPDX-License-Identifier: Apache-2.0
#include "search/svm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/rng.h"

namespace bitwright {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

const std::vector<ModelInput> kPlane(2);

MatrixXd random_points(Index count, uint64_t seed) {
  Rng rng(seed);
  MatrixXd points(count, 2);
  for (Index i = 0; i < count; ++i)
    for (Index k = 0; k < 2; ++k) points(i, k) = rng.uniform();
  return points;
}

// With a linear kernel: w = (x1 - x2) / (2 m^2), where m is half of the points' distance, and the decision is 1 and -1
// at them.
TEST(Svm, OfTwoPointsHasTheMarginHalfwayBetween) {
  const MatrixXd points{{1, 5}, {4, 1}};  // 5 apart
  const Svm svm = train_svm(points * points.transpose(), VectorXd{{-1, 1}}, {.c = 100, .tolerance = 1e-9});
  const VectorXd decision = svm.decide(points * points.transpose());
  EXPECT_NEAR(decision[0], -1.0, 1e-6);
  EXPECT_NEAR(decision[1], 1.0, 1e-6);
  const VectorXd weights = points.transpose() * svm.coefficients;
  EXPECT_NEAR(1.0 / weights.norm(), 2.5, 1e-6);
  const MatrixXd middle{{2.5, 3.0}};
  EXPECT_NEAR(svm.decide(middle * points.transpose())[0], 0.0, 1e-6);
}

TEST(Svm, PutsASeparableSetOnItsSidesBehindMarginsAsWideAsThereAre) {
  MatrixXd points = random_points(40, 1);
  VectorXd labels(40);
  for (Index i = 0; i < 40; ++i) {
    labels[i] = i % 2 == 0 ? 1.0 : -1.0;
    points(i, 0) += i % 2 == 0 ? 1.5 : 0.0;  // a gap of half a unit at least, across the first axis
  }
  const Svm svm = train_svm(points * points.transpose(), labels, {.c = 1e4, .tolerance = 1e-6});
  const VectorXd margins = svm.decide(points * points.transpose()).cwiseProduct(labels);
  EXPECT_NEAR(margins.minCoeff(), 1.0, 1e-4);
  EXPECT_GT(1.0 / (points.transpose() * svm.coefficients).norm(), 0.25);
}

TEST(Svm, LearnsExclusiveOrWithRadialBasisFunctions) {
  const MatrixXd points{{0, 0}, {1, 1}, {0, 1}, {1, 0}};
  const VectorXd labels{{1, 1, -1, -1}};
  const Svm svm = train_svm(rbf_kernel(kPlane, points, points, 2.0), labels, {.c = 100});
  const MatrixXd asked{{0.1, 0.1}, {0.9, 0.9}, {0.1, 0.9}, {0.9, 0.1}, {0.5, 0.5}};
  const VectorXd decision = svm.decide(rbf_kernel(kPlane, asked, points, 2.0));
  EXPECT_GT(decision[0], 0.5);
  EXPECT_GT(decision[1], 0.5);
  EXPECT_LT(decision[2], -0.5);
  EXPECT_LT(decision[3], -0.5);
  EXPECT_NEAR(decision[4], 0.0, 1e-3);  // by symmetry
}

// Coefficients within 0 and C; those of 0 at or behind the margin, those of C at or before it, all others on it.
TEST(Svm, MeetsTheConditionsOfKarushKuhnAndTuckerWhereClassesOverlap) {
  const MatrixXd points = random_points(80, 3);
  Rng rng(4);
  VectorXd labels(80);
  for (Index i = 0; i < 80; ++i) labels[i] = points(i, 0) + 0.3 * rng.normal() > 0.5 ? 1.0 : -1.0;
  const SvmOptions options{.c = 3.0, .tolerance = 1e-3};
  const MatrixXd kernel = rbf_kernel(kPlane, points, points, 12.0);
  const Svm svm = train_svm(kernel, labels, options);
  const VectorXd decision = svm.decide(kernel);
  int free = 0, at_c = 0;
  for (Index i = 0; i < 80; ++i) {
    const double alpha = labels[i] * svm.coefficients[i], margin = labels[i] * decision[i];
    EXPECT_GE(alpha, 0.0);
    EXPECT_LE(alpha, options.c);
    if (alpha < options.c) {
      EXPECT_GE(margin, 1.0 - options.tolerance) << i;
    }
    if (alpha > 0.0) {
      EXPECT_LE(margin, 1.0 + options.tolerance) << i;
    }
    free += alpha > 0.0 && alpha < options.c;
    at_c += alpha == options.c;
  }
  EXPECT_NEAR(svm.coefficients.sum(), 0.0, 1e-9);
  EXPECT_GT(free, 5);
  EXPECT_GT(at_c, 5);
}

TEST(Svm, OfOneClassDecidesForItEverywhere) {
  const MatrixXd points = random_points(3, 1), asked = random_points(5, 2);
  const MatrixXd kernel = rbf_kernel(kPlane, points, points, 1.0);
  const Svm svm = train_svm(kernel, VectorXd::Constant(3, -1.0));
  EXPECT_EQ(svm.decide(rbf_kernel(kPlane, asked, points, 1.0)), VectorXd::Constant(5, -1.0));
}

TEST(RbfKernel, TakesTheMeanOverOrderedInputsAndCategories) {
  const std::vector<ModelInput> inputs = {{}, {.choices = 3}};
  const MatrixXd a{{0.2, 1.0}}, b{{0.6, 1.0}, {0.2, 2.0}, {0.2, kInactiveInput}, {0.2, 1.0}};
  const MatrixXd kernel = rbf_kernel(inputs, a, b, 2.0);
  EXPECT_DOUBLE_EQ(kernel(0, 0), std::exp(-0.4 * 0.4));
  EXPECT_DOUBLE_EQ(kernel(0, 1), std::exp(-1.0));
  EXPECT_DOUBLE_EQ(kernel(0, 2), std::exp(-0.5));
  EXPECT_DOUBLE_EQ(kernel(0, 3), 1.0);
}

}  // namespace
}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibrate/least_squares.h"

#include <gtest/gtest.h>

#include "core/rng.h"

namespace bitwright {
namespace {

using Rows = std::vector<std::vector<double>>;

std::vector<double> residual(const Rows& rows, const std::vector<double>& b, const std::vector<double>& x) {
  std::vector<double> r = b;
  for (size_t i = 0; i < rows.size(); ++i)
    for (size_t j = 0; j < x.size(); ++j) r[i] -= rows[i][j] * x[j];
  return r;
}

TEST(NonnegativeLeastSquares, FindsExactCoefficients) {
  const Rows rows = {{1, 2, 0}, {1, 0, 5}, {1, 1, 1}, {1, 7, 3}};
  std::vector<double> b;
  for (const auto& row : rows) b.push_back(3 * row[0] + 0.5 * row[1] + 2 * row[2]);
  const std::vector<double> x = nonnegative_least_squares(rows, b);
  EXPECT_NEAR(x[0], 3, 1e-6);
  EXPECT_NEAR(x[1], 0.5, 1e-6);
  EXPECT_NEAR(x[2], 2, 1e-6);
}

TEST(NonnegativeLeastSquares, HoldsAtZeroWhatWouldBeNegative) {
  // Without the bound the slope would be -1; with it the best constant is the mean.
  const std::vector<double> x = nonnegative_least_squares({{1, 0}, {1, 1}, {1, 2}}, {3, 2, 1});
  EXPECT_NEAR(x[0], 2, 1e-6);
  EXPECT_EQ(x[1], 0);
}

TEST(NonnegativeLeastSquares, IgnoresColumnsOfZeros) {
  const std::vector<double> x = nonnegative_least_squares({{2, 0}, {4, 0}}, {1, 2});
  EXPECT_NEAR(x[0], 0.5, 1e-9);
  EXPECT_EQ(x[1], 0);
}

// The conditions of Karush, Kuhn and Tucker: x >= 0; the gradient A^T r is 0 where x > 0 and not positive elsewhere.
TEST(NonnegativeLeastSquares, MeetsTheOptimalityConditions) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Rng rng(seed);
    Rows rows(30, std::vector<double>(8));
    std::vector<double> b(30);
    for (size_t i = 0; i < rows.size(); ++i) {
      for (double& a : rows[i]) a = rng.uniform(0, 1);
      b[i] = rng.uniform(-0.2, 1);
    }
    const std::vector<double> x = nonnegative_least_squares(rows, b);
    const std::vector<double> r = residual(rows, b, x);
    for (size_t j = 0; j < x.size(); ++j) {
      double gradient = 0;
      for (size_t i = 0; i < rows.size(); ++i) gradient += rows[i][j] * r[i];
      EXPECT_GE(x[j], 0);
      if (x[j] > 0) {
        EXPECT_NEAR(gradient, 0, 1e-6) << "seed " << seed << " column " << j;
      }
      EXPECT_LE(gradient, 1e-6) << "seed " << seed << " column " << j;
    }
  }
}

TEST(RidgeLeastSquares, FindsCoefficientsBelowZeroThatTheRowsAskFor) {
  Rows rows;
  std::vector<double> b;
  Rng rng(3);
  for (int i = 0; i < 200; ++i) {
    rows.push_back({1.0, rng.uniform(), rng.uniform()});
    b.push_back(2.0 + 3.0 * rows.back()[1] - 1.5 * rows.back()[2]);
  }
  const std::vector<double> x = ridge_least_squares(rows, b, {2.0, 2.5, 0.0}, 1e-9);
  EXPECT_NEAR(x[0], 2.0, 1e-4);
  EXPECT_NEAR(x[1], 3.0, 1e-4);
  EXPECT_NEAR(x[2], -1.5, 1e-4);
}

TEST(RidgeLeastSquares, StaysNearWhereTheRowsSayNothing) {
  // The second column is the first again: only their sum is known. The third is all zeros.
  const std::vector<double> x = ridge_least_squares({{1, 1, 0}, {2, 2, 0}}, {4, 8}, {3, 0, 7}, 1e-6);
  EXPECT_NEAR(x[0], 3.5, 1e-4);
  EXPECT_NEAR(x[1], 0.5, 1e-4);
  EXPECT_EQ(x[2], 7);
}

TEST(SparseLeastSquares, FindsTheFewColumnsThatMatter) {
  Rows rows;
  std::vector<double> b;
  Rng rng(5);
  for (int i = 0; i < 60; ++i) {
    rows.emplace_back();
    for (int k = 0; k < 20; ++k) rows.back().push_back(rng.uniform(0.0, 10.0));
    b.push_back(4.0 * rows.back()[7] - 2.0 * rows.back()[13]);
  }
  const std::vector<double> x = sparse_least_squares(rows, b, 6, 1e-6);
  for (size_t k = 0; k < x.size(); ++k) EXPECT_NEAR(x[k], k == 7 ? 4.0 : k == 13 ? -2.0 : 0.0, 1e-4) << k;
}

// Each of the columns is nearer to the sum of the others than to b: a pursuit alone begins with the wrong one.
TEST(SparseLeastSquares, PrefersAnExactPairToTheNearestColumn) {
  const Rows rows = {{1, 0, 1.0, 0}, {0, 1, 0.9, 0}, {2, 1, 3.1, 0}, {1, 3, 3.9, 0}};
  const std::vector<double> x = sparse_least_squares(rows, {1, 1, 3, 4}, 3, 1e-6);
  EXPECT_NEAR(x[0], 1, 1e-6);
  EXPECT_NEAR(x[1], 1, 1e-6);
  EXPECT_EQ(x[2], 0);
}

TEST(SparseLeastSquares, TakesNoMoreColumnsThanAllowed) {
  const std::vector<double> x = sparse_least_squares({{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, {1, 5, 3}, 2, 0.0);
  EXPECT_EQ(x[0], 0);
  EXPECT_NEAR(x[1], 5, 1e-9);
  EXPECT_NEAR(x[2], 3, 1e-9);
}

}  // namespace
}  // namespace bitwright

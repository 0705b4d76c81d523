// SPDX-License-Identifier: Apache-2.0
#include "search/lbfgs.h"

#include <gtest/gtest.h>

#include <cmath>

namespace bitwright {
namespace {

using Eigen::VectorXd;

TEST(Lbfgs, FindsTheMinimumOfRosenbrocksFunction) {
  const DifferentiableFn rosenbrock = [](const VectorXd& x, VectorXd& gradient) {
    const double a = 1 - x[0], b = x[1] - x[0] * x[0];
    gradient << -2 * a - 400 * x[0] * b, 200 * b;
    return a * a + 100 * b * b;
  };
  const LbfgsResult result = minimize_lbfgs(rosenbrock, VectorXd{{-1.2, 1.0}},
                                            {.max_iterations = 200, .gradient_tolerance = 1e-8, .value_tolerance = 0});
  EXPECT_NEAR(result.x[0], 1.0, 1e-6);
  EXPECT_NEAR(result.x[1], 1.0, 1e-6);
  EXPECT_LT(result.evaluations, 120);
}

// log(x) + 1 / x, not defined at or below 0, least at 1.
TEST(Lbfgs, BacksOffWhereTheFunctionIsNotDefined) {
  const DifferentiableFn function = [](const VectorXd& x, VectorXd& gradient) {
    gradient[0] = 1 / x[0] - 1 / (x[0] * x[0]);
    return x[0] > 0 ? std::log(x[0]) + 1 / x[0] : std::nan("");
  };
  for (const double start : {0.2, 2.5, 1.0})
    EXPECT_NEAR(minimize_lbfgs(function, VectorXd{{start}}, {.gradient_tolerance = 1e-8, .value_tolerance = 0}).x[0],
                1.0, 1e-6);
}

}  // namespace
}  // namespace bitwright

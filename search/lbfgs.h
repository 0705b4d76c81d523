// search/lbfgs.h: minimisation of a smooth function of some tens of variables.
// Source: two-loop recursion, Nocedal and Wright, "Numerical Optimization", 2nd edition, 2006, algorithm 7.4; line
// search by bisection to the weak Wolfe conditions, Lewis and Overton, Mathematical Programming 141, 2013.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/Core>
#include <functional>

namespace bitwright {

// The value at x; writes the gradient there. Infinite or NaN where the function is not defined.
using DifferentiableFn = std::function<double(const Eigen::VectorXd& x, Eigen::VectorXd& gradient)>;

struct LbfgsOptions {
  int memory = 8;                    // pairs of steps and gradient changes that are kept, >= 1
  int max_iterations = 50;           // each one to three evaluations, mostly
  double gradient_tolerance = 1e-3;  // ends where no component of the gradient is larger, in the function's units
  double value_tolerance = 1e-7;     // ends where an iteration gains less, as a share of 1 + |value|
  double max_step = 2.0;             // largest change of a variable an iteration tries first
};

struct LbfgsResult {
  Eigen::VectorXd x;
  double value = 0.0;
  int evaluations = 0;
};

// From `start`, where the function is defined; never returns a worse point.
LbfgsResult minimize_lbfgs(const DifferentiableFn& function, Eigen::VectorXd start, const LbfgsOptions& options = {});

}  // namespace bitwright

// search/expected_improvement.h: how much hypervolume a candidate is expected to add to a front, where all of its
// objectives but the error are known before a training.
//
// With the error Y unknown and the known objectives c exact, the improvement is a sum of one-dimensional ones. Let h(u)
// be the least error of the front's points whose known objectives are no worse than u, and the reference error where
// there are none. A candidate of known objectives c with the outcome y adds the volume between y and h over all u that
// c is no worse than:
//
//   E[improvement] = integral over c <= u <= reference of E[max(0, h(u) - Y)] du = sum over boxes B of constant h of
//                    volume(B within u >= c) * E[max(0, h_B - Y)]
//
// Source: for one objective Jones, Schonlau, Welch, "Efficient Global Optimization of Expensive Black-Box Functions",
// 1998, eq. (15); logarithms after Ament et al., "Unexpected Improvements to Expected Improvement for Bayesian
// Optimization", NeurIPS 2023. Log-normal outcomes and the sum over boxes: derived here and in the source.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "search/pareto.h"

namespace bitwright {

// What a model says of the error: Y is normal, or its logarithm is.
struct ErrorBelief {
  double mean = 0.0, deviation = 1.0;  // of Y or of log(Y); deviation >= 0
  bool of_logarithm = true;
};

// log(error), for a model of the logarithm. `resolution` > 0 is the least error that a validation can tell from none, 1
// / windows; an error below half of it counts as that half, since no window wrong is no proof of a net without error.
double log_error(double error, double resolution);

// log E[max(0, best - Y)]: minus infinity where nothing can be gained. Finite and accurate where the expectation itself
// is far below the smallest double.
double log_expected_improvement(const ErrorBelief& belief, double best);

// log P(success) from a model of labels, 1 a success and 0 a failure: that of a normal above 1/2, at least
// log(0.001), so that no region is closed for good. deviation >= 0.
double log_success_probability(double mean, double deviation);

// log P(a limit is kept), its value below 0: of mean + deviation * t, t of Student's distribution with two degrees of
// freedom. A normal distribution is far too sure where no result is near, because the model's lengths are estimates
// themselves: a search then stays for good on the first of several islands that keep the limits. deviation >= 0.
double log_kept_probability(double mean, double deviation);

// log(exp(a) + exp(b)).
double log_add(double a, double b);

class KnownCostImprovement {
 public:
  // front: {error, known objectives...}, one known objective at least; dominated points and copies are allowed, points
  // beyond the reference add nothing. Errors as Y itself, whatever the belief is of. Finite values.
  // Boxes: about the front's size squared over two known objectives, more over three; meant for fronts below 100.
  KnownCostImprovement(std::vector<ObjectiveVector> front, const ObjectiveVector& reference_point);

  // log E[hypervolume gained]; minus infinity where nothing can be gained. known: {known objectives...}. O(boxes).
  double log_improvement(const ErrorBelief& belief, const ObjectiveVector& known) const;

 private:
  struct Box {
    ObjectiveVector low, high;  // of known objectives; low is minus infinity where the front has nothing lower
  };
  struct Level {
    double error;            // h over the boxes
    std::vector<Box> boxes;  // disjoint
  };

  std::vector<Box> claim(const ObjectiveVector& point, std::vector<Box>& unclaimed) const;

  size_t known_objectives_;
  std::vector<Level> levels_;  // by rising error; the last is the reference's
};

}  // namespace bitwright

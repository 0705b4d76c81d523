// search/scalar_search.h: what searches of a single number have in common: a Gaussian process of it, its lower
// confidence bound, and the least of a pool of points.
// Source: Cox and John, "A Statistical Method for Global Optimization", 1992; Srinivas et al., "Gaussian Process
// Optimization in the Bandit Setting", ICML 2010.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "search/outcome_models.h"
#include "search/proposer.h"

namespace bitwright {

// Points as a model sees them, and a number of each that is to be small.
struct ScalarResults {
  std::vector<Eigen::RowVectorXd> rows;
  std::vector<double> targets;
};

// Given the results, one at least, and points under way, which are believed to come out at their means.
GaussianProcess scalar_model(PrefixModel& model, const ScalarResults& results,
                             const std::vector<Eigen::RowVectorXd>& pending);

// Of each row: mean - beta * deviation.
Eigen::VectorXd lower_confidence_bound(const GaussianProcess& model, const Eigen::MatrixXd& rows, double beta);

struct PoolOptions {
  int points = 1000;    // random, >= 1; time is linear
  int refinements = 3;  // rounds of mutants of the best so far, >= 0
  int refined = 20;     // of which a round draws mutants, >= 1
  int mutants = 10;     // of each, >= 1
};

// The drawn point of least score; nothing where none is found. score: of each row.
std::optional<DrawnPoint> least_of_pool(const DesignSpace& space, PointDrawer& drawer, const PoolOptions& options,
                                        const std::function<Eigen::VectorXd(const Eigen::MatrixXd& rows)>& score);

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "search/svm_cbo.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/check.h"

namespace bitwright {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr size_t kLeastFeasible = 2;  // results that a model is made of
constexpr double kRho = 0.05;         // of the augmented scalar
constexpr double kOutside = 1e6;      // above every bound within the feasible region

MatrixXd stacked(const std::vector<Eigen::RowVectorXd>& rows) {
  MatrixXd matrix(rows.size(), rows[0].size());
  for (size_t i = 0; i < rows.size(); ++i) matrix.row(static_cast<Index>(i)) = rows[i];
  return matrix;
}

// Uniform among those that sum to one.
std::vector<double> simplex_weights(size_t count, Rng& rng) {
  std::vector<double> weights;
  double sum = 0.0;
  for (size_t k = 0; k < count; ++k) sum += weights.emplace_back(-std::log(1.0 - rng.uniform()));
  for (double& weight : weights) weight /= std::max(sum, 1e-300);
  return weights;
}

void scale_to_unit(std::vector<ObjectiveVector>& points) {
  for (size_t k = 0; k < points[0].size(); ++k) {
    const auto of_k = [&](const ObjectiveVector& point) { return point[k]; };
    const auto [least, most] = std::ranges::minmax_element(points, {}, of_k);
    const double low = (*least)[k], extent = (*most)[k] - low;
    for (ObjectiveVector& point : points) point[k] = extent > 0.0 ? (point[k] - low) / extent : 0.0;
  }
}

}  // namespace

double augmented_tchebycheff(const ObjectiveVector& objectives, const std::vector<double>& weights) {
  double most = 0.0, sum = 0.0;
  for (size_t k = 0; k < objectives.size(); ++k) {
    most = std::max(most, weights[k] * objectives[k]);
    sum += weights[k] * objectives[k];
  }
  return most + kRho * sum;
}

SvmCbo::SvmCbo(const DesignSpace& space, uint64_t seed, const SvmCboOptions& options)
    : space_(space), seed_(seed), options_(options), inputs_(space.inputs()), results_(space, options.most_error) {
  BW_CHECK(options.initial_points >= 2 && options.boundary_points >= 0 && options.gamma > 0);
  BW_CHECK(options.coverage_gamma > 0 && options.beta >= 0);
}

void SvmCbo::tell(const DesignResult& result) {
  const std::optional<size_t> entry = results_.add(result);
  if (!entry) return;
  if (*entry == rows_.size()) rows_.push_back(space_.encode(result.point));
  std::erase(feasible_, *entry);  // told before, of fewer epochs
  if (results_.entries()[*entry].succeeded()) feasible_.push_back(*entry);
}

std::optional<DesignProposal> SvmCbo::propose(int64_t number, const std::vector<DesignPoint>& pending) {
  PointDrawer drawer = results_.drawer(seed_, number, pending);
  if (is_initial(number)) return random_proposal(drawer, "first population");
  Rows under_way;
  for (const DesignPoint& point : pending) under_way.push_back(space_.encode(point));
  return is_boundary_turn() ? boundary_proposal(drawer, under_way) : model_proposal(drawer, under_way);
}

bool SvmCbo::is_initial(int64_t number) const {
  if (rows_.size() < static_cast<size_t>(options_.initial_points)) return true;
  return feasible_.size() < kLeastFeasible && number % 2 == 0;
}

bool SvmCbo::is_boundary_turn() const {
  if (feasible_.size() < kLeastFeasible) return true;
  const auto phase1_end = static_cast<size_t>(options_.initial_points + options_.boundary_points);
  return feasible_.size() < rows_.size() && rows_.size() < phase1_end;
}

std::optional<DesignProposal> SvmCbo::boundary_proposal(PointDrawer& drawer, const Rows& pending) const {
  Rows there = rows_;
  there.insert(there.end(), pending.begin(), pending.end());
  const MatrixXd evaluated = stacked(rows_), covered = stacked(there);
  const Svm svm = machine();
  auto found = least_of_pool(space_, drawer, options_.pool, [&](const MatrixXd& rows) -> VectorXd {
    return svm.decide(rbf_kernel(inputs_, rows, evaluated, options_.gamma)).cwiseAbs() +
           rbf_kernel(inputs_, rows, covered, options_.coverage_gamma).rowwise().sum();
  });
  if (!found) return random_proposal(drawer);
  return proposal_of(std::move(*found), "boundary", drawer);
}

// Where the pool has no point within the region, it is the one nearest to it.
std::optional<DesignProposal> SvmCbo::model_proposal(PointDrawer& drawer, const Rows& pending) const {
  PrefixModel fitted(inputs_);
  const GaussianProcess model = scalar_model(fitted, scalars(drawer.rng()), pending);
  const MatrixXd points = stacked(rows_);
  const Svm svm = machine();
  auto found = least_of_pool(space_, drawer, options_.pool, [&](const MatrixXd& rows) -> VectorXd {
    const VectorXd decision = svm.decide(rbf_kernel(inputs_, rows, points, options_.gamma));
    const VectorXd bound = lower_confidence_bound(model, rows, options_.beta);
    return (decision.array() >= 0.0).select(bound.array(), kOutside - decision.array());
  });
  if (!found) return random_proposal(drawer);
  return proposal_of(std::move(*found), "model", drawer);
}

Svm SvmCbo::machine() const {
  VectorXd labels = VectorXd::Constant(static_cast<Index>(rows_.size()), -1.0);
  for (const size_t i : feasible_) labels[static_cast<Index>(i)] = 1.0;
  const MatrixXd points = stacked(rows_);
  return train_svm(rbf_kernel(inputs_, points, points, options_.gamma), labels, options_.svm);
}

ScalarResults SvmCbo::scalars(Rng& rng) const {
  std::vector<ObjectiveVector> objectives;
  ScalarResults results;
  for (const size_t i : feasible_) {
    objectives.push_back(results_.entries()[i].objectives);
    results.rows.push_back(rows_[i]);
  }
  scale_to_unit(objectives);
  const std::vector<double> weights = simplex_weights(objectives[0].size(), rng);
  for (const ObjectiveVector& each : objectives) results.targets.push_back(augmented_tchebycheff(each, weights));
  return results;
}

}  // namespace bitwright

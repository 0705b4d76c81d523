// SPDX-License-Identifier: Apache-2.0
#include "search/autoqkeras.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/check.h"
#include "search/quantile.h"

namespace bitwright {
namespace {

constexpr double kLeastSize = 1e-3;  // of the reference

// The error and the known objectives; where none is known, all that is measured.
ObjectiveVector error_and_costs(const ToldResults::Entry& entry) {
  if (entry.known.empty()) return entry.objectives;
  return joined({entry.objectives[0]}, entry.known);
}

}  // namespace

double forgiving_delta(double size, double reference, const ForgivingFactor& factor) {
  if (reference <= 0.0) return 0.0;
  const double times_smaller = -std::log(std::max(size / reference, kLeastSize)) / std::log(factor.rate);
  return times_smaller * (size < reference ? factor.delta_p : factor.delta_n);
}

AutoQKeras::AutoQKeras(const DesignSpace& space, uint64_t seed, const AutoQKerasOptions& options)
    : space_(space), seed_(seed), options_(options), results_(space), model_(space.inputs()) {
  BW_CHECK(options.initial_points >= 2 && options.beta >= 0 && options.factor.rate > 1);
}

void AutoQKeras::tell(const DesignResult& result) {
  const std::optional<size_t> index = results_.add(result);
  if (!index) return;
  if (*index == rows_.size()) {
    rows_.push_back(space_.encode(result.point));
    objectives_.emplace_back();
  }
  const ToldResults::Entry& entry = results_.entries()[*index];
  const bool failed = !entry.succeeded(), came_out_before = !objectives_[*index].empty();
  objectives_[*index] = failed ? ObjectiveVector{} : error_and_costs(entry);
  if (!failed && !came_out_before && ++came_out_ == options_.initial_points) set_references();
}

void AutoQKeras::set_references() {
  std::vector<ObjectiveVector> first = objectives_;
  std::erase_if(first, [](const ObjectiveVector& each) { return each.empty(); });
  std::vector<double> errors;
  for (const ObjectiveVector& each : first) errors.push_back(each[0]);
  const auto [least, most] = std::ranges::minmax(errors);
  if (least < 0.0 || most > 1.0) {
    best_error_ = least;
    worst_error_ = std::max(most, least + 1e-9);
  }
  for (size_t k = 1; k < first[0].size(); ++k) {
    std::vector<double> costs;
    for (const ObjectiveVector& each : first) costs.push_back(each[k]);
    references_.push_back(quantile(costs, 0.5));
  }
  least_score_ = std::numeric_limits<double>::infinity();
  for (const ObjectiveVector& each : first) least_score_ = std::min(least_score_, score(each));
}

double AutoQKeras::score(const ObjectiveVector& objectives) const {
  if (objectives.empty()) return least_score_;
  double delta = 0.0;
  for (size_t k = 0; k < references_.size(); ++k)
    delta += forgiving_delta(objectives[k + 1], references_[k], options_.factor);
  if (!references_.empty()) delta /= static_cast<double>(references_.size());
  const double accuracy = (worst_error_ - objectives[0]) / (worst_error_ - best_error_);
  return std::max(0.0, accuracy) * std::max(0.0, 1.0 + delta);  // two negative factors are no good score
}

std::optional<DesignProposal> AutoQKeras::propose(int64_t number, const std::vector<DesignPoint>& pending) {
  PointDrawer drawer = results_.drawer(seed_, number, pending);
  if (came_out_ < options_.initial_points) return random_proposal(drawer, "first population");
  ScalarResults scores{rows_, {}};
  for (const ObjectiveVector& each : objectives_) scores.targets.push_back(-score(each));
  std::vector<Eigen::RowVectorXd> under_way;
  for (const DesignPoint& point : pending) under_way.push_back(space_.encode(point));
  const GaussianProcess model = scalar_model(model_, scores, under_way);
  auto found = least_of_pool(space_, drawer, options_.pool, [&](const Eigen::MatrixXd& rows) {
    return lower_confidence_bound(model, rows, options_.beta);
  });
  if (!found) return random_proposal(drawer);
  return proposal_of(std::move(*found), "model", drawer);
}

}  // namespace bitwright

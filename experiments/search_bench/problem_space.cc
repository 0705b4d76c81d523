// SPDX-License-Identifier: Apache-2.0
#include "experiments/search_bench/problem_space.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace bitwright {
namespace {

using Kind = ProblemParameter::Kind;

double mutated(const ProblemParameter& parameter, double value, Rng& rng) {
  if (parameter.kind == Kind::kCategory) return static_cast<double>(rng.below(parameter.choices.size()));
  if (parameter.kind == Kind::kInteger && parameter.high - parameter.low < 6)
    return std::clamp(value + (rng.below(2) == 0 ? -1.0 : 1.0), parameter.low, parameter.high);
  return from_unit(parameter, to_unit(parameter, value) + 0.1 * rng.normal());
}

std::vector<size_t> active_parameters(const Problem& problem, const DesignPoint& point) {
  std::vector<size_t> active;
  for (size_t i = 0; i < point.size(); ++i)
    if (is_active(problem, point, i)) active.push_back(i);
  return active;
}

}  // namespace

ProblemSpace::ProblemSpace(Problem problem) : problem_(std::move(problem)) {
  if (!problem_.known_costs) throw std::invalid_argument(fmt::format("{} has no known costs", problem_.name));
}

std::vector<ModelInput> ProblemSpace::inputs() const {
  std::vector<ModelInput> inputs;
  for (const ProblemParameter& parameter : problem_.parameters)
    inputs.push_back({.choices = static_cast<int>(parameter.choices.size())});
  return inputs;
}

Eigen::RowVectorXd ProblemSpace::encode(const DesignPoint& point) const {
  Eigen::RowVectorXd row(point.size());
  for (size_t i = 0; i < point.size(); ++i) {
    const ProblemParameter& parameter = problem_.parameters[i];
    const bool ordered = parameter.kind != Kind::kCategory;
    const double value = ordered ? to_unit(parameter, point[i]) : point[i];
    row[static_cast<Eigen::Index>(i)] = is_active(problem_, point, i) ? value : kInactiveInput;
  }
  return row;
}

DesignPoint ProblemSpace::sample(Rng& rng) const {
  std::vector<double> unit(problem_.parameters.size());
  for (double& u : unit) u = rng.uniform();
  return decode_unit(problem_, unit);
}

DesignPoint ProblemSpace::mutate(const DesignPoint& parent, Rng& rng) const {
  std::vector<size_t> chosen = active_parameters(problem_, parent);
  rng.shuffle(chosen);
  chosen.resize(std::min<size_t>(chosen.size(), 1 + rng.below(3)));
  DesignPoint child = parent;
  for (const size_t i : chosen) child[i] = mutated(problem_.parameters[i], parent[i], rng);
  return child;
}

std::string ProblemSpace::key(const DesignPoint& point) const {
  std::string key;
  for (size_t i = 0; i < point.size(); ++i) {
    if (is_active(problem_, point, i)) fmt::format_to(std::back_inserter(key), "{:.9g}", point[i]);
    key += ' ';
  }
  return key;
}

std::optional<ObjectiveVector> ProblemSpace::known_objectives(const DesignPoint& point) const {
  const ProblemOutcome outcome = problem_.outcome(point);
  if (!keeps_known_limits(outcome)) return std::nullopt;
  return ObjectiveVector(outcome.objectives.begin() + 1, outcome.objectives.end());
}

}  // namespace bitwright

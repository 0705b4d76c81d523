// SPDX-License-Identifier: Apache-2.0
#include "experiments/search_bench/problem_space.h"

#include <fmt/format.h>

#include <algorithm>

namespace bitwright {
namespace {

using Kind = ProblemParameter::Kind;

double mutated(const ProblemParameter& parameter, double value, Rng& rng) {
  if (parameter.kind == Kind::kCategory) return static_cast<double>(rng.below(parameter.choices.size()));
  if (parameter.kind == Kind::kInteger && parameter.high - parameter.low < 6)
    return std::clamp(value + (rng.below(2) == 0 ? -1.0 : 1.0), parameter.low, parameter.high);
  return from_unit(parameter, to_unit(parameter, value) + 0.1 * rng.normal());
}

// "w" of "w2".
std::string without_number(const std::string& name) {
  return name.substr(0, name.find_last_not_of("0123456789") + 1);
}

// What layers have in common, of which not every network has all: those of "w0" to "w3" are one.
std::string group_of(const Problem& problem, const ProblemParameter& parameter) {
  const std::string group = without_number(parameter.name);
  const bool of_layers = std::ranges::any_of(problem.parameters, [&](const ProblemParameter& other) {
    return other.parent >= 0 && without_number(other.name) == group;
  });
  return of_layers ? group : "";
}

std::vector<size_t> active_parameters(const Problem& problem, const DesignPoint& point) {
  std::vector<size_t> active;
  for (size_t i = 0; i < point.size(); ++i)
    if (is_active(problem, point, i)) active.push_back(i);
  return active;
}

}  // namespace

ProblemSpace::ProblemSpace(Problem problem) : problem_(std::move(problem)) {}

std::vector<ModelInput> ProblemSpace::inputs() const {
  std::vector<ModelInput> inputs;
  std::vector<std::string> groups;
  for (const ProblemParameter& parameter : problem_.parameters) {
    ModelInput input{.choices = static_cast<int>(parameter.choices.size())};
    if (const std::string group = group_of(problem_, parameter); !group.empty()) {
      const auto known = std::ranges::find(groups, group);
      input.group = static_cast<int>(known - groups.begin());
      if (known == groups.end()) groups.push_back(group);
    }
    inputs.push_back(input);
  }
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
  return bitwright::decode_unit(problem_, unit);
}

DesignPoint ProblemSpace::mutate(const DesignPoint& parent, Rng& rng) const {
  std::vector<size_t> chosen = active_parameters(problem_, parent);
  rng.shuffle(chosen);
  chosen.resize(std::min<size_t>(chosen.size(), 1 + rng.below(3)));
  DesignPoint child = parent;
  for (const size_t i : chosen) child[i] = mutated(problem_.parameters[i], parent[i], rng);
  return child;
}

// What is not active has a value as well.
DesignPoint ProblemSpace::cross(const DesignPoint& a, const DesignPoint& b, Rng& rng) const {
  DesignPoint child = a;
  for (size_t i = 0; i < child.size(); ++i)
    if (rng.chance(0.5)) child[i] = b[i];
  return child;
}

DesignPoint ProblemSpace::decode_unit(const std::vector<double>& unit) const {
  return bitwright::decode_unit(problem_, unit);
}

std::string ProblemSpace::key(const DesignPoint& point) const {
  std::string key;
  for (size_t i = 0; i < point.size(); ++i) {
    if (is_active(problem_, point, i)) fmt::format_to(std::back_inserter(key), "{:.9g}", point[i]);
    key += ' ';
  }
  return key;
}

KnownOutcome ProblemSpace::known_outcome(const DesignPoint& point) const {
  const ProblemOutcome outcome = problem_.outcome(point);
  KnownOutcome known;
  for (size_t i = 0; i < outcome.known_limits.size(); ++i)
    if (outcome.known_limits[i] > 0.0) known.broken.push_back(fmt::format("limit {}", i));
  if (problem_.known_costs && known.broken.empty())
    known.objectives.assign(outcome.objectives.begin() + 1, outcome.objectives.end());
  return known;
}

}  // namespace bitwright

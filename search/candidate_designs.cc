// SPDX-License-Identifier: Apache-2.0
#include "search/candidate_designs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "core/check.h"

namespace bitwright {
namespace {

constexpr double kInactive = -1.0;
constexpr double kNeighbourProbability = 0.8;  // of a changed ordinal dimension

size_t index_of(const std::vector<std::string>& list, const std::string& item) {
  return static_cast<size_t>(std::ranges::find(list, item) - list.begin());
}

double drawn(const Dimension& dimension, Rng& rng) {
  return static_cast<double>(rng.below(dimension.choices.size()));
}

// Of at least two choices another.
double changed(const Dimension& dimension, double current, Rng& rng) {
  const auto last = static_cast<double>(dimension.choices.size() - 1);
  if (dimension.ordinal && rng.chance(kNeighbourProbability)) {
    if (current == 0.0) return 1.0;
    if (current == last) return last - 1.0;
    return current + (rng.chance(0.5) ? 1.0 : -1.0);
  }
  const auto other = static_cast<double>(rng.below(dimension.choices.size() - 1));
  return other < current ? other : other + 1.0;
}

// "kernel" of "block2.kernel"; empty of what is no block's.
std::string field_of_block(const Dimension& dimension) {
  return dimension.name.starts_with("block") && dimension.name.find('.') != std::string::npos
             ? dimension.name.substr(dimension.name.find('.') + 1)
             : "";
}

std::vector<std::string> rules_of(const std::vector<Violation>& violations) {
  std::set<std::string> rules;
  for (const Violation& violation : violations) rules.insert(violation.rule);
  return {rules.begin(), rules.end()};
}

}  // namespace

CandidateDesigns::CandidateDesigns(SearchSpace space, Goals goals, CandidateRules rules)
    : space_(std::move(space)), goals_(std::move(goals)), rules_(std::move(rules)) {
  BW_CHECK(goals_.objectives.empty() || rules_.estimate);
  const std::vector<Dimension>& dimensions = space_.dimensions();
  for (const Dimension& dimension : dimensions) {
    parents_.emplace_back();
    if (dimension.parent.empty()) continue;
    const auto parent = std::ranges::find(dimensions, dimension.parent, &Dimension::name);
    parents_.back().emplace(Parent{static_cast<size_t>(parent - dimensions.begin()), {}});
    for (const std::string& choice : parent->choices)
      parents_.back()->activates.push_back(std::ranges::count(dimension.parent_values, choice) > 0);
  }
}

Candidate CandidateDesigns::candidate(const DesignPoint& point) const {
  std::map<std::string, std::string> parameters;
  for (size_t i = 0; i < point.size(); ++i) {
    const Dimension& dimension = space_.dimensions()[i];
    if (point[i] != kInactive) parameters[dimension.name] = dimension.choices[static_cast<size_t>(point[i])];
  }
  return space_.decode(std::move(parameters));
}

DesignPoint CandidateDesigns::point(const Candidate& candidate) const {
  DesignPoint point;
  for (const Dimension& dimension : space_.dimensions()) {
    const auto value = candidate.parameters.find(dimension.name);
    const bool active = value != candidate.parameters.end();
    point.push_back(active ? static_cast<double>(index_of(dimension.choices, value->second)) : kInactive);
  }
  return point;
}

std::vector<ModelInput> CandidateDesigns::inputs() const {
  std::vector<ModelInput> inputs;
  std::vector<std::string> fields;
  for (const Dimension& dimension : space_.dimensions()) {
    ModelInput input{.choices = dimension.ordinal ? 0 : static_cast<int>(dimension.choices.size())};
    if (const std::string field = field_of_block(dimension); !field.empty()) {
      input.group = static_cast<int>(index_of(fields, field));
      if (input.group == std::ssize(fields)) fields.push_back(field);
    }
    inputs.push_back(input);
  }
  return inputs;
}

Eigen::RowVectorXd CandidateDesigns::encode(const DesignPoint& point) const {
  Eigen::RowVectorXd row(point.size());
  for (size_t i = 0; i < point.size(); ++i) {
    const Dimension& dimension = space_.dimensions()[i];
    const double middle = (point[i] + 0.5) / static_cast<double>(dimension.choices.size());
    const double value = dimension.ordinal ? middle : point[i];
    row[static_cast<Eigen::Index>(i)] = point[i] == kInactive ? kInactiveInput : value;
  }
  return row;
}

DesignPoint CandidateDesigns::sample(Rng& rng) const {
  DesignPoint point(space_.dimensions().size(), kInactive);
  complete(point, rng);
  return point;
}

DesignPoint CandidateDesigns::mutate(const DesignPoint& parent, Rng& rng) const {
  std::vector<size_t> open;
  for (size_t i = 0; i < parent.size(); ++i)
    if (parent[i] != kInactive && space_.dimensions()[i].choices.size() > 1) open.push_back(i);
  rng.shuffle(open);
  open.resize(std::min<size_t>(open.size(), 1 + rng.below(3)));
  DesignPoint child = parent;
  for (const size_t i : open) child[i] = changed(space_.dimensions()[i], parent[i], rng);
  complete(child, rng);
  return child;
}

DesignPoint CandidateDesigns::cross(const DesignPoint& a, const DesignPoint& b, Rng& rng) const {
  DesignPoint child = a;
  for (size_t i = 0; i < child.size(); ++i)
    if (b[i] != kInactive && (a[i] == kInactive || rng.chance(0.5))) child[i] = b[i];
  complete(child, rng);
  return child;
}

DesignPoint CandidateDesigns::decode_unit(const std::vector<double>& unit) const {
  DesignPoint point(unit.size(), kInactive);
  for (size_t i = 0; i < point.size(); ++i) {
    const auto choices = static_cast<double>(space_.dimensions()[i].choices.size());
    if (is_active(point, i)) point[i] = std::clamp(std::floor(unit[i] * choices), 0.0, choices - 1.0);
  }
  return point;
}

// Draws what is active and has no choice, and drops what is no longer active. Parents come before their children.
void CandidateDesigns::complete(DesignPoint& point, Rng& rng) const {
  for (size_t i = 0; i < point.size(); ++i) {
    if (!is_active(point, i))
      point[i] = kInactive;
    else if (point[i] == kInactive)
      point[i] = drawn(space_.dimensions()[i], rng);
  }
}

bool CandidateDesigns::is_active(const DesignPoint& point, size_t dimension) const {
  const std::optional<Parent>& parent = parents_[dimension];
  if (!parent) return true;
  const double choice = point[parent->dimension];
  return choice != kInactive && parent->activates[static_cast<size_t>(choice)];
}

std::string CandidateDesigns::key(const DesignPoint& point) const {
  return fmt::format("{}", fmt::join(point, " "));
}

KnownOutcome CandidateDesigns::known_outcome(const DesignPoint& point) const {
  const int64_t revision = rules_.margins ? rules_.margins->revision() : 0;
  if (std::exchange(revision_, revision) != revision) known_.clear();
  const std::string name = key(point);
  const auto [known, is_new] = known_.try_emplace(name);
  if (is_new) known->second = estimated(point, /*with_margins=*/!admitted_.contains(name));
  return known->second;
}

void CandidateDesigns::admit(const DesignPoint& point) {
  if (admitted_.insert(key(point)).second) known_.erase(key(point));
}

KnownOutcome CandidateDesigns::known_at_first(const DesignPoint& point) const {
  return rules_.margins ? estimated(point, /*with_margins=*/false) : known_outcome(point);
}

KnownOutcome CandidateDesigns::estimated(const DesignPoint& point, bool with_margins) const {
  const Network network = candidate(point).network;
  if (rules_.check_structure)
    if (const auto violations = rules_.check_structure(network); !violations.empty()) return {rules_of(violations)};
  const Estimates estimates = rules_.estimate ? rules_.estimate(network) : Estimates{};
  const auto violations = with_margins ? check_with_margins(estimates, rules_) : check_limits(estimates, rules_);
  if (!violations.empty()) return {rules_of(violations)};
  return {{}, known_objective_values(estimates, goals_)};
}

}  // namespace bitwright

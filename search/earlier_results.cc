// SPDX-License-Identifier: Apache-2.0
#include "search/earlier_results.h"

#include <algorithm>
#include <set>

namespace bitwright {
namespace {

bool is_point_of(const SearchSpace& space, const std::map<std::string, std::string>& parameters) {
  std::map<std::string, std::string> active;
  for (const Dimension& dimension : space.dimensions()) {
    if (!is_active(dimension, active)) continue;
    const auto given = parameters.find(dimension.name);
    if (given == parameters.end() || std::ranges::count(dimension.choices, given->second) == 0) return false;
    active.insert(*given);
  }
  return active == parameters;
}

// Of one study, by rising error.
std::vector<DesignPoint> front_of(const DesignSpace& space, const EarlierResults& results) {
  std::vector<size_t> fitting;
  std::vector<ObjectiveVector> objectives;
  for (size_t i = 0; i < results.points.size(); ++i) {
    const KnownOutcome known = space.known_outcome(results.points[i]);
    if (!known.broken.empty()) continue;
    fitting.push_back(i);
    objectives.push_back(joined({results.errors[i]}, known.objectives));
  }
  const std::vector<int> ranks = non_dominated_rank(objectives);
  std::vector<size_t> front;
  for (size_t i = 0; i < ranks.size(); ++i)
    if (ranks[i] == 0) front.push_back(fitting[i]);
  std::ranges::stable_sort(front, {}, [&](size_t i) { return results.errors[i]; });
  std::vector<DesignPoint> points;
  for (const size_t i : front) points.push_back(results.points[i]);
  return points;
}

}  // namespace

std::vector<EarlierResult> usable_results(const SearchSpace& space, const std::vector<Trial>& finished) {
  std::vector<EarlierResult> usable;
  for (const Trial& trial : finished)
    if (has_accuracy(trial) && trial.fidelity == 1.0 && is_point_of(space, trial.candidate.parameters))
      usable.push_back({trial.number, trial.candidate.parameters, std::max(0.0, 1.0 - trial.metrics.accuracy)});
  return usable;
}

EarlierResults points_of(const CandidateDesigns& designs, const EarlierStudy& study) {
  EarlierResults results;
  for (const EarlierResult& result : study.results) {
    results.points.push_back(designs.point({.parameters = result.parameters, .network = {}, .hash = {}}));
    results.errors.push_back(result.error);
  }
  return results;
}

std::vector<GivenPoint> earlier_front(const DesignSpace& space, const std::vector<EarlierResults>& earlier,
                                      size_t count) {
  std::vector<std::vector<DesignPoint>> fronts;
  for (const EarlierResults& results : earlier)
    if (auto front = front_of(space, results); !front.empty()) fronts.push_back(std::move(front));
  std::vector<GivenPoint> given;
  std::set<std::string> keys;
  for (size_t turn = 0; turn < count; ++turn)
    for (const std::vector<DesignPoint>& front : fronts) {
      const size_t spread = std::max(count, front.size());
      const size_t at = turn * spread / count;
      if (at < front.size() && given.size() < count && keys.insert(space.key(front[at])).second)
        given.push_back({front[at], "earlier"});
    }
  return given;
}

}  // namespace bitwright

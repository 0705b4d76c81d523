// SPDX-License-Identifier: Apache-2.0
#include "search/pareto.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "core/check.h"
#include "core/error.h"
#include "core/quantity.h"

namespace bitwright {
namespace {

// Beyond a soft limit as it is, below it as at it.
double objective_value(const Estimates& estimates, const std::string& name, const Limits& soft) {
  const Quantity* quantity = find_quantity(name);
  if (!quantity) throw ConfigError(fmt::format("objectives = {}: one of {}", name, fmt::join(quantity_names(), ", ")));
  return std::max(quantity->cost(estimates), quantity->limit(soft));
}

}  // namespace

Goals goals_of(const Study& study) {
  return {study.objectives, study.soft_limits, study.accuracy_floor};
}

ObjectiveVector known_objective_values(const Estimates& estimates, const Goals& goals) {
  ObjectiveVector values;
  for (const std::string& name : goals.objectives)
    values.push_back(objective_value(estimates, name, goals.soft_limits));
  return values;
}

ObjectiveVector objective_values(const Trial& trial, const Goals& goals) {
  ObjectiveVector values = known_objective_values(trial.estimates, goals);
  values.insert(values.begin(), 1.0 - trial.metrics.accuracy);
  return values;
}

bool reaches_floor(const Trial& trial, const Goals& goals) {
  return trial.metrics.accuracy >= goals.accuracy_floor;
}

ObjectiveVector joined(ObjectiveVector measured, const ObjectiveVector& known) {
  measured.insert(measured.end(), known.begin(), known.end());
  return measured;
}

bool dominates(const ObjectiveVector& a, const ObjectiveVector& b) {
  BW_CHECK(a.size() == b.size());
  bool better = false;
  for (size_t k = 0; k < a.size(); ++k) {
    if (a[k] > b[k]) return false;
    better |= a[k] < b[k];
  }
  return better;
}

bool extend_front(std::vector<ObjectiveVector>& front, const ObjectiveVector& point) {
  if (std::ranges::any_of(front, [&](const ObjectiveVector& other) { return dominates(other, point); })) return false;
  std::erase_if(front, [&](const ObjectiveVector& other) { return dominates(point, other); });
  front.push_back(point);
  return true;
}

std::vector<int> non_dominated_rank(const std::vector<ObjectiveVector>& points) {
  const size_t n = points.size();
  std::vector<std::vector<size_t>> dominated(n);
  std::vector<int> dominators(n, 0), rank(n, 0);
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < n; ++j)
      if (dominates(points[i], points[j])) dominated[i].push_back(j), ++dominators[j];
  std::vector<size_t> front;
  for (size_t i = 0; i < n; ++i)
    if (dominators[i] == 0) front.push_back(i);
  for (int level = 0; !front.empty(); ++level) {
    std::vector<size_t> next;
    for (size_t i : front) {
      rank[i] = level;
      for (size_t j : dominated[i])
        if (--dominators[j] == 0) next.push_back(j);
    }
    front = std::move(next);
  }
  return rank;
}

std::vector<double> crowding_distance(const std::vector<ObjectiveVector>& front) {
  const size_t n = front.size();
  std::vector<double> distance(n, 0.0);
  if (n == 0) return distance;
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  for (size_t k = 0; k < front[0].size(); ++k) {
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return front[a][k] < front[b][k]; });
    distance[order.front()] = distance[order.back()] = std::numeric_limits<double>::infinity();
    const double extent = front[order.back()][k] - front[order.front()][k];
    if (extent <= 0.0) continue;
    for (size_t i = 1; i + 1 < n; ++i) distance[order[i]] += (front[order[i + 1]][k] - front[order[i - 1]][k]) / extent;
  }
  return distance;
}

std::vector<size_t> fittest_first(const std::vector<ObjectiveVector>& points) {
  const std::vector<int> ranks = non_dominated_rank(points);
  std::vector<size_t> order;
  for (int rank = 0; order.size() < points.size(); ++rank) {
    std::vector<size_t> members;
    std::vector<ObjectiveVector> front;
    for (size_t i = 0; i < points.size(); ++i)
      if (ranks[i] == rank) members.push_back(i), front.push_back(points[i]);
    const std::vector<double> distances = crowding_distance(front);
    std::vector<size_t> within(members.size());
    std::iota(within.begin(), within.end(), size_t{0});
    std::ranges::stable_sort(within, std::ranges::greater(), [&](size_t i) { return distances[i]; });
    for (const size_t i : within) order.push_back(members[i]);
  }
  return order;
}

std::vector<size_t> pareto_front(const std::vector<Trial>& trials, const Goals& goals) {
  std::vector<size_t> complete;
  std::vector<ObjectiveVector> points;
  for (size_t i = 0; i < trials.size(); ++i) {
    if (trials[i].state != TrialState::kComplete || !reaches_floor(trials[i], goals)) continue;
    complete.push_back(i);
    points.push_back(objective_values(trials[i], goals));
  }
  const auto dominated = [&](const ObjectiveVector& point) {
    return std::any_of(points.begin(), points.end(), [&](const ObjectiveVector& p) { return dominates(p, point); });
  };
  std::vector<size_t> front;
  for (size_t i = 0; i < complete.size(); ++i)
    if (!dominated(points[i])) front.push_back(complete[i]);
  std::sort(front.begin(), front.end(), [&](size_t a, size_t b) {
    return std::pair(-trials[a].metrics.accuracy, trials[a].number) <
           std::pair(-trials[b].metrics.accuracy, trials[b].number);
  });
  return front;
}

}  // namespace bitwright

// search/pareto.h: the trade-off between error and cost. Every objective is minimised.
// Source: Deb et al., "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", IEEE TEVC 6(2), 2002.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/study.h"
#include "core/trial.h"

namespace bitwright {

// One value per objective, in a fixed order.
using ObjectiveVector = std::vector<double>;

// What a front is drawn by.
struct Goals {
  std::vector<std::string> objectives;  // minimised besides the error: names of core/quantity.h
  Limits soft_limits;                   // 0: none; below one an objective has the limit's value
  double accuracy_floor = 0.0;          // 0..1; a trial below it is no point of the front
};
Goals goals_of(const Study& study);

// Of a candidate, in bytes, us, uJ, uW or counts; below a soft limit that limit. Throws ConfigError for an unknown
// objective.
ObjectiveVector known_objective_values(const Estimates& estimates, const Goals& goals);
// {1 - accuracy, objectives...} of a complete trial, in bytes, us, uJ, uW or counts. Throws ConfigError for an unknown
// objective.
ObjectiveVector objective_values(const Trial& trial, const Goals& goals);

// Whether a complete trial has the accuracy that is asked for.
bool reaches_floor(const Trial& trial, const Goals& goals);

// Measured objectives, and behind them the known.
ObjectiveVector joined(ObjectiveVector measured, const ObjectiveVector& known);

// No worse anywhere and better somewhere. Same length.
bool dominates(const ObjectiveVector& a, const ObjectiveVector& b);

// Adds a point to a front of points that none of the others dominates, and takes those away that it dominates. False
// where it is dominated itself: then nothing changes.
bool extend_front(std::vector<ObjectiveVector>& front, const ObjectiveVector& point);

// Front of each point: 0 for those that nobody dominates, 1 for those that only front 0 dominates, ...
std::vector<int> non_dominated_rank(const std::vector<ObjectiveVector>& points);

// Of points of one front: the sum over objectives of the distance between a point's two neighbours, as a share of the
// objective's extent; infinite at the ends.
std::vector<double> crowding_distance(const std::vector<ObjectiveVector>& front);

// Indices of points by rising rank, of equal ones by falling crowding distance within the rank, then by index.
std::vector<size_t> fittest_first(const std::vector<ObjectiveVector>& points);

// Indices into `trials` of the complete ones that reach the floor and that none of these dominates, by falling
// accuracy, then by number.
std::vector<size_t> pareto_front(const std::vector<Trial>& trials, const Goals& goals);

}  // namespace bitwright

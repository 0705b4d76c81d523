// search/pareto.h: the trade-off between error and cost. Every objective is minimised.
// Source: Deb et al., "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", IEEE TEVC 6(2), 2002.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/trial.h"

namespace bitwright {

// One value per objective, in a fixed order.
using ObjectiveVector = std::vector<double>;

// {1 - accuracy, named objectives...} of a complete trial; names: "flash" (bytes), "ram" (bytes), "latency" (us),
// "energy" (uJ), "macs". Throws ConfigError for another name.
ObjectiveVector objective_values(const Trial& trial, const std::vector<std::string>& objectives);

// No worse anywhere and better somewhere. Same length.
bool dominates(const ObjectiveVector& a, const ObjectiveVector& b);

// Front of each point: 0 for those that nobody dominates, 1 for those that only front 0 dominates, ...
std::vector<int> non_dominated_rank(const std::vector<ObjectiveVector>& points);

// Of points of one front: the sum over objectives of the distance between a point's two neighbours, as a share of the
// objective's extent; infinite at the ends.
std::vector<double> crowding_distance(const std::vector<ObjectiveVector>& front);

// Indices into `trials` of the complete ones that no complete one dominates, by falling accuracy, then by number.
std::vector<size_t> pareto_front(const std::vector<Trial>& trials, const std::vector<std::string>& objectives);

}  // namespace bitwright

// search/fitness.h: which of several results is the better parent.
// Source: Deb et al., "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", IEEE TEVC 6(2), 2002, sec. III
// and VI (constrained domination).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "search/proposer.h"

namespace bitwright {

struct Fitness {
  int rank = 0;           // the less, the fitter
  double crowding = 0.0;  // of equal rank the more, the fitter
};
bool fitter(const Fitness& a, const Fitness& b);

// Of each: its non-dominated rank among those that keep all measured limits, and its crowding distance within that
// rank. Behind these come those that exceed limits, the less the fitter, behind all the failed ones.
std::vector<Fitness> pareto_fitness(const std::vector<ToldResults::Entry>& entries);

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "search/fitness.h"

#include <algorithm>

namespace bitwright {
namespace {

void set_crowding(const std::vector<ToldResults::Entry>& entries, const std::vector<size_t>& sound, int rank,
                  std::vector<Fitness>& fitness) {
  std::vector<size_t> front;
  std::vector<ObjectiveVector> points;
  for (const size_t i : sound)
    if (fitness[i].rank == rank) front.push_back(i), points.push_back(entries[i].objectives);
  const std::vector<double> distances = crowding_distance(points);
  for (size_t i = 0; i < front.size(); ++i) fitness[front[i]].crowding = distances[i];
}

}  // namespace

bool fitter(const Fitness& a, const Fitness& b) {
  return a.rank != b.rank ? a.rank < b.rank : a.crowding > b.crowding;
}

std::vector<Fitness> pareto_fitness(const std::vector<ToldResults::Entry>& entries) {
  const int n = static_cast<int>(entries.size());
  std::vector<Fitness> fitness(entries.size(), {.rank = 2 * n});
  std::vector<size_t> sound;
  std::vector<ObjectiveVector> points;
  std::vector<double> violations;  // of those that exceed limits
  for (size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].objectives.empty()) continue;
    if (entries[i].violation > 0.0)
      violations.push_back(entries[i].violation);
    else
      sound.push_back(i), points.push_back(entries[i].objectives);
  }
  const std::vector<int> ranks = non_dominated_rank(points);
  for (size_t i = 0; i < sound.size(); ++i) fitness[sound[i]].rank = ranks[i];
  for (int rank = 0; !ranks.empty() && rank <= std::ranges::max(ranks); ++rank)
    set_crowding(entries, sound, rank, fitness);
  std::ranges::sort(violations);
  for (size_t i = 0; i < entries.size(); ++i)
    if (!entries[i].objectives.empty() && entries[i].violation > 0.0)
      fitness[i].rank =
          n + static_cast<int>(std::ranges::lower_bound(violations, entries[i].violation) - violations.begin());
  return fitness;
}

}  // namespace bitwright

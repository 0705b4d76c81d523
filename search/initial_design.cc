// SPDX-License-Identifier: Apache-2.0
#include "search/initial_design.h"

#include <algorithm>
#include <limits>

#include "core/check.h"

namespace bitwright {
namespace {

// Of every known objective the values among the candidates, rising.
std::vector<std::vector<double>> sorted_costs(const std::vector<PlacedPoint>& candidates) {
  std::vector<std::vector<double>> costs(candidates.front().known.size());
  for (size_t k = 0; k < costs.size(); ++k) {
    for (const PlacedPoint& candidate : candidates) costs[k].push_back(candidate.known[k]);
    std::ranges::sort(costs[k]);
  }
  return costs;
}

double rank_of(double value, const std::vector<double>& sorted) {
  const auto above = std::ranges::upper_bound(sorted, value);
  return static_cast<double>(above - sorted.begin()) / static_cast<double>(sorted.size());
}

PlacedPoint with_ranks(PlacedPoint point, const std::vector<std::vector<double>>& costs) {
  for (size_t k = 0; k < costs.size(); ++k) point.known[k] = rank_of(point.known[k], costs[k]);
  return point;
}

double mean_square(const ObjectiveVector& a, const ObjectiveVector& b) {
  double sum = 0.0;
  for (size_t k = 0; k < a.size(); ++k) sum += (a[k] - b[k]) * (a[k] - b[k]);
  return a.empty() ? 0.0 : sum / static_cast<double>(a.size());
}

// known: ranks.
double squared_distance(const std::vector<ModelInput>& inputs, const PlacedPoint& a, const PlacedPoint& b) {
  double sum = 0.0;
  for (size_t k = 0; k < inputs.size(); ++k) {
    const auto column = static_cast<Eigen::Index>(k);
    sum += input_distance(inputs[k], a.row[column], b.row[column]);
  }
  return sum / static_cast<double>(inputs.size()) + mean_square(a.known, b.known);
}

}  // namespace

size_t farthest(const std::vector<ModelInput>& inputs, const std::vector<PlacedPoint>& candidates,
                const std::vector<PlacedPoint>& there) {
  BW_CHECK(!candidates.empty());
  const std::vector<std::vector<double>> costs = sorted_costs(candidates);
  std::vector<PlacedPoint> ranked;
  for (const PlacedPoint& point : there) ranked.push_back(with_ranks(point, costs));
  std::vector<double> nearest(candidates.size(), std::numeric_limits<double>::infinity());
  for (size_t i = 0; i < candidates.size(); ++i) {
    const PlacedPoint candidate = with_ranks(candidates[i], costs);
    for (const PlacedPoint& point : ranked)
      nearest[i] = std::min(nearest[i], squared_distance(inputs, candidate, point));
  }
  return static_cast<size_t>(std::ranges::max_element(nearest) - nearest.begin());
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "search/hypervolume.h"

#include <algorithm>

#include "core/check.h"

namespace bitwright {
namespace {

double box(const ObjectiveVector& point, const ObjectiveVector& reference) {
  double volume = 1.0;
  for (size_t k = 0; k < reference.size(); ++k) volume *= reference[k] - point[k];
  return volume;
}

// Removes dominated points and copies; leaves the rest sorted.
void keep_non_dominated(std::vector<ObjectiveVector>& points) {
  std::sort(points.begin(), points.end());
  points.erase(std::unique(points.begin(), points.end()), points.end());
  std::vector<ObjectiveVector> kept;  // a point can only be dominated by one that sorts before it
  for (ObjectiveVector& point : points) {
    const auto by = [&](const ObjectiveVector& other) { return dominates(other, point); };
    if (std::none_of(kept.begin(), kept.end(), by)) kept.push_back(std::move(point));
  }
  points = std::move(kept);
}

// Strips from left to right; `front` is sorted by the first objective, so its second one falls.
double sweep(const std::vector<ObjectiveVector>& front, const ObjectiveVector& reference) {
  double area = 0.0, top = reference[1];
  for (const ObjectiveVector& point : front) {
    area += (reference[0] - point[0]) * (top - point[1]);
    top = point[1];
  }
  return area;
}

double wfg(std::vector<ObjectiveVector> points, const ObjectiveVector& reference);

// What front[i] dominates and none of the points after it does: its box less that of the others, limited to it.
double exclusive_volume(const std::vector<ObjectiveVector>& front, size_t i, const ObjectiveVector& reference) {
  std::vector<ObjectiveVector> limited(front.begin() + static_cast<std::ptrdiff_t>(i) + 1, front.end());
  for (ObjectiveVector& point : limited)
    for (size_t k = 0; k < point.size(); ++k) point[k] = std::max(point[k], front[i][k]);
  return box(front[i], reference) - wfg(std::move(limited), reference);
}

double wfg(std::vector<ObjectiveVector> points, const ObjectiveVector& reference) {
  keep_non_dominated(points);
  if (reference.size() == 2) return sweep(points, reference);
  double volume = 0.0;
  for (size_t i = 0; i < points.size(); ++i) volume += exclusive_volume(points, i, reference);
  return volume;
}

}  // namespace

double hypervolume(std::vector<ObjectiveVector> points, const ObjectiveVector& reference_point) {
  BW_CHECK(!reference_point.empty());
  std::erase_if(points, [&](const ObjectiveVector& point) {
    BW_CHECK(point.size() == reference_point.size());
    for (size_t k = 0; k < point.size(); ++k)
      if (!(point[k] < reference_point[k])) return true;
    return false;
  });
  return wfg(std::move(points), reference_point);
}

}  // namespace bitwright

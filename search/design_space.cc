// SPDX-License-Identifier: Apache-2.0
#include "search/design_space.h"

#include <utility>

namespace bitwright {

PointDrawer::PointDrawer(const DesignSpace& space, std::set<std::string> taken, Rng rng)
    : space_(space), taken_(std::move(taken)), rng_(rng) {}

std::optional<DrawnPoint> PointDrawer::sample() {
  return accept(space_.sample(rng_), std::nullopt);
}

std::optional<DrawnPoint> PointDrawer::mutant(const DesignPoint& parent, std::optional<int64_t> number) {
  return accept(space_.mutate(parent, rng_), number);
}

std::optional<DrawnPoint> PointDrawer::accept(DesignPoint point, std::optional<int64_t> parent) {
  std::string key = space_.key(point);
  std::optional<ObjectiveVector> known;
  if (!taken_.contains(key)) known = space_.known_objectives(point);
  if (!known) {
    ++rejected_;
    return std::nullopt;
  }
  taken_.insert(std::move(key));
  return DrawnPoint{std::move(point), std::move(*known), parent};
}

}  // namespace bitwright

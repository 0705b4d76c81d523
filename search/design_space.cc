// SPDX-License-Identifier: Apache-2.0
#include "search/design_space.h"

namespace bitwright {

Eigen::MatrixXd encoded(const DesignSpace& space, const std::vector<DrawnPoint>& points) {
  Eigen::MatrixXd rows(points.size(), space.inputs().size());
  for (Eigen::Index i = 0; i < rows.rows(); ++i) rows.row(i) = space.encode(points[static_cast<size_t>(i)].point);
  return rows;
}

PointDrawer::PointDrawer(const DesignSpace& space, std::set<std::string> taken, Rng rng)
    : space_(space), taken_(std::move(taken)), rng_(rng) {}

std::optional<DrawnPoint> PointDrawer::sample() {
  return accept(space_.sample(rng_));
}

std::optional<DrawnPoint> PointDrawer::mutant(const DesignPoint& parent, std::vector<int64_t> parents) {
  return accept(space_.mutate(parent, rng_), std::move(parents));
}

std::optional<DrawnPoint> PointDrawer::accept(DesignPoint point, std::vector<int64_t> parents) {
  std::string key = space_.key(point);
  if (taken_.contains(key)) {
    ++rejected_.by_rule["duplicate"];
    return std::nullopt;
  }
  KnownOutcome known = space_.known_outcome(point);
  for (const std::string& rule : known.broken) ++rejected_.by_rule[rule];
  rejected_.breaking += known.broken.empty() ? 0 : 1;
  if (!known.broken.empty()) return std::nullopt;
  taken_.insert(std::move(key));
  return DrawnPoint{std::move(point), std::move(known.objectives), std::move(parents)};
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "search/scalar_search.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/check.h"

namespace bitwright {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int kDrawsPerPoint = 12;  // on average, before a pool is left smaller

struct ScoredPoint {
  DrawnPoint drawn;
  double score = 0.0;
};

std::vector<ScoredPoint> scored(std::vector<DrawnPoint> drawn, const VectorXd& scores) {
  std::vector<ScoredPoint> points;
  for (size_t i = 0; i < drawn.size(); ++i) points.push_back({std::move(drawn[i]), scores[static_cast<Index>(i)]});
  return points;
}

std::vector<DrawnPoint> mutants_of(const std::vector<ScoredPoint>& points, PointDrawer& drawer,
                                   const PoolOptions& options) {
  std::vector<DrawnPoint> mutants;
  for (size_t i = 0; i < std::min(points.size(), static_cast<size_t>(options.refined)); ++i) {
    const DrawnPoint& parent = points[i].drawn;
    const auto draw = [&] { return drawer.mutant(parent.point, parent.parents); };
    std::ranges::move(collect(options.mutants, options.mutants, draw), std::back_inserter(mutants));
  }
  return mutants;
}

}  // namespace

GaussianProcess scalar_model(PrefixModel& model, const ScalarResults& results,
                             const std::vector<Eigen::RowVectorXd>& pending) {
  BW_CHECK(!results.rows.empty() && results.rows.size() == results.targets.size());
  MatrixXd points(results.rows.size(), results.rows[0].size());
  VectorXd targets(points.rows());
  for (Index i = 0; i < points.rows(); ++i) {
    points.row(i) = results.rows[static_cast<size_t>(i)];
    targets[i] = results.targets[static_cast<size_t>(i)];
  }
  GaussianProcess given = model.given(points, targets);
  for (const Eigen::RowVectorXd& row : pending) given.add_pending(row);
  return given;
}

VectorXd lower_confidence_bound(const GaussianProcess& model, const MatrixXd& rows, double beta) {
  const GaussianPosterior posterior = model.predict(rows);
  return posterior.mean - beta * posterior.deviation;
}

std::optional<DrawnPoint> least_of_pool(const DesignSpace& space, PointDrawer& drawer, const PoolOptions& options,
                                        const std::function<VectorXd(const MatrixXd& rows)>& score) {
  std::vector<ScoredPoint> points;
  const auto add = [&](std::vector<DrawnPoint> drawn) {
    if (drawn.empty()) return;
    const VectorXd scores = score(encoded(space, drawn));
    std::ranges::move(scored(std::move(drawn), scores), std::back_inserter(points));
    std::ranges::stable_sort(points, {}, &ScoredPoint::score);
  };
  add(collect(options.points, kDrawsPerPoint * options.points, [&] { return drawer.sample(); }));
  for (int round = 0; round < options.refinements; ++round) add(mutants_of(points, drawer, options));
  if (points.empty()) return std::nullopt;
  return std::move(points[0].drawn);
}

}  // namespace bitwright

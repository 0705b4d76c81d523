// search/design_space.h: the points that a model-based search chooses from.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/rng.h"
#include "search/gaussian_process.h"
#include "search/pareto.h"

namespace bitwright {

// A value a dimension. What the values stand for is the space's own matter.
using DesignPoint = std::vector<double>;

// What is known of a point before any evaluation.
struct KnownOutcome {
  std::vector<std::string> broken;  // limits, by name, each once; empty: it keeps all
  ObjectiveVector objectives{};     // that need no evaluation, perhaps none; of a point that keeps all limits
};

class DesignSpace {
 public:
  virtual ~DesignSpace() = default;
  // What the model sees of a point: a value of each of inputs(), kInactiveInput where the point does not have it.
  virtual std::vector<ModelInput> inputs() const = 0;
  virtual Eigen::RowVectorXd encode(const DesignPoint& point) const = 0;
  virtual DesignPoint sample(Rng& rng) const = 0;
  virtual DesignPoint mutate(const DesignPoint& parent, Rng& rng) const = 0;
  // Every value from one of two parents; what neither has is drawn.
  virtual DesignPoint cross(const DesignPoint& a, const DesignPoint& b, Rng& rng) const = 0;
  // A number in 0..1 a value, each value's choices or range in equal shares; uniform numbers give what sample() gives.
  virtual DesignPoint decode_unit(const std::vector<double>& unit) const = 0;
  // The same for points that stand for the same thing, and for no others.
  virtual std::string key(const DesignPoint& point) const = 0;
  // Asked of thousands of points a proposal. May change with every result that is told.
  virtual KnownOutcome known_outcome(const DesignPoint& point) const = 0;
  // Of a space whose limits learn from results: as known before the first.
  virtual KnownOutcome known_at_first(const DesignPoint& point) const { return known_outcome(point); }
};

struct DrawnPoint {
  DesignPoint point;
  ObjectiveVector known;         // objectives
  std::vector<int64_t> parents;  // numbers of the results that it comes from, perhaps at several removes
};

// A row a point.
Eigen::MatrixXd encoded(const DesignSpace& space, const std::vector<DrawnPoint>& points);

// Points that were drawn and passed over.
struct RejectedPoints {
  std::map<std::string, int64_t> by_rule{};  // limit that they break, or "duplicate" -> points
  int64_t breaking = 0;                      // points that break a limit, or several
};

// Draws points that keep all known limits and were not there before, each once.
class PointDrawer {
 public:
  // taken: keys of points that are there. `space` must outlive it.
  PointDrawer(const DesignSpace& space, std::set<std::string> taken, Rng rng);

  // Each is nothing where the draw is rejected.
  std::optional<DrawnPoint> sample();
  std::optional<DrawnPoint> mutant(const DesignPoint& parent, std::vector<int64_t> parents);
  std::optional<DrawnPoint> accept(DesignPoint point, std::vector<int64_t> parents = {});

  // For further choices, of the same stream.
  Rng& rng() { return rng_; }
  const RejectedPoints& rejected() const { return rejected_; }

 private:
  const DesignSpace& space_;
  std::set<std::string> taken_;
  Rng rng_;
  RejectedPoints rejected_;
};

// Up to `count` points, of which `draw` makes one or none; at most `draws` are tried.
template <class Draw>
std::vector<DrawnPoint> collect(int count, int draws, const Draw& draw) {
  std::vector<DrawnPoint> points;
  for (int i = 0; i < draws && static_cast<int>(points.size()) < count; ++i)
    if (std::optional<DrawnPoint> point = draw()) points.push_back(std::move(*point));
  return points;
}

}  // namespace bitwright

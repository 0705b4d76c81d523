// search/design_space.h: the points that a model-based search chooses from.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/rng.h"
#include "search/gaussian_process.h"
#include "search/pareto.h"

namespace bitwright {

// A value a dimension. What the values stand for is the space's own matter.
using DesignPoint = std::vector<double>;

class DesignSpace {
 public:
  virtual ~DesignSpace() = default;
  // What the model sees of a point: a value of each of inputs(), kInactiveInput where the point does not have it.
  virtual std::vector<ModelInput> inputs() const = 0;
  virtual Eigen::RowVectorXd encode(const DesignPoint& point) const = 0;
  virtual DesignPoint sample(Rng& rng) const = 0;
  virtual DesignPoint mutate(const DesignPoint& parent, Rng& rng) const = 0;
  // The same for points that stand for the same thing, and for no others.
  virtual std::string key(const DesignPoint& point) const = 0;
  // The objectives that need no evaluation, perhaps none; nothing for a point that breaks a known limit. Asked of
  // thousands of points a proposal.
  virtual std::optional<ObjectiveVector> known_objectives(const DesignPoint& point) const = 0;
};

struct DrawnPoint {
  DesignPoint point;
  ObjectiveVector known;          // objectives
  std::optional<int64_t> parent;  // number of the result that it mutates, perhaps at several removes
};

// Draws points that keep all known limits and were not there before, each once.
class PointDrawer {
 public:
  // taken: keys of points that are there. `space` must outlive it.
  PointDrawer(const DesignSpace& space, std::set<std::string> taken, Rng rng);

  // Nothing where the draw is rejected.
  std::optional<DrawnPoint> sample();
  std::optional<DrawnPoint> mutant(const DesignPoint& parent, std::optional<int64_t> number);

  // For further choices, of the same stream.
  Rng& rng() { return rng_; }
  int64_t rejected() const { return rejected_; }

 private:
  std::optional<DrawnPoint> accept(DesignPoint point, std::optional<int64_t> parent);

  const DesignSpace& space_;
  std::set<std::string> taken_;
  Rng rng_;
  int64_t rejected_ = 0;
};

}  // namespace bitwright

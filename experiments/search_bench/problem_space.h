// experiments/search_bench/problem_space.h: a problem as a space to search.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "experiments/search_bench/problems.h"
#include "search/design_space.h"

namespace bitwright {

class ProblemSpace : public DesignSpace {
 public:
  explicit ProblemSpace(Problem problem);

  std::vector<ModelInput> inputs() const override;
  Eigen::RowVectorXd encode(const DesignPoint& point) const override;
  DesignPoint sample(Rng& rng) const override;
  // One to three of the active parameters: a choice drawn afresh, a level next to the parent's where there are at most
  // six, a normal step of a tenth of the range otherwise.
  DesignPoint mutate(const DesignPoint& parent, Rng& rng) const override;
  DesignPoint cross(const DesignPoint& a, const DesignPoint& b, Rng& rng) const override;
  DesignPoint decode_unit(const std::vector<double>& unit) const override;
  // Of reals nine digits count.
  std::string key(const DesignPoint& point) const override;
  KnownOutcome known_outcome(const DesignPoint& point) const override;

 private:
  Problem problem_;
};

}  // namespace bitwright

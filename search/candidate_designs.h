// search/candidate_designs.h: the networks of a study's space as points that a model-based search chooses from. A point
// holds, for every dimension of the space, the index of its choice, and -1 where the dimension is not active.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>

#include "search/candidate_rules.h"
#include "search/design_space.h"
#include "search/space.h"

namespace bitwright {

class CandidateDesigns : public DesignSpace {
 public:
  // rules.estimate must be there wherever goals have objectives. Throws ConfigError for an unknown objective.
  CandidateDesigns(SearchSpace space, Goals goals, CandidateRules rules);

  Candidate candidate(const DesignPoint& point) const;
  DesignPoint point(const Candidate& candidate) const;

  // Ordinal dimensions are ordered inputs, others categories; what blocks have in common is one group.
  std::vector<ModelInput> inputs() const override;
  Eigen::RowVectorXd encode(const DesignPoint& point) const override;
  DesignPoint sample(Rng& rng) const override;
  // One to three of the dimensions that have a choice: ordinal ones to a neighbour, mostly. What becomes active by that
  // is drawn afresh.
  DesignPoint mutate(const DesignPoint& parent, Rng& rng) const override;
  DesignPoint cross(const DesignPoint& a, const DesignPoint& b, Rng& rng) const override;
  DesignPoint decode_unit(const std::vector<double>& unit) const override;
  std::string key(const DesignPoint& point) const override;
  // The study's objectives, soft limits applied. What was asked once is remembered, as long as the rules learn no other
  // margins.
  KnownOutcome known_outcome(const DesignPoint& point) const override;
  KnownOutcome known_at_first(const DesignPoint& point) const override;

  // A point that is a trial is judged without margins: it was when it was proposed, or its package is measured.
  void admit(const DesignPoint& point);

 private:
  struct Parent {
    size_t dimension = 0;
    std::vector<bool> activates;  // by its choice
  };

  bool is_active(const DesignPoint& point, size_t dimension) const;
  void complete(DesignPoint& point, Rng& rng) const;
  KnownOutcome estimated(const DesignPoint& point, bool with_margins) const;

  SearchSpace space_;
  Goals goals_;
  CandidateRules rules_;
  std::vector<std::optional<Parent>> parents_;         // of each dimension
  std::set<std::string> admitted_;                     // keys
  mutable std::map<std::string, KnownOutcome> known_;  // by key
  mutable int64_t revision_ = 0;                       // of the margins that known_ is by
};

}  // namespace bitwright

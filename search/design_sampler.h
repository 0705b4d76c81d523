// search/design_sampler.h: a search method (search/proposer.h) over a study's networks.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>

#include "search/candidate_designs.h"
#include "search/proposer.h"
#include "search/sampler.h"

namespace bitwright {

class DesignSampler : public Sampler {
 public:
  // user: candidates to propose first. earlier: studies whose results are points of the space. options.most_error is
  // the goals'.
  DesignSampler(const SearchSpace& space, const Goals& goals, const CandidateRules& rules,
                const std::vector<Candidate>& user, const std::vector<EarlierStudy>& earlier, ProposerOptions options);

  // The first attempt at a trial keeps all rules and is new, wherever such a candidate is found; further ones are
  // random.
  Proposal ask(int64_t number, int64_t attempt) override;
  void begin(const Trial& trial) override;
  // Throws StoreError where a trial stopped at no rung of the study.
  void tell(const Trial& trial) override;
  std::vector<GivenUpRung> given_up_rungs() const override { return proposer_->given_up_rungs(); }

 private:
  uint64_t seed_;
  std::vector<double> rungs_;
  SearchSpace space_;
  CandidateDesigns designs_;
  std::unique_ptr<Proposer> proposer_;
  std::map<int64_t, DesignPoint> pending_;  // by number of the trial
};

}  // namespace bitwright

// search/bayesian_sampler.h: the Bayesian search (search/bayesian_proposer.h) over a study's networks.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>

#include "search/bayesian_proposer.h"
#include "search/candidate_designs.h"
#include "search/sampler.h"

namespace bitwright {

class BayesianSampler : public Sampler {
 public:
  // validation_examples: >= 1, of which one is the least error that can be told from none.
  BayesianSampler(uint64_t seed, const SearchSpace& space, const Goals& goals, const CandidateRules& rules,
                  int64_t validation_examples);

  // The first attempt at a trial keeps all rules and is new, wherever there is such a candidate; further ones are
  // random.
  Proposal ask(int64_t number, int64_t attempt) override;
  void begin(const Trial& trial) override;
  void tell(const Trial& trial) override;

 private:
  uint64_t seed_;
  SearchSpace space_;
  CandidateDesigns designs_;
  BayesianProposer proposer_;
  std::map<int64_t, DesignPoint> pending_;  // by number of the trial
};

}  // namespace bitwright

// search/sampler.h: ask and tell: a search method (search/proposer.h) as the study loop sees it, in trials.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/earlier_study.h"
#include "core/study.h"
#include "core/trial.h"
#include "search/candidate_rules.h"
#include "search/design_space.h"
#include "search/pareto.h"
#include "search/rung_trust.h"
#include "search/space.h"

namespace bitwright {

struct Proposal {
  Candidate candidate;
  std::string source{};                // in a line: "random", "mutation of 12", "first population"
  RejectedPoints rejected{};           // passed over within this proposal
  ProposalProvenance provenance{};     // but what was rejected, and code
  double fidelity = 1.0;               // share of the recipe's epochs that its training is to reach
  std::optional<int64_t> continues{};  // the trial that stopped at a rung, and whose candidate this is
};

// A proposal is a function of the study's seed, the trial's number, the attempt, the trials told so far, in the order
// told, and those under way: a controller rebuilt from the store proposes as the killed one would have.
class Sampler {
 public:
  virtual ~Sampler() = default;
  // `attempt` counts the proposals for this trial that were rejected before (limits, duplicates): 0, 1, ...
  virtual Proposal ask(int64_t number, int64_t attempt) = 0;
  // A trial that is under way from now on, until it is told; perhaps a further attempt.
  virtual void begin(const Trial& trial) { static_cast<void>(trial); }
  // A finished trial, whatever its state, or one that stopped at a rung.
  virtual void tell(const Trial& trial) = 0;
  // Where trainings stop no more, by what was told so far.
  virtual std::vector<GivenUpRung> given_up_rungs() const { return {}; }
};

// A stream of its own for every proposal.
Rng proposal_rng(uint64_t seed, int64_t number, int64_t attempt);

// By search.sampler, one of kSamplers, after search.designs (search/user_designs.h). Every method passes over
// candidates that break the rules, and needs rules.estimate where there are objectives. validation_examples: >= 1; an
// error of less than one of them cannot be told from none. earlier: studies to learn from, whose results are points of
// the space. Throws ConfigError for another name.
std::unique_ptr<Sampler> make_sampler(const SearchSpec& spec, const SearchSpace& space, const Goals& goals,
                                      const CandidateRules& rules = {}, int64_t validation_examples = 1000,
                                      const std::vector<EarlierStudy>& earlier = {});

}  // namespace bitwright

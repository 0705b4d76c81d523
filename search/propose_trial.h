// search/propose_trial.h: from what a search method proposes to the next trial of a study. The study loop and its
// replay use it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/trial.h"
#include "search/candidate_rules.h"
#include "search/sampler.h"

namespace bitwright {

// Proposals for one trial that may be rejected before the search for one gives up.
inline constexpr int64_t kMaxAttempts = 2000;

// What there is besides the sampler.
struct ProposalContext {
  const CandidateRules& rules;
  std::function<bool(const std::string& hash)> is_known;  // a trial of the study has this network
  std::function<bool()> may_go_on;                        // asked after every proposal that was rejected
};

struct ProposedTrial {
  Trial trial;            // number, candidate, source, provenance, fidelity, rejected and estimates are set
  bool accepted = false;  // the candidate is new and keeps every rule; else none was found, and trial says what was not
  std::optional<Continuation> continuation{};  // in place of a new trial: what stopped at a rung goes on
};

// Asks `sampler` for trial `number` until a candidate is accepted, may_go_on() says no, or kMaxAttempts are spent.
ProposedTrial propose_trial(Sampler& sampler, int64_t number, const ProposalContext& context);

}  // namespace bitwright

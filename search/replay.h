// search/replay.h: whether the proposals of a study are what its seed and its results make them. What is replayed are
// rows: each proposal is made anew from the results that it had seen and the trials that were under way, however many
// ran at once and however often the search was killed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/store/trial_store.h"
#include "search/candidate_rules.h"
#include "search/sampler.h"

namespace bitwright {

struct ReplayDifference {
  int64_t number = 0;  // of the trial
  std::string text;    // what was stored, and what is proposed
};

struct Replay {
  int64_t proposals = 0;                      // of new trials, and of trials that went on from a rung
  std::vector<ReplayDifference> differences;  // in the order of proposing, one a proposal at most
  int64_t equal() const { return proposals - static_cast<int64_t>(differences.size()); }
};

// Asks `sampler`, which is fresh, made as that of the study and by these `rules`, for every stored trial and every one
// that went on once more. A trial that differs is told as it was stored, so that differences do not spread. A trial of
// a store's first format has no provenance: its network and its source are compared. on_proposal: called after each.
Replay replay_study(Sampler& sampler, const CandidateRules& rules, const TrialStore& store,
                    const std::function<void(const Replay&)>& on_proposal = {});

}  // namespace bitwright

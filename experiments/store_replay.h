// experiments/store_replay.h: the replay of a store's study, without its data, and what it found in words.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/store/trial_store.h"
#include "search/replay.h"

namespace bitwright {

// The space is that of the networks that are there.
Replay replay_store(const TrialStore& store, const std::function<void(const Replay&)>& on_proposal = {});

// "1,234 of 1,234 proposals equal", and of those that differ the first ten, a line each.
std::string replay_text(const Replay& replay);

// What may make proposals differ that is nobody's fault: other code, another processor. `provenance`: this program's,
// experiments/version.h.
std::vector<std::string> replay_notes(const StudyRecord& study, const std::vector<Trial>& trials,
                                      const std::map<std::string, std::string>& provenance);

}  // namespace bitwright

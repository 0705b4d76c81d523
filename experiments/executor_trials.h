// experiments/executor_trials.h: trials of a search as the protocol of its workers has them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/recipe.h"
#include "experiments/trial_protocol.h"
#include "search/run_study.h"

namespace bitwright {

// What the trial's fidelity asks of a worker. recipe: the study's, of whose epochs rungs are shares.
TrialSpec spec_of(const Trial& trial, const std::string& config_json, const Recipe& recipe);
TrialResult result_of(const TrialReport& report);

}  // namespace bitwright

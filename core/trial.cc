// SPDX-License-Identifier: Apache-2.0
#include "core/trial.h"

namespace bitwright {

std::string trial_state_name(TrialState state) {
  switch (state) {
    case TrialState::kRunning: return "RUNNING";
    case TrialState::kStopped: return "STOPPED";
    case TrialState::kComplete: return "COMPLETE";
    case TrialState::kInfeasible: return "INFEASIBLE";
    case TrialState::kFailed: return "FAIL";
  }
  return "?";
}

bool has_accuracy(const Trial& trial) {
  switch (trial.state) {
    case TrialState::kRunning:
    case TrialState::kFailed: return false;
    case TrialState::kStopped:
    case TrialState::kComplete: return true;
    case TrialState::kInfeasible: return trial.metrics.windows > 0;
  }
  return false;
}

}  // namespace bitwright

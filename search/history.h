// search/history.h: how the front of a study grew, trial by trial. A function of the results and what the study
// asks for; nothing of it is stored.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/study.h"
#include "core/trial.h"
#include "search/pareto.h"

namespace bitwright {

// The box that hypervolumes are shares of goes from nothing to this. Of the error: what the accuracy floor leaves, 1
// without one. Of an objective with a limit: a tenth beyond the limit. Of another: a tenth beyond the most that one of
// the first kReferenceTrials complete trials takes; further trials do not move it. Empty before the first complete
// trial, where it is needed.
inline constexpr int kReferenceTrials = 10;
ObjectiveVector history_reference(const std::vector<Trial>& results, const Study& study);

struct HistoryRow {
  int64_t sequence = 0;  // of results, from 0
  int64_t number = 0;    // of the trial
  TrialState state = TrialState::kComplete;
  double elapsed_seconds = 0.0;           // wall time since the first trial began, pauses of the search included
  double train_seconds = 0.0;             // CPU, of all trials up to here
  std::optional<double> best_accuracy{};  // so far
  int64_t front_size = 0;
  double hypervolume = 0.0;  // 0..1: share of the box that the front dominates
};

// results: TrialStore::results(), a row each. first_start_us: when the study's first trial began, finished or not.
std::vector<HistoryRow> study_history(const std::vector<Trial>& results, const Study& study, int64_t first_start_us);

}  // namespace bitwright

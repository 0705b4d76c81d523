// experiments/search_outcome.h: how a search ended, in words and as an exit code; and what is below its accuracy floor.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/error.h"
#include "core/study.h"
#include "core/trial.h"
#include "search/run_study.h"

namespace bitwright {

// "all trials done", "stopped; the same command goes on", ...
// finish: SearchRequest::finish.
std::string reason_text(StopReason reason, bool finish = false);
// Nothing is left to do unless more is asked for: the front is final.
bool is_final(StopReason reason);

// Trials were trained, and none is as accurate as limits.accuracy asks for.
bool misses_floor(const Study& study, const StudyProgress& progress);
// That none is, so far where the same command goes on, and which is nearest. Of a study that misses_floor().
std::string floor_text(const Study& study, const StudyOutcome& outcome);

// Trials were trained, and the package of each breaks a limit.
bool nothing_fits_as_measured(const StudyProgress& progress);
// Of the trials of such a study: the one nearest to its limits, and by how much it misses them.
const Trial& nearest_as_measured(const std::vector<Trial>& trials);
std::string nothing_fits_text(const StudyOutcome& outcome, const Trial& nearest);

// kNothingFits where nothing fits, as estimated or as measured, or nothing reaches the floor, though not of a search
// that was stopped: it is resumable, as is one whose time was over before it found a candidate to train.
ExitCode exit_code(const Study& study, const StudyOutcome& outcome);

// That a trained trial is no point of the front, since it is less accurate than the floor; empty where it is not.
std::string below_floor_text(const Study& study, const Trial& trial);

}  // namespace bitwright

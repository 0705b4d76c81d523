// experiments/trial_list.h: all trials of a study, for people, scripts, spreadsheets and Optuna.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/study.h"
#include "core/trial.h"

namespace bitwright {

// A line a trial: state, validation accuracy, objectives, CPU time and where it came from.
std::string render_trials(const std::vector<Trial>& trials, const Study& study);

// With a line of titles: parameters by name (empty where inactive), "estimate." and "validation." figures in the store's
// units, times as ISO 8601 in UTC. Networks, layers and epochs are left out.
std::string trials_csv(const std::vector<Trial>& trials, const Study& study);

// The same, an object a line.
std::string trials_json_lines(const std::vector<Trial>& trials);

// A log for Optuna's JournalFileStorage: the study and its trials, epochs as intermediate values, the figures as user
// attributes. Objectives are minimised, the error first. A trial that stopped at a rung is PRUNED, one that was found
// not to fit FAIL.
std::string trials_optuna_journal(const std::vector<Trial>& trials, const Study& study);

}  // namespace bitwright

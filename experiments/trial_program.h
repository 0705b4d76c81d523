// experiments/trial_program.h: the program bitwright-trial, around what it does with a spec. Tests give it a trial that
// comes to grief.
//
//   bitwright-trial SPEC --out DIR    one trial: DIR/result.json
//   bitwright-trial --batch DIR...    for each that has no DIR/result.json yet: DIR/spec.json to DIR/result.json
//   bitwright-trial --serve           lines `SPEC<tab>DIR` on stdin; on stdout `epoch JSON` and `warning TEXT` lines,
//                                     `life` every few seconds and, once the result is published, `done`
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "experiments/run_trial.h"

namespace bitwright {

using RunTrial = std::function<TrialReport(const TrialSpec&, DataCache&, const TrialHooks&)>;

// Returns the exit code of the program, core/error.h.
int trial_program(int argc, char** argv, const RunTrial& run_trial);

}  // namespace bitwright

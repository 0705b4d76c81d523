// experiments/measure_trial.h: what the package of a trained network takes on the boards of its study: flash and RAM as
// linked, in the emulator also latency and energy, with the waits for the board's flash.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/store/trial_store.h"
#include "core/study.h"
#include "search/measurement.h"

namespace bitwright {

// Throws ConfigError where a board of the study cannot be measured on, ToolError where a program is missing.
void check_can_measure(const Study& study);

// Takes some seconds a board. artifacts: with the trained model. Average power is that of the study's duty cycle.
Measurement measure_trial(const Study& study, const Trial& trial, const std::vector<Artifact>& artifacts);

}  // namespace bitwright

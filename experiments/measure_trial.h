// experiments/measure_trial.h: what the package of a trained network takes on the boards of its study: flash and RAM as
// linked, in the emulator also latency and energy, with the waits for the board's flash.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/store/trial_store.h"
#include "core/study.h"
#include "search/measurement.h"

namespace bitwright {

// Why packages cannot be measured as search.measure asks for, in a line; empty where they can be, or need not: what
// comes of a network of one layer that is built, and run, for every board of the study. Takes as long as a measurement.
std::string why_not_measurable(const Study& study);
// Throws ConfigError that says why.
void check_can_measure(const Study& study);

// Takes some seconds a board. artifacts: with the trained model. Average power is that of the study's duty cycle.
// What goes wrong twice is the candidate's own failure, unless packages cannot be measured at all: then throws
// StoreError that says why.
Measurement measure_trial(const Study& study, const Trial& trial, const std::vector<Artifact>& artifacts);

}  // namespace bitwright

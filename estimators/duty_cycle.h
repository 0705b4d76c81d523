// estimators/duty_cycle.h: average power and battery life of a network that runs so many times an hour and sleeps in
// between.
//
//   active share    n L / 3600 s                          L: latency, n: inferences an hour
//   average power   n E / 3600 s + I_sleep V (1 - active share)       E: energy of an inference
//   battery life    battery / (average power / V)         mAh at the board's supply voltage V
//
// Not in them: waking up and going to sleep, the sensor and what reads it, the radio, losses of a regulator, the
// battery's self-discharge and its voltage as it empties. Real lives are shorter.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/board.h"
#include "core/estimates.h"

namespace bitwright {

// What the figures leave out, in words for people.
inline constexpr const char* kDutyCycleOmits =
    "waking up, sensor, radio, regulator losses and the battery's self-discharge are not counted";

// Share of time in which the core computes; above 1 where so many inferences do not fit an hour.
double active_share(double latency_us, const DutyCycle& duty);

// uW; asleep in what time the inferences leave. 0 without a duty cycle, or where energy or sleep current is unknown.
double average_power_uw(const Estimates& estimates, const Board& board, const DutyCycle& duty);

// Hours; 0 where there is no battery or no power.
double battery_hours(double average_power_uw, const Board& board, const DutyCycle& duty);

}  // namespace bitwright

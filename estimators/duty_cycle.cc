// SPDX-License-Identifier: Apache-2.0
#include "estimators/duty_cycle.h"

#include <algorithm>

namespace bitwright {
namespace {

constexpr double kSecondsPerHour = 3600.0;

}  // namespace

double active_share(double latency_us, const DutyCycle& duty) {
  return duty.inferences_per_hour * latency_us * 1e-6 / kSecondsPerHour;
}

double average_power_uw(const Estimates& estimates, const Board& board, const DutyCycle& duty) {
  const double asleep = asleep_uw(board, duty);
  if (!duty.given() || estimates.energy_uj <= 0 || asleep <= 0) return 0.0;
  const double asleep_share = std::max(0.0, 1.0 - active_share(estimates.latency_us, duty));
  return estimates.energy_uj * duty.inferences_per_hour / kSecondsPerHour + asleep * asleep_share;
}

double battery_hours(double average_power_uw, const Board& board, const DutyCycle& duty) {
  if (average_power_uw <= 0) return 0.0;
  const double battery_uwh = duty.battery_mah * 1000.0 * board.supply_v;
  return battery_uwh / average_power_uw;
}

}  // namespace bitwright

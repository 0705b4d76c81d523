// SPDX-License-Identifier: Apache-2.0
#include "estimators/duty_cycle.h"

#include <gtest/gtest.h>

#include "estimators/worst_board.h"

namespace bitwright {
namespace {

Board board() {
  Board b;
  b.supply_v = 3.0;
  b.current_ua_per_mhz = 100;
  b.sleep_current_ua = 2.0;
  return b;
}

Estimates of(double latency_us, double energy_uj) {
  Estimates e;
  e.latency_us = latency_us;
  e.energy_uj = energy_uj;
  return e;
}

// Once a second 50 uJ in 10 ms: 50 uW awake, and 2 uA x 3 V = 6 uW in 0.99 of the time: 55.94 uW.
TEST(DutyCycle, IsAwakeForItsInferencesAndAsleepForTheRest) {
  const DutyCycle duty{.inferences_per_hour = 3600};
  EXPECT_DOUBLE_EQ(active_share(10'000, duty), 0.01);
  EXPECT_DOUBLE_EQ(average_power_uw(of(10'000, 50), board(), duty), 55.94);
}

// Ten times an hour: 10 x 50 uJ / 3600 s = 0.13889 uW; asleep 6 uW x (1 - 0.1 s / 3600 s) = 5.99983 uW.
TEST(DutyCycle, SleepsNearlyAlwaysWhereItRunsSeldom) {
  EXPECT_NEAR(average_power_uw(of(10'000, 50), board(), {.inferences_per_hour = 10}), 6.13872, 1e-5);
}

TEST(DutyCycle, TakesTheStudysSleepCurrent) {
  const DutyCycle duty{.inferences_per_hour = 3600, .sleep_current_ua = 20};
  EXPECT_DOUBLE_EQ(average_power_uw(of(10'000, 50), board(), duty), 50 + 60 * 0.99);
}

TEST(DutyCycle, NeverSleepsWhereInferencesFillTheHour) {
  EXPECT_DOUBLE_EQ(average_power_uw(of(2e6, 50), board(), {.inferences_per_hour = 3600}), 50.0);
  EXPECT_DOUBLE_EQ(active_share(2e6, {.inferences_per_hour = 3600}), 2.0);
}

TEST(DutyCycle, IsUnknownWhereAFigureIs) {
  const DutyCycle duty{.inferences_per_hour = 3600};
  Board silent = board();
  silent.sleep_current_ua = 0;
  EXPECT_EQ(average_power_uw(of(10'000, 50), silent, duty), 0.0);
  EXPECT_EQ(average_power_uw(of(10'000, 0), board(), duty), 0.0);
  EXPECT_EQ(average_power_uw(of(10'000, 50), board(), {}), 0.0);
}

// 220 mAh at 3 V are 660 mWh; at 55 uW, 12000 hours.
TEST(Battery, LastsItsEnergyOverTheAveragePower) {
  EXPECT_NEAR(battery_hours(55, board(), {.inferences_per_hour = 3600, .battery_mah = 220}), 12'000, 1e-9);
  EXPECT_EQ(battery_hours(0, board(), {.inferences_per_hour = 3600, .battery_mah = 220}), 0.0);
  EXPECT_EQ(battery_hours(55, board(), {.inferences_per_hour = 3600}), 0.0);
}

TEST(WorstBoard, TakesEachQuantityFromTheBoardThatIsWorstInIt) {
  Estimates small = of(/*latency_us=*/900, /*energy_uj=*/4), fast = of(300, 9);
  small.flash_bytes = 4000, small.code_bytes = 3000, small.constant_bytes = 1000;
  fast.flash_bytes = 5000, fast.code_bytes = 4000, fast.constant_bytes = 1000;
  small.ram_bytes = 700, small.arena_bytes = 500, small.stack_bytes = 200;
  fast.ram_bytes = 600, fast.arena_bytes = 500, fast.stack_bytes = 100;
  small.average_power_uw = 1, fast.average_power_uw = 2;
  small.cycles = 9, fast.cycles = 30;  // of a faster clock
  const Estimates worst = worst_board({small, fast});
  EXPECT_EQ(worst.flash_bytes, 5000);
  EXPECT_EQ(worst.code_bytes, 4000);
  EXPECT_EQ(worst.ram_bytes, 700);
  EXPECT_EQ(worst.stack_bytes, 200);
  EXPECT_EQ(worst.latency_us, 900);
  EXPECT_EQ(worst.cycles, 9);
  EXPECT_EQ(worst.energy_uj, 9);
  EXPECT_EQ(worst.average_power_uw, 2);
  ASSERT_EQ(worst.boards.size(), 2u);
  EXPECT_EQ(worst.boards[1].flash_bytes, 5000);
}

TEST(WorstBoard, DoesNotGuessTheEnergyOfABoardWithoutACurrent) {
  EXPECT_EQ(worst_board({of(900, 4), of(300, 0)}).energy_uj, 0.0);
}

TEST(WorstBoard, OfOneBoardIsItsOwn) {
  EXPECT_TRUE(worst_board({of(900, 4)}).boards.empty());
  EXPECT_EQ(worst_board({of(900, 4)}).latency_us, 900);
}

}  // namespace
}  // namespace bitwright

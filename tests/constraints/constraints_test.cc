// SPDX-License-Identifier: Apache-2.0
#include "constraints/constraints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bitwright {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

Board board() {
  Board b;
  b.name = "test-board";
  b.core = "cortex-m4";
  b.clock_hz = 100'000'000;
  b.flash_bytes = 512 * 1024;
  b.ram = {{"sram1", 96 * 1024}, {"sram2", 32 * 1024}};
  b.supply_v = 3.3;
  b.current_ua_per_mhz = 100;
  return b;
}

Network dense_network(int units, int layers = 1) {
  Network n;
  n.input = {1, 1, 8};
  for (int i = 0; i < layers; ++i) {
    LayerSpec layer;
    layer.name = "dense" + std::to_string(i);
    layer.op = Dense{units};
    layer.activations = i + 1 < layers ? Format::kInt8 : Format::kAccumulator;
    append(n, layer);
  }
  return n;
}

std::string only_message(const std::vector<Violation>& violations) {
  return violations.size() == 1 ? violations[0].message : std::to_string(violations.size()) + " violations";
}

TEST(CheckStructure, ANetworkThatClosesBreaksNothing) {
  EXPECT_THAT(check_structure(dense_network(4)), IsEmpty());
}

TEST(CheckStructure, ShapesThatDoNotCloseAreNamedWithTheirLayer) {
  Network n = dense_network(4);
  n.input = {2, 1, 8};  // Dense wants a flat input
  const auto violations = check_structure(n);
  ASSERT_THAT(violations, SizeIs(1));
  EXPECT_EQ(violations[0].rule, "structure");
  EXPECT_THAT(violations[0].message, ::testing::HasSubstr("dense0"));
}

TEST(CheckStructure, CountsLayers) {
  EXPECT_THAT(check_structure(dense_network(4, 64)), IsEmpty());
  EXPECT_EQ(only_message(check_structure(dense_network(4, 65))), "65 layers exceed the limit of 64 by 1");
  EXPECT_EQ(only_message(check_structure(Network{})), "network network: at least one layer");
}

TEST(CheckStructure, AWindowTooLargeForTheDescriptorHasNoKernel) {
  Network n;
  n.input = {70000, 1, 1};
  n.input_format = Format::kBinary;
  LayerSpec layer;
  layer.name = "long";
  layer.op = MaxPool2d{{70000, 1, 1, 1}};
  append(n, layer);
  const auto violations = check_structure(n);
  ASSERT_THAT(violations, SizeIs(1));
  EXPECT_EQ(violations[0].rule, "kernel");
}

TEST(CheckBudgets, SaysHowMuchFlashIsTooMuch) {
  Estimates e;
  e.flash_bytes = 42291;  // 41.3 KiB
  Limits limits;
  limits.flash_bytes = 32 * 1024;
  const auto violations = check_budgets(e, limits, board());
  EXPECT_EQ(only_message(violations), "flash 41.3 KiB exceeds the limit of 32 KiB by 9.3 KiB");
  EXPECT_EQ(violations[0].rule, "flash");
  EXPECT_EQ(violations[0].value, 42291);
  EXPECT_EQ(violations[0].limit, 32768);
}

TEST(CheckBudgets, ALimitThatIsJustMetHolds) {
  Estimates e;
  e.flash_bytes = 32768;
  e.ram_bytes = 500;
  e.latency_us = 10;
  Limits limits;
  limits.flash_bytes = 32768;
  limits.ram_bytes = 500;
  limits.latency_us = 10;
  EXPECT_THAT(check_budgets(e, limits, board()), IsEmpty());
}

TEST(CheckBudgets, TheBoardIsALimitOfItsOwn) {
  Estimates e;
  e.flash_bytes = 600 * 1024;
  EXPECT_EQ(only_message(check_budgets(e, {}, board())),
            "flash 600 KiB exceeds the 512 KiB of test-board's flash by 88 KiB");
}

TEST(CheckBudgets, ArenaAndStackMustFitTheFirstBank) {
  Estimates e;
  e.ram_bytes = 100 * 1024;  // less than both banks together
  EXPECT_EQ(only_message(check_budgets(e, {}, board())),
            "ram 100 KiB exceeds the 96 KiB of test-board's sram1 by 4 KiB");
}

TEST(CheckBudgets, ProgramAndDataMustFitTheMemoryThatTheyShare) {
  Board sensor = board();
  sensor.flash_bytes = sensor.shared_memory_bytes = 40 * 1024;
  sensor.ram = {{"memory", 40 * 1024}};
  Estimates e;
  e.flash_bytes = 30 * 1024;
  e.ram_bytes = 10 * 1024;
  EXPECT_THAT(check_budgets(e, {}, sensor), IsEmpty());
  e.ram_bytes += 512;
  const auto violations = check_budgets(e, {}, sensor);
  EXPECT_EQ(only_message(violations),
            "memory 40.5 KiB exceeds the 40 KiB of test-board's memory for program and data by 512 B");
  EXPECT_EQ(violations[0].rule, "memory");
  EXPECT_EQ(violations[0].value, 40.5 * 1024);
  EXPECT_EQ(violations[0].limit, 40 * 1024);
}

TEST(CheckBudgets, NamesLatencyEnergyAndMacsInTheirUnits) {
  Estimates e;
  e.latency_us = 12500;
  e.energy_uj = 80.25;
  e.macs = 1'200'000;
  Limits limits;
  limits.latency_us = 10000;
  limits.energy_uj = 50;
  limits.macs = 1'000'000;
  const auto violations = check_budgets(e, limits, board());
  ASSERT_THAT(violations, SizeIs(3));
  EXPECT_EQ(violations[0].message, "latency 12.5 ms exceeds the limit of 10 ms by 2.5 ms");
  EXPECT_EQ(violations[1].message, "energy 80.2 uJ exceeds the limit of 50 uJ by 30.2 uJ");
  EXPECT_EQ(violations[2].message, "macs 1200000 exceeds the limit of 1000000 by 200000");
}

TEST(CheckBudgets, AnEnergyLimitNeedsABoardWithACurrent) {
  Board silent = board();
  silent.current_ua_per_mhz = 0;
  Limits limits;
  limits.energy_uj = 50;
  EXPECT_EQ(only_message(check_budgets({}, limits, silent)),
            "energy: board test-board gives no current, so a limit of 50 uJ cannot be checked");
  silent.supply_v = 0;
  EXPECT_EQ(only_message(check_budgets({}, limits, silent)),
            "energy: board test-board gives no supply, current, so a limit of 50 uJ cannot be checked");
}

TEST(CheckBudgets, SmallAmountsAreInBytes) {
  Estimates e;
  e.ram_bytes = 1000;
  Limits limits;
  limits.ram_bytes = 900;
  EXPECT_EQ(only_message(check_budgets(e, limits, board())), "ram 1000 B exceeds the limit of 900 B by 100 B");
}

TEST(CheckBudgets, ALimitThatIsAPartOfTheBoardsSaysSo) {
  Estimates e;
  e.ram_bytes = 24 * 1024;
  Limits limits;
  limits.ram_bytes = 20 * 1024;
  limits.ram_of_bytes = 96 * 1024;
  EXPECT_EQ(only_message(check_budgets(e, limits, board())),
            "ram 24 KiB exceeds the limit of 20 KiB of 96 KiB by 4 KiB");
}

TEST(CheckBudgets, CountsParameters) {
  Estimates e;
  e.parameters = 1200;
  Limits limits;
  limits.params = 1000;
  const auto violations = check_budgets(e, limits, board());
  EXPECT_EQ(only_message(violations), "params 1200 exceeds the limit of 1000 by 200");
  EXPECT_EQ(violations[0].rule, "params");
  e.parameters = 1000;
  EXPECT_THAT(check_budgets(e, limits, board()), IsEmpty());
}

TEST(CheckBudgets, HoldsAveragePowerAgainstItsLimit) {
  Estimates e;
  e.average_power_uw = 1250;
  Limits limits;
  limits.average_power_uw = 1000;
  const DutyCycle duty{.inferences_per_hour = 3600};
  const auto violations = check_budgets(e, limits, board(), duty);
  EXPECT_EQ(only_message(violations), "average_power 1.2 mW exceeds the limit of 1 mW by 250 uW");
  EXPECT_EQ(violations[0].rule, "average_power");
  e.average_power_uw = 0;
  EXPECT_EQ(only_message(check_budgets(e, limits, board(), duty)),
            "average_power: board test-board gives no sleep_current, so a limit of 1 mW cannot be checked");
}

TEST(CheckBudgets, TheInferencesOfADutyCycleMustFitAnHour) {
  Estimates e;
  e.latency_us = 1'500'000;
  const auto violations = check_budgets(e, {}, board(), {.inferences_per_hour = 3600});
  EXPECT_EQ(only_message(violations),
            "duty_cycle: latency 1500 ms exceeds the 1000 ms that each of 3600 inferences an hour has by 500 ms");
  EXPECT_EQ(violations[0].rule, "duty_cycle");
  EXPECT_EQ(violations[0].value, 1.5e6);
  EXPECT_EQ(violations[0].limit, 1e6);
  e.latency_us = 1'000'000;
  EXPECT_THAT(check_budgets(e, {}, board(), {.inferences_per_hour = 3600}), IsEmpty());
}

// ---- several boards ----

TEST(CheckBudgets, OfSeveralBoardsEachIsCheckedWithItsOwnFiguresAndNamed) {
  Board small = board();
  small.name = "small-board";
  small.flash_bytes = 64 * 1024;
  Estimates on_first, on_small, worst;
  on_first.flash_bytes = 80 * 1024;
  on_small.flash_bytes = 72 * 1024;
  worst = on_first;
  worst.boards = {on_first, on_small};
  const auto violations = check_budgets(worst, {}, std::vector<Board>{board(), small});
  EXPECT_EQ(only_message(violations), "small-board: flash 72 KiB exceeds the 64 KiB of small-board's flash by 8 KiB");
  EXPECT_EQ(violations[0].rule, "flash");
}

TEST(CheckBudgets, OfOneBoardMessagesAreAsEver) {
  Estimates e;
  e.flash_bytes = 600 * 1024;
  EXPECT_EQ(only_message(check_budgets(e, {}, std::vector<Board>{board()})),
            "flash 600 KiB exceeds the 512 KiB of test-board's flash by 88 KiB");
}

TEST(CheckBudgets, AmountsThatWouldReadAlikeAreWrittenOut) {
  Board board;
  Limits limits;
  limits.flash_bytes = 20 << 10;
  limits.latency_us = 2000.0;
  Estimates e;
  e.flash_bytes = (20 << 10) + 13;
  e.latency_us = 2000.25;
  const auto broken = check_budgets(e, limits, board);
  ASSERT_EQ(broken.size(), 2u);
  EXPECT_EQ(broken[0].message, "flash 20493 B exceeds the limit of 20480 B by 13 B");
  EXPECT_EQ(broken[1].message, "latency 2000.25 us exceeds the limit of 2000 us by 0.2 us");
}

TEST(AmountTexts, AreShortWhereThatTellsThemApart) {
  EXPECT_EQ(amount_texts("ram", {2048, 3000, 2048}), (std::vector<std::string>{"2 KiB", "2.9 KiB", "2 KiB"}));
  EXPECT_EQ(amount_texts("ram", {2048, 2050}), (std::vector<std::string>{"2048 B", "2050 B"}));
}

TEST(WorstByRule, KeepsTheLargestOvershootOfEachRule) {
  const std::vector<Violation> worst = worst_by_rule({{"flash", 110, 100, "a: flash"},
                                                      {"ram", 300, 100, "a: ram"},
                                                      {"flash", 90, 60, "b: flash"},
                                                      {"ram", 200, 100, "b: ram"}});
  ASSERT_THAT(worst, SizeIs(2));
  EXPECT_EQ(worst[0].message, "b: flash");
  EXPECT_EQ(worst[1].message, "a: ram");
}

}  // namespace
}  // namespace bitwright

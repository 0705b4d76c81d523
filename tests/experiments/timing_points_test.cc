// The timing tables against speeds that others published for silicon: no constant was fitted to them.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "experiments/timing_points/validation.h"

namespace bitwright {
namespace {

TEST(TimingPoints, TheTablesAreWithinTheirLimitsOnTheTwelvePublicPoints) {
  std::vector<PointError> errors;
  for (const TimingPoint& point : published_points()) errors.push_back(point_error(point));
  ASSERT_EQ(errors.size(), 12u);
  const ErrorSummary s = summarize(errors);
  EXPECT_LE(s.mean_absolute, 0.07) << errors_text(errors);
  EXPECT_LE(s.worst_absolute, 0.14) << errors_text(errors);
  EXPECT_GE(s.rank_correlation, 0.97) << errors_text(errors);
}

TEST(TimingPoints, OfOneBoardKeepTheirOrder) {
  std::vector<PointError> errors;
  for (const TimingPoint& point : published_points())
    if (point.core == "cortex-m4") errors.push_back(point_error(point));
  ASSERT_EQ(errors.size(), 8u);
  EXPECT_GE(summarize(errors).rank_correlation, 0.97) << errors_text(errors);
}

TEST(TimingPoints, LeaveOutLessThanAThousandthOfTheCycles) {
  for (const TimingPoint& point : published_points())
    EXPECT_LE(point.omitted_cycles, 0.001 * point_error(point).core_cycles) << point.name;
}

Stretch stretch(double executions, std::vector<Instruction> instructions) {
  return {std::move(instructions), executions, 0.0, false};
}

// A load into one register and a shift of it.
std::vector<Instruction> load_and_shift(int target, int address) {
  Instruction load = decode(0x8000, 2, "ldr", fmt::format("r{}, [r{}, #0]", target, address));
  Instruction shift = decode(0x8002, 2, "lsls", fmt::format("r{0}, r{0}, #1", target));
  return {load, shift};
}

TEST(TimingPoint, EqualStretchesInOtherRegistersAreOne) {
  const std::vector<Stretch> merged =
      anonymous({stretch(3, load_and_shift(0, 1)), stretch(4, load_and_shift(6, 2)), stretch(5, load_and_shift(2, 2))});
  ASSERT_EQ(merged.size(), 2u);  // the third loads into its own address
  EXPECT_EQ(merged[0].executions + merged[1].executions, 12);
  EXPECT_EQ(merged[0].instructions[0].address, 0u);
  EXPECT_EQ(count("cortex-m4", merged).cycles, 12 * 3);
}

TimingPoint small_point() {
  TimingPoint point;
  point.name = "small";
  point.board = "a board";
  point.core = "cortex-m4";
  point.source = "a table";
  point.program = "a loop";
  point.clock_hz = 120;
  point.inferences_per_s = 2;
  point.flash = FlashModel{5, 8, {128, 8, 0}, {32, 8, 0}, true};
  point.memory = {1, 2, 3, 4, 5};
  point.stretches = anonymous({stretch(19, load_and_shift(0, 1)), stretch(1, {decode(0, 2, "nop", "")})});
  return point;
}

TEST(TimingPoint, IsReadAsItWasWritten) {
  const TimingPoint point = small_point();
  const TimingPoint read = parse_timing_point(timing_point_text(point), "p.txt");
  EXPECT_EQ(timing_point_text(read), timing_point_text(point));
  // 19 times a load and a shift, a nop; three misses of data, one of instructions, five unaligned.
  EXPECT_EQ(point_error(read).core_cycles, 19 * 3 + 1);
  EXPECT_EQ(point_error(read).stall_cycles, 5 * (1 + 3) + 5);
  EXPECT_EQ(point_error(read).silicon_cycles, 60);
}

TEST(TimingPoint, WhatIsLeftOutIsStillCounted) {
  TimingPoint point = small_point();
  shorten(point, 0.02);
  EXPECT_EQ(point.stretches.size(), 1u);
  EXPECT_EQ(point.omitted_stretches, 1);
  EXPECT_EQ(point_error(point).instructions, 19 * 2 + 1);
  EXPECT_EQ(point_error(point).core_cycles, 19 * 3 + 1);
}

TEST(TimingPoint, RefusesWhatItCannotReadNamingTheLine) {
  const auto message = [](const std::string& text) {
    try {
      parse_timing_point(text, "p.txt");
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(message("name a\nspeed 3\n"), "p.txt:2: `speed 3`: no such key");
  EXPECT_EQ(message("clock_hz fast\n"), "p.txt:1: `clock_hz fast`: a number is missing");
  EXPECT_THAT(message("i alu 2 1 2 0 0 1 0\ns 3 0 0 1\n"), testing::StartsWith("p.txt:2: `s 3 0 0 1`: "));
  EXPECT_EQ(message("core cortex-m4\n"), "p.txt: core, clock_hz and inferences_per_s are needed");
}

}  // namespace
}  // namespace bitwright

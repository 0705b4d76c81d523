// SPDX-License-Identifier: Apache-2.0
#include "deploy/flash_model.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace bitwright {
namespace {

// STM32L4 at 120 MHz: 1 KiB of instructions and 256 bytes of data in granules of eight bytes.
constexpr FlashModel kL4 = {5, 8, {128, 8, 0}, {32, 8, 0}, true};

TEST(FlashModel, AMissWaitsAndPrefetchHidesTheNextLine) {
  const MemoryCounts counts = {10, 100, 1000, 5000, 0};
  EXPECT_EQ(stall_cycles(kL4, "cortex-m4", counts), 5 * (10 + 1000));
  FlashModel without = kL4;
  without.prefetch = false;
  EXPECT_EQ(stall_cycles(without, "cortex-m4", counts), 5 * (10 + 100 + 1000));
}

TEST(FlashModel, ALineOfSeveralReadsWaitsForEach) {
  const FlashModel wide = {4, 8, {8, 32, 0}, {}, false};
  EXPECT_EQ(stall_cycles(wide, "cortex-m7", {1, 0, 0, 0, 0}), 16);
  EXPECT_EQ(stall_cycles(wide, "cortex-m7", {0, 0, 1, 1, 0}), 4);  // no buffer of data: one read
}

TEST(FlashModel, AnUnalignedAccessCostsWhereItIsSplit) {
  const MemoryCounts counts = {0, 0, 0, 0, 7};
  EXPECT_EQ(stall_cycles(kL4, "cortex-m3", counts), 7);
  EXPECT_EQ(stall_cycles(kL4, "cortex-m4", counts), 7);
  EXPECT_EQ(stall_cycles(kL4, "cortex-m7", counts), 0);
}

TEST(FlashModel, WithoutWaitStatesNothingStalls) {
  FlashModel fast = kL4;
  fast.wait_states = 0;
  EXPECT_EQ(stall_cycles(fast, "cortex-m4", {1, 2, 3, 4, 0}), 0);
}

TEST(FlashModel, RefusesBuffersThatNoHardwareHas) {
  EXPECT_NO_THROW(validate(kL4));
  EXPECT_NO_THROW(validate(FlashModel{7, 32, {512, 32, 2}, {512, 32, 4}, false}));
  EXPECT_THROW(validate(FlashModel{-1}), std::invalid_argument);
  EXPECT_THROW(validate(FlashModel{1, 12}), std::invalid_argument);
  EXPECT_THROW(validate(FlashModel{1, 8, {4, 24, 0}}), std::invalid_argument);
  EXPECT_THROW(validate(FlashModel{1, 8, {4, 8, 3}}), std::invalid_argument);
  EXPECT_THROW(validate(FlashModel{1, 8, {}, {-1, 8, 0}}), std::invalid_argument);
}

// What a board's file does not say is absent.
TEST(FlashModel, OfABoardHasItsWaitStates) {
  Board board;
  board.flash_wait_states = 3;
  const FlashModel flash = flash_model(board);
  EXPECT_EQ(flash.wait_states, 3);
  EXPECT_EQ(flash.data.lines, 0);
  EXPECT_FALSE(flash.prefetch);
}

}  // namespace
}  // namespace bitwright

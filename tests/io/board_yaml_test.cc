// SPDX-License-Identifier: Apache-2.0
#include "core/io/board_yaml.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/embedded.h"
#include "core/error.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

const std::string kBoard = R"(name: b
title: A board
mcu: STM32L476RG
core: cortex-m4
clock: 80 MHz
flash: 1024 KiB
ram:
  - {name: sram1, size: 96 KiB}
  - {name: sram2, size: 32 KiB}
ram_total: 128 KiB
flash_wait_states: 4
sources:
  clock: "ST DS10198, features"
  flash: "ST DS10198, features"
  ram: "ST RM0351, memory organization"
  ram_total: "ST DS10198, title"
  flash_wait_states: "ST RM0351, number of wait states"
)";

// kBoard with a piece replaced.
std::string board_with(const std::string& piece, const std::string& other) {
  std::string text = kBoard;
  const size_t at = text.find(piece);
  EXPECT_NE(at, std::string::npos) << piece;
  return text.replace(at, piece.size(), other);
}

std::string error_in(const std::string& text) {
  return error_of<ConfigError>([&] { board_from_yaml(text, "b.yaml"); });
}

std::string shipped(const std::string& name) {
  return std::string(*embedded_file("configs/boards/" + name + ".yaml"));
}

// ---- the files that we ship ----

TEST(ShippedBoards, EveryOneReadsAndHasItsFilesName) {
  for (const std::string& name : board_names()) EXPECT_EQ(load_board(name).name, name);
}

TEST(ShippedBoards, HoldTwentyOfStAndOneOfEachOfItsFamilies) {
  std::map<std::string, int> families;  // "STM32F4" -> boards
  int st = 0;
  for (const std::string& name : board_names()) {
    const std::string mcu = load_board(name).mcu;
    if (!mcu.starts_with("STM32")) continue;
    ++st;
    ++families[mcu.substr(0, 7)];
  }
  EXPECT_GE(st, 20);
  for (const char* family : {"STM32F0", "STM32F1", "STM32F3", "STM32F4", "STM32F7", "STM32G0", "STM32G4", "STM32H5",
                             "STM32H7", "STM32L0", "STM32L4", "STM32L5", "STM32U0", "STM32U5", "STM32WB", "STM32WL"})
    EXPECT_GE(families[family], 1) << family;
}

TEST(ShippedBoards, SayWhereTheirCoreIsFrom) {
  for (const std::string& name : board_names()) EXPECT_TRUE(load_board(name).sources.contains("core")) << name;
}

// Of `field`'s own line, the place of a mistake: "b.yaml:7:1: ".
std::string place_in(const std::string& text, const std::string& field) {
  const size_t at = text.find("\n" + field + ":") + 1;
  return fmt::format(
      "b.yaml:{}:1: {} = ", std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1, field);
}

TEST(ShippedBoards, NoneIsReadWithoutTheSourceOfANumber) {
  for (const std::string& name : board_names())
    for (const auto& [field, source] : load_board(name).sources) {
      if (field == "core" || field == "regulator") continue;  // no numbers
      std::string text = shipped(name);
      const size_t at = text.find("\n  " + field + ": \"");
      ASSERT_NE(at, std::string::npos) << name << ": " << field;
      text.erase(at, text.find('\n', at + 1) - at);
      const std::string error = error_in(text);
      EXPECT_THAT(error, testing::StartsWith(place_in(text, field))) << name;
      EXPECT_THAT(error, testing::EndsWith(": no source; sources." + field + " names the document and the place"));
      EXPECT_EQ(std::count(error.begin(), error.end(), '\n'), 0) << error;
    }
}

// ---- files of one's own ----

TEST(LoadBoard, ReadsAFile) {
  const TempFolder folder;
  EXPECT_EQ(load_board(folder.write("b.yaml", kBoard)).clock_hz, 80'000'000);
}

TEST(LoadBoard, ReadsTheWayFromFlash) {
  const Board board = load_board("nucleo-f411re");
  EXPECT_EQ(board.flash_read_bits, 128);
  EXPECT_EQ(board.instruction_cache.bytes(), 1024);
  EXPECT_EQ(board.data_cache.bytes(), 128);
  EXPECT_TRUE(board.prefetch);
}

TEST(LoadBoard, SuggestsTheNameThatWasMeant) {
  EXPECT_THAT(error_of<ConfigError>([] { load_board("nucleo-f411er"); }),
              testing::StartsWith("board nucleo-f411er: unknown, did you mean \"nucleo-f411re\"? (known: "));
}

TEST(BrokenBoard, AWrongUnit) {
  EXPECT_EQ(error_in(board_with("80 MHz", "80 MiB")),
            "b.yaml:5:1: clock = 80 MiB: a number with a unit of Hz, kHz, MHz");
}

TEST(BrokenBoard, ANegativeClock) {
  EXPECT_EQ(error_in(board_with("80 MHz", "-80 MHz")), "b.yaml:5:1: clock = -80 MHz: above 0");
}

TEST(BrokenBoard, AMissingSource) {
  EXPECT_EQ(error_in(board_with("  clock: \"ST DS10198, features\"\n", "")),
            "b.yaml:5:1: clock = 80 MHz: no source; sources.clock names the document and the place");
}

TEST(BrokenBoard, AnEmptySourceIsNone) {
  for (const std::string source : {"\"\"", "\" \""})
    EXPECT_EQ(error_in(board_with("\"ST DS10198, title\"", source)),
              "b.yaml:10:1: ram_total = 128 KiB: no source; sources.ram_total names the document and the place");
}

TEST(BrokenBoard, ABankLargerThanThePart) {
  EXPECT_EQ(error_in(board_with("96 KiB", "256 KiB")),
            "b.yaml:8:19: ram[0].size = 256 KiB: more than the part has: ram_total is 131072 B");
}

TEST(BrokenBoard, BanksLargerThanThePartTogether) {
  EXPECT_EQ(error_in(board_with("32 KiB", "64 KiB")),
            "b.yaml:7:1: ram = [{...}, {...}]: 163840 B together, more than the part has: ram_total is 131072 B");
}

TEST(BrokenBoard, ASourceOfNoField) {
  EXPECT_EQ(error_in(kBoard + "  clok: \"ST DS10198\"\n"),
            "b.yaml:18:3: sources.clok: a source of no field, did you mean \"clock\"?");
}

TEST(BrokenBoard, AZeroNeedsASourceToo) {
  EXPECT_EQ(error_in("prefetch: false\n" + kBoard),
            "b.yaml:1:1: prefetch = false: no source; sources.prefetch names the document and the place");
  EXPECT_EQ(error_in("data_cache: {lines: 0}\n" + kBoard),
            "b.yaml:1:1: data_cache = {...}: no source; sources.data_cache names the document and the place");
}

TEST(BrokenBoard, ACacheNeedsTheSizeOfItsLine) {
  EXPECT_EQ(error_in("data_cache: {lines: 8}\n" + kBoard + "  data_cache: \"ST RM0351\"\n"),
            "b.yaml:1:14: data_cache.lines = 8: needs line, the size of one");
}

TEST(BrokenBoard, ACacheThatNoHardwareHas) {
  const auto error = [](const std::string& cache) {
    return error_in("data_cache: " + cache + "\n" + kBoard + "  data_cache: \"ST RM0351\"\n");
  };
  EXPECT_EQ(error("{lines: 8, line: 33 B}"), "b.yaml:1:24: data_cache.line = 33 B: a power of two, at most 4096 B");
  EXPECT_EQ(error("{lines: 8, line: 1000000000000 B}"),
            "b.yaml:1:24: data_cache.line = 1000000000000 B: a power of two, at most 4096 B");
  EXPECT_EQ(error("{lines: 32, line: 16 B, ways: 7}"),
            "b.yaml:1:37: data_cache.ways = 7: a divisor of the 32 lines, or 0");
  EXPECT_EQ(error("{lines: 32, line: 16 B, ways: 4}"), "");
}

TEST(BrokenBoard, AReadOfNoWholePowerOfTwoOfBytes) {
  const auto error = [](const std::string& read) {
    return error_in("flash_read: " + read + "\n" + kBoard + "  flash_read: \"ST RM0351\"\n");
  };
  for (const std::string read : {"7 bit", "12 bit", "9 B", "8192 B"})
    EXPECT_EQ(error(read), fmt::format("b.yaml:1:1: flash_read = {}: a power of two of bytes, at most 4096 B", read));
  EXPECT_EQ(error("8 bit"), "");
}

TEST(BrokenBoard, WhatNoPartHas) {
  EXPECT_EQ(error_in(board_with("80 MHz", "1e9 MHz")), "b.yaml:5:1: clock = 1e9 MHz: at most 10 GHz");
  EXPECT_EQ(error_in("supply: 1e9 V\n" + kBoard + "  supply: \"ST DS10198\"\n"),
            "b.yaml:1:1: supply = 1e9 V: at most 60 V");
  EXPECT_EQ(error_in("fpu: true\n" + board_with("cortex-m4", "cortex-m0plus")),
            "b.yaml:1:1: fpu = true: a cortex-m0plus has none");
  EXPECT_THAT(error_in(board_with("sram2", "sram1")), testing::EndsWith(": two banks of one name"));
}

TEST(BrokenBoard, ATextThatATerminalWouldObey) {
  EXPECT_THAT(error_in(board_with("title: ", "title: \"\\x1b[31m\" #")),
              testing::EndsWith(": one line without control characters"));
}

TEST(BrokenBoard, FlashAndBanksWithinTheMemoryThatTheyShare) {
  EXPECT_EQ(error_in("shared_memory: 64 KiB\n" + kBoard + "  shared_memory: \"a data sheet\"\n"),
            "b.yaml:7:1: flash = 1024 KiB: more than program and data have: shared_memory is 65536 B\n"
            "b.yaml:9:19: ram[0].size = 96 KiB: more than program and data have: shared_memory is 65536 B");
}

TEST(BrokenBoard, EveryMistakeIsNamedInTheOrderOfTheFile) {
  std::string text = board_with("80 MHz", "fast");
  text.replace(text.find("core: cortex-m4"), 15, "core: cortex-m5");
  EXPECT_THAT(error_in(text),
              testing::AllOf(testing::StartsWith("b.yaml:4:1: core = cortex-m5: one of cortex-m0, "),
                             testing::HasSubstr("\nb.yaml:5:1: clock = fast: a number with a unit of ")));
}

}  // namespace
}  // namespace bitwright

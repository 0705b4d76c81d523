// deploy/flash_model.h: what waiting for flash costs on top of the zero-wait-state cycles of deploy/timing.h.
//
// Between flash and core lie two buffers of lines, of instructions and of data, replaced least recently used first: the
// line buffers of an ST accelerator (ART) or a cache. A fetch or a load that finds its line there costs nothing more;
// any other waits for the flash, wait_states cycles for each read that the line takes. Stores and RAM never wait.
//
// What it leaves out: that a wait can overlap other work of the core, that two fetches of flash can meet, the writing
// back of cached data, tightly coupled memories. deploy/emulator/bw_profile_plugin.c counts the misses.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "core/board.h"

namespace bitwright {

struct LineBuffer {
  int lines = 0;       // 0: none
  int line_bytes = 8;  // a power of two
  int ways = 0;        // places in which a line may lie, a divisor of `lines`; 0: any
  bool operator==(const LineBuffer&) const = default;
};

struct FlashModel {
  int wait_states = 0;      // of one read, in cycles
  int read_bytes = 8;       // that one read gives, a power of two
  LineBuffer instructions;  // none: fetches within the bytes of one read share it
  LineBuffer data;          // none: every load is a read
  bool prefetch = false;    // the next line is read ahead: going on into it costs nothing
  bool operator==(const FlashModel&) const = default;
};

// Of one run. Counted with the buffers of a FlashModel, whatever its wait states.
struct MemoryCounts {
  double instruction_misses = 0.0;  // after a jump into another line
  double sequential_misses = 0.0;   // going on into the next line
  double data_misses = 0.0;
  double data_loads = 0.0;  // from flash
  double unaligned = 0.0;   // accesses to RAM and flash, loads and stores
  bool operator==(const MemoryCounts&) const = default;
};

// Throws std::invalid_argument naming the number that is out of its range.
void validate(const FlashModel& flash);

// The board's flash. Buffers that its file does not name are taken to be absent, wait states to be 0, a read to be of 8
// bytes.
FlashModel flash_model(const Board& board);

// Cycles that the core stands still: misses for the flash, and on Cortex-M3 and M4 one cycle for an unaligned access,
// which takes two transfers there (Arm DDI 0439, 3.3.1).
double stall_cycles(const FlashModel& flash, std::string_view core, const MemoryCounts& counts);

// "5 wait states, 8 bytes a read, 128 lines of 8 bytes of instructions, 32 of 8 of data, prefetch".
std::string describe(const FlashModel& flash);

}  // namespace bitwright

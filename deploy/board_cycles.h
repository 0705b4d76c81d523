// deploy/board_cycles.h: what counted cycles become on a board: its flash's waiting added, and time and energy at its
// clock. Every command that prints a board's cycles takes them from here; docs/timing.md explains them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/board.h"
#include "deploy/flash_model.h"

namespace bitwright {

// Of one run. Every figure is the lower end of an interval that ends at kCyclesUpper times it (deploy/timing.h).
struct BoardCycles {
  std::string board;  // its name
  FlashModel flash;
  MemoryCounts memory;
  double stall_cycles = 0.0;
  double cycles = 0.0;  // with those
  double latency_us = 0.0;
  double energy_uj = 0.0;  // 0: the board's file gives no current
  bool operator==(const BoardCycles&) const = default;
};

// cycles: of one run at zero wait states; memory: of `runs` together, counted with flash_model(board).
BoardCycles board_cycles(const Board& board, double cycles, const MemoryCounts& memory, double runs = 1.0);

// Time of cycles at the board's clock, whatever is in them.
double latency_us(const Board& board, double cycles);

// "misses: 12 of instructions after a jump, 3 going on, 4 of data in 5 loads; 0 unaligned accesses: 76 cycles".
std::string misses_text(const BoardCycles& cycles);

// The model of the flash as text, what was counted with it, and "stall_cycles".
nlohmann::ordered_json flash_json(const BoardCycles& cycles);

// What cycles of a core leave out, after docs/timing.md: "not modelled: interrupts, ...". board: nothing where they
// hold for a core alone. with_flash: its waiting was counted.
std::string not_modelled(std::string_view core, const std::optional<Board>& board, bool with_flash);

}  // namespace bitwright

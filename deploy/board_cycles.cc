// SPDX-License-Identifier: Apache-2.0
#include "deploy/board_cycles.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "deploy/timing.h"

namespace bitwright {
namespace {

MemoryCounts per_run(MemoryCounts counts, double runs) {
  for (double* count : {&counts.instruction_misses, &counts.sequential_misses, &counts.data_misses, &counts.data_loads,
                        &counts.unaligned})
    *count /= runs;
  return counts;
}

}  // namespace

BoardCycles board_cycles(const Board& board, double cycles, const MemoryCounts& memory, double runs) {
  BoardCycles on;
  on.board = board.name;
  on.flash = flash_model(board);
  on.memory = per_run(memory, runs);
  on.stall_cycles = stall_cycles(on.flash, board.core, on.memory);
  on.cycles = cycles + on.stall_cycles;
  on.latency_us = latency_us(board, on.cycles);
  on.energy_uj = energy_of_cycles_uj(board, on.cycles);
  return on;
}

double latency_us(const Board& board, double cycles) {
  return board.clock_hz > 0 ? cycles / static_cast<double>(board.clock_hz) * 1e6 : 0.0;
}

std::string misses_text(const BoardCycles& on) {
  const MemoryCounts& m = on.memory;
  return fmt::format(
      "misses: {:.0f} of instructions after a jump, {:.0f} going on, {:.0f} of data in {:.0f} loads; {:.0f} unaligned "
      "accesses: {:.0f} cycles",
      m.instruction_misses, m.sequential_misses, m.data_misses, m.data_loads, m.unaligned, on.stall_cycles);
}

nlohmann::ordered_json flash_json(const BoardCycles& on) {
  return {{"model", describe(on.flash)},
          {"instruction_misses", on.memory.instruction_misses},
          {"sequential_misses", on.memory.sequential_misses},
          {"data_misses", on.memory.data_misses},
          {"data_loads", on.memory.data_loads},
          {"unaligned_accesses", on.memory.unaligned},
          {"stall_cycles", on.stall_cycles}};
}

std::string not_modelled(std::string_view core, const std::optional<Board>& board, bool with_flash) {
  if (!has_timing_table(core)) return fmt::format("instructions alone: {} has no timing table", core);
  std::string text = "not modelled: interrupts, bus contention of DMA, peripherals' wait states";
  if (core == "cortex-m7") text += ", tightly coupled memory, misses of cached RAM and write-back";
  if (!with_flash) text += board ? ", waiting for flash" : ", flash (name a --board)";
  if (with_flash && board && !board->sources.contains("flash_wait_states"))
    text += fmt::format(", wait states of the flash, which the file of {} does not give", board->name);
  return text;
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "deploy/flash_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <stdexcept>

namespace bitwright {
namespace {

bool is_power_of_two(int n) {
  return n > 0 && std::has_single_bit(static_cast<unsigned>(n));
}

void validate(const LineBuffer& buffer, const char* name) {
  if (buffer.lines < 0) throw std::invalid_argument(fmt::format("{} lines = {}: at least 0", name, buffer.lines));
  if (!is_power_of_two(buffer.line_bytes))
    throw std::invalid_argument(fmt::format("{} line bytes = {}: a power of two", name, buffer.line_bytes));
  if (buffer.ways < 0 || (buffer.ways > 0 && buffer.lines % buffer.ways))
    throw std::invalid_argument(
        fmt::format("{} ways = {}: a divisor of {} lines, or 0", name, buffer.ways, buffer.lines));
}

double miss_cycles(const FlashModel& flash, const LineBuffer& buffer) {
  const int reads = buffer.lines ? std::max(1, buffer.line_bytes / flash.read_bytes) : 1;
  return reads * flash.wait_states;
}

// A line without ways that takes several reads is filled by each of them alone, as the twelve public measurements were
// counted: its parts are lines.
LineBuffer buffer_of(const Cache& cache, int read_bytes) {
  if (cache.lines == 0) return {};
  const int bytes = static_cast<int>(cache.line_bytes);
  if (cache.ways > 0 || bytes <= read_bytes) return {cache.lines, bytes, cache.ways};
  return {cache.lines * (bytes / read_bytes), read_bytes, 0};
}

std::string describe(const LineBuffer& buffer, const char* name) {
  if (!buffer.lines) return fmt::format("no buffer of {}", name);
  const std::string ways = buffer.ways ? fmt::format(" in {} ways", buffer.ways) : "";
  return fmt::format("{} lines of {} bytes{} of {}", buffer.lines, buffer.line_bytes, ways, name);
}

}  // namespace

void validate(const FlashModel& flash) {
  if (flash.wait_states < 0)
    throw std::invalid_argument(fmt::format("wait states = {}: at least 0", flash.wait_states));
  if (!is_power_of_two(flash.read_bytes))
    throw std::invalid_argument(fmt::format("read bytes = {}: a power of two", flash.read_bytes));
  validate(flash.instructions, "instruction buffer:");
  validate(flash.data, "data buffer:");
}

FlashModel flash_model(const Board& board) {
  FlashModel flash;
  flash.wait_states = board.flash_wait_states;
  if (board.flash_read_bits > 0) flash.read_bytes = static_cast<int>(board.flash_read_bits / 8);
  flash.instructions = buffer_of(board.instruction_cache, flash.read_bytes);
  flash.data = buffer_of(board.data_cache, flash.read_bytes);
  flash.prefetch = board.prefetch;
  return flash;
}

double stall_cycles(const FlashModel& flash, std::string_view core, const MemoryCounts& counts) {
  const double fetches = counts.instruction_misses + (flash.prefetch ? 0.0 : counts.sequential_misses);
  const double flash_cycles =
      fetches * miss_cycles(flash, flash.instructions) + counts.data_misses * miss_cycles(flash, flash.data);
  const bool splits = core == "cortex-m3" || core == "cortex-m4";
  return flash_cycles + (splits ? counts.unaligned : 0.0);
}

std::string describe(const FlashModel& flash) {
  return fmt::format("{} wait states, {} bytes a read, {}, {}{}", flash.wait_states, flash.read_bytes,
                     describe(flash.instructions, "instructions"), describe(flash.data, "data"),
                     flash.prefetch ? ", prefetch" : "");
}

}  // namespace bitwright

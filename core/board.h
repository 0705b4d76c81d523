// core/board.h: a microcontroller board as data. Loaded from configs/boards/NAME.yaml by core/io/board_yaml.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace bitwright {

struct RamBank {
  std::string name;      // "sram1", "dtcm"
  int64_t bytes = 0;     // > 0
};

// Between the core and its flash. No lines: there is none, or no document at hand says; the former has a source.
struct Cache {
  int lines = 0;
  int64_t line_bytes = 0;
  int ways = 0;          // 0: unknown, or any line anywhere
  int64_t bytes() const { return lines * line_bytes; }
};

struct Board {
  std::string name;      // "nucleo-f411re": the file's name
  std::string title;     // "STM32 Nucleo-64, STM32F411RE"
  std::string mcu;       // "STM32F411RE"
  std::string core;      // one of board_cores() in core/io/board_yaml.h: "cortex-m4"
  bool fpu = false;      // single precision at least
  int64_t clock_hz = 0;  // at which latency is given
  int64_t flash_bytes = 0;
  std::vector<RamBank> ram;         // first the bank that holds arena and stack
  int64_t ram_total_bytes = 0;      // of the part, as its data sheet sums it up; 0: unknown
  int64_t shared_memory_bytes = 0;  // of one memory for program and data together; 0: each has its own
  // The way from flash to the core, all at clock_hz.
  int flash_wait_states = 0;        // 0 too where unknown
  int64_t flash_read_bits = 0;      // that one read of the flash gives; 0: unknown
  Cache instruction_cache, data_cache;
  bool prefetch = false;
  double supply_v = 0.0;            // 0: unknown
  double current_ua_per_mhz = 0;    // run mode from flash; 0: unknown
  double sleep_current_ua = 0;      // between inferences, in the mode that its source names; 0: unknown
  std::string regulator;            // with which the currents hold: "range 1, LDO", "SMPS"; empty: unknown
  // For every number above: its field name -> document and table.
  std::map<std::string, std::string> sources;

  int64_t ram_bytes() const {
    int64_t sum = 0;
    for (const RamBank& bank : ram) sum += bank.bytes;
    return sum;
  }
  bool shares_memory() const { return shared_memory_bytes > 0; }
};

// Limits; 0 means none. Hard ones are never above what the board has.
struct Limits {
  int64_t flash_bytes = 0;  // code + constants of the package
  int64_t ram_bytes = 0;    // arena + stack
  // What the board has where a limit was written as a part of it, `20 KiB of 64 KiB`: the rest is the application's.
  int64_t flash_of_bytes = 0, ram_of_bytes = 0;
  double latency_us = 0.0;
  double energy_uj = 0.0;
  double average_power_uw = 0.0;  // of a DutyCycle
  int64_t macs = 0;
  int64_t params = 0;
};

// How often the network runs: what average power and battery life follow from (estimators/duty_cycle.h).
struct DutyCycle {
  double inferences_per_hour = 0.0;  // 0: there is no duty cycle
  double sleep_current_ua = 0.0;     // of the whole device between inferences; 0: the board's
  double battery_mah = 0.0;          // at the board's supply voltage; 0: none
  bool given() const { return inferences_per_hour > 0; }
};

inline double sleep_current_ua(const Board& board, const DutyCycle& duty) {
  return duty.sleep_current_ua > 0 ? duty.sleep_current_ua : board.sleep_current_ua;
}

// Energy of cycles while the core runs, uJ: uA/MHz = pC a cycle; times V = pJ a cycle. 0 where the file does not say.
inline double energy_of_cycles_uj(const Board& board, double cycles) {
  return cycles * board.current_ua_per_mhz * board.supply_v * 1e-6;
}
// Power while the core runs and while the device sleeps, uW; 0 where the board's file does not say.
inline double running_uw(const Board& board) {
  return energy_of_cycles_uj(board, static_cast<double>(board.clock_hz));
}
inline double asleep_uw(const Board& board, const DutyCycle& duty = {}) {
  return sleep_current_ua(board, duty) * board.supply_v;
}
// What is missing of the figures that an energy, or with `sleep` an average power, follows from, by its name in files:
// "supply", "current", "sleep_current".
std::vector<std::string> unknown_power_figures(const Board& board, bool sleep, const DutyCycle& duty = {});

}  // namespace bitwright

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

struct Board {
  std::string name;      // "nucleo-f411re": the file's name
  std::string title;     // "STM32 Nucleo-64, STM32F411RE"
  std::string mcu;       // "STM32F411RE"
  std::string core;      // "cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33"
  bool fpu = false;      // single precision at least
  int64_t clock_hz = 0;  // at which latency is given
  int64_t flash_bytes = 0;
  std::vector<RamBank> ram;       // first the bank that holds arena and stack
  int flash_wait_states = 0;      // at clock_hz
  double supply_v = 0.0;          // 0: unknown
  double current_ua_per_mhz = 0;  // run mode from flash; 0: unknown
  // For every number above: its field name -> document and table.
  std::map<std::string, std::string> sources;

  int64_t ram_bytes() const {
    int64_t sum = 0;
    for (const RamBank& bank : ram) sum += bank.bytes;
    return sum;
  }
};

// Hard limits; 0 means none. Never above what the board has.
struct Limits {
  int64_t flash_bytes = 0;  // code + constants of the package
  int64_t ram_bytes = 0;    // arena + stack
  double latency_us = 0.0;
  double energy_uj = 0.0;
  int64_t macs = 0;
};

}  // namespace bitwright

// experiments/emulation.h: what a user's own program costs: run in the emulator, counted between two marks.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/board.h"
#include "deploy/board_cycles.h"

namespace bitwright {

struct EmulationOptions {
  std::string elf;
  std::string core;                    // of cross_targets(); with a board, its core
  std::optional<Board> board;          // gives clock, flash and current
  std::vector<std::string> arguments;  // without blanks
  // Functions between which is counted. Both empty: bw_mark_begin and bw_mark_end where the program has them, else the
  // whole run.
  std::string begin, end;
  std::chrono::seconds limit{60};
};

struct FunctionCost {
  std::string name;  // "?": of no function that the ELF file names
  double instructions = 0.0, cycles = 0.0;
};

struct Emulation {  // per run between the marks
  std::string elf, core;
  std::string begin, end;  // empty: the whole run
  int64_t runs = 0;
  int exit_status = 0;
  bool ended_by_fault = false;  // while it was counted, in start-up code of ours
  std::string output;           // of the program
  double instructions = 0.0;
  std::map<std::string, double> by_class;  // empty for RISC-V
  double cycles = 0.0;                     // zero wait states; 0: the core has no timing table
  std::vector<FunctionCost> functions;     // by cycles, or instructions where there are none; the most first
  std::optional<Board> board;
  std::optional<BoardCycles> on_board;  // with a board and a timing table
};

// Throws ConfigError for a file that is no program for the core, or a function that it does not have; ToolError if a
// tool is missing or the program does not end in time.
Emulation emulate(const EmulationOptions& options);

std::string emulation_text(const Emulation& emulation);
std::string emulation_json(const Emulation& emulation);

// Writes the start-up code and memory map of an emulated core to a folder. Returns the command that builds PROGRAM.c
// with them.
std::string start_command(const std::string& core, const std::string& folder);

}  // namespace bitwright

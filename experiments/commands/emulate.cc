// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iostream>

#include "core/error.h"
#include "core/io/board_yaml.h"
#include "core/io/config_reader.h"
#include "deploy/cross_target.h"
#include "experiments/commands.h"
#include "experiments/emulation.h"

namespace bitwright {
namespace {

struct Options {
  EmulationOptions emulation;
  std::string board, start_files;
  int64_t limit_s = 60;
  bool json = false;
};

std::vector<std::string> cores() {
  std::vector<std::string> names = emulated_cores();
  names.push_back("rv32imc");
  return names;
}

void choose_core(EmulationOptions& emulation, const std::string& board) {
  if (board.empty() == emulation.core.empty()) throw ConfigError("emulate: --board or --core, one of them");
  if (!board.empty()) {
    emulation.board = load_board(board);
    emulation.core = emulation.board->core;
  }
  const std::vector<std::string> known = cores();
  if (std::find(known.begin(), known.end(), emulation.core) == known.end())
    throw ConfigError(fmt::format("emulate: core {}: not one of {}{}", emulation.core, fmt::join(known, ", "),
                                  did_you_mean(emulation.core, known)));
}

void check_arguments(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments)
    if (argument.empty() || argument.find_first_of(" \t\n") != std::string::npos)
      throw ConfigError(
          fmt::format("emulate: argument `{}`: the emulated program splits its arguments at blanks", argument));
}

int emulate_program(const Options& options) {
  EmulationOptions emulation = options.emulation;
  choose_core(emulation, options.board);
  if (!options.start_files.empty()) {
    std::cout << start_command(emulation.core, options.start_files);
    return 0;
  }
  if (emulation.elf.empty()) throw ConfigError("emulate: which program? It takes an ELF file");
  check_arguments(emulation.arguments);
  emulation.limit = std::chrono::seconds(options.limit_s);
  const Emulation result = emulate(emulation);
  std::cout << (options.json ? emulation_json(result) : emulation_text(result));
  return 0;
}

}  // namespace

void add_emulate(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("emulate", "Run your own ELF file on an emulated core: instructions and cycles");
  auto options = std::make_shared<Options>();
  EmulationOptions& emulation = options->emulation;
  command->add_option("elf", emulation.elf, "A program linked for the emulator (docs/timing.md)");
  command->add_option("--board", options->board, "Its core, clock, flash and current");
  command->add_option("--core", emulation.core,
                      fmt::format("A core alone, without wait states: {}", fmt::join(cores(), ", ")));
  command->add_option("--begin", emulation.begin,
                      "Function that starts the counting; bw_mark_begin if the program has it, else all is counted");
  command->add_option("--end", emulation.end, "Function that ends it; bw_mark_end");
  command->add_option("--arguments", emulation.arguments, "Of the program, without blanks");
  command->add_option("--limit", options->limit_s, "Seconds that the emulator may take")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  command->add_option("--start-files", options->start_files,
                      "Write start-up code and memory map for the core to this folder, print how to link with them");
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->footer(
      "Cycles are an interval, 1.00 to 1.15 times the timing table's (docs/timing.md). The program's own exit status "
      "is "
      "printed, not returned. Exit code 2: not a program for this core; 1: a tool is missing, or the limit passed.");
  command->callback([=, &line] { line.action = [=] { return emulate_program(*options); }; });
}

}  // namespace bitwright

// experiments/commands.h: the program's commands. Each adds itself to the command line and returns an exit code; errors
// travel as exceptions to main.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace bitwright {

struct CommandLine {
  std::string folder;           // where this executable lies: bitwright-trial is beside it
  std::function<int()> action;  // what the parsed command does
};

void add_demo(CLI::App& app, CommandLine& line);
void add_check(CLI::App& app, CommandLine& line);
void add_search(CLI::App& app, CommandLine& line);
void add_evaluate(CLI::App& app, CommandLine& line);
void add_baseline(CLI::App& app, CommandLine& line);
void add_ablate(CLI::App& app, CommandLine& line);
void add_status(CLI::App& app, CommandLine& line);
void add_front(CLI::App& app, CommandLine& line);
void add_list(CLI::App& app, CommandLine& line);
void add_show(CLI::App& app, CommandLine& line);
void add_history(CLI::App& app, CommandLine& line);
void add_replay(CLI::App& app, CommandLine& line);
void add_store(CLI::App& app, CommandLine& line);
void add_export(CLI::App& app, CommandLine& line);
void add_verify(CLI::App& app, CommandLine& line);
void add_emulate(CLI::App& app, CommandLine& line);
void add_profile(CLI::App& app, CommandLine& line);
void add_boards(CLI::App& app, CommandLine& line);
void add_trial(CLI::App& app, CommandLine& line);

}  // namespace bitwright

// experiments/run_main.h: what the programs beside `bitwright` do with a command line and with exceptions.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>

#include "core/error.h"

namespace bitwright {

// The exit status where the command line ends the program: 0 after --help, else kConfig. Nothing where it was read.
inline std::optional<int> parse_arguments(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(ExitCode::kConfig);
  }
}

// Ends the program as the signal ends one that does not handle it.
[[noreturn]] inline void end_by_signal(int signal) {
  std::cerr << "interrupted\n";
  std::signal(signal, SIG_DFL);
  std::raise(signal);
  std::abort();  // where it is blocked
}

// run(argc, argv); an exception becomes a line on standard error and an exit status.
inline int run_main(int (*run)(int, char**), int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const ConfigError& error) {
    std::cerr << "error: " << error.what() << "\n";
    return static_cast<int>(ExitCode::kConfig);
  } catch (const Interrupted& interrupted) {
    end_by_signal(interrupted.signal());
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return static_cast<int>(ExitCode::kFailed);
  }
}

}  // namespace bitwright

// experiments/main.cc: the program bitwright: parse, call one command, turn errors into exit codes.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "core/error.h"
#include "core/io/config_reader.h"
#include "experiments/commands.h"
#include "experiments/run_main.h"
#include "experiments/version.h"

namespace bitwright {
namespace {

int usage_error(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  const bool unknown = argc > 1 && argv[1][0] != '-' && std::find(names.begin(), names.end(), argv[1]) == names.end();
  std::cerr << "error: "
            << (unknown ? fmt::format("{}: unknown command{}", argv[1], did_you_mean(argv[1], names)) : error.what())
            << "\n";
  return static_cast<int>(ExitCode::kConfig);
}

int fail(const std::exception& error, ExitCode code) {
  std::cerr << "error: " << error.what() << "\n";
  return static_cast<int>(code);
}

int run(int argc, char** argv) {
  CLI::App app("Designs deeply quantized neural networks for microcontrollers: from one YAML file to verified C.");
  app.set_version_flag("--version", "bitwright " + version());
  app.require_subcommand(1);
  CommandLine line;
  line.folder = std::filesystem::canonical("/proc/self/exe").parent_path();
  for (auto add : {add_demo, add_check, add_search, add_evaluate, add_baseline, add_ablate, add_status, add_list,
                   add_front, add_show, add_history, add_replay, add_store, add_export, add_verify, add_emulate,
                   add_profile, add_boards, add_trial})
    add(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error, argc, argv);
  }
  const int code = line.action();
  if (!std::cout.flush()) throw StoreError("standard output: cannot be written");
  return code;
}

}  // namespace
}  // namespace bitwright

int main(int argc, char** argv) {
  using namespace bitwright;
  try {
    return run(argc, argv);
  } catch (const ConfigError& error) {
    return fail(error, ExitCode::kConfig);
  } catch (const StoreError& error) {
    return fail(error, ExitCode::kStore);
  } catch (const Interrupted& interrupted) {
    end_by_signal(interrupted.signal());
  } catch (const std::exception& error) {
    return fail(error, ExitCode::kFailed);
  }
}

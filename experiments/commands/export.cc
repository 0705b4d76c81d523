// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <iostream>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/load_study.h"
#include "experiments/commands.h"
#include "experiments/export_package.h"
#include "experiments/study_session.h"

namespace bitwright {
namespace {

struct Options {
  std::string study, pick, out;
  int64_t trial = -1;
  int vectors = 200;
  bool stream = false, layers = false;
  std::string fast_weights;    // bytes or "auto"; empty: none
  int flash_wait_states = -1;  // -1: the board's
  int specialize = 0;  // PackageOptions::specialize
  bool json = false;
};

// "", "4096", "auto": all that the RAM limit leaves.
int64_t fast_bytes(const std::string& text) {
  if (text.empty()) return 0;
  if (text == "auto") return std::numeric_limits<int64_t>::max();
  int64_t bytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (error != std::errc() || end != text.data() + text.size() || bytes < 0)
    throw ConfigError(fmt::format("--fast-weights = {}: must be a number of bytes, or auto", text));
  return bytes;
}

int export_trial(const Options& options) {
  const TrialStore store = open_store(options.study);
  const Study study = study_from_json(store.study().config_json);
  if (options.trial >= store.size())
    throw ConfigError(
        fmt::format("{}: there is no trial {}; the study has {}", store.path(), options.trial, store.size()));
  const Trial trial = options.trial >= 0 ? store.trial(options.trial) : pick_trial(front_of(store), options.pick);
  const std::string folder = options.out.empty() ? fmt::format("{}-{}", study.name, trial.number) : options.out;
  const Execution execution = options.stream   ? Execution::kStream
                              : options.layers ? Execution::kLayers
                                               : study.execution;
  const PackageForm form = {
      execution, {fast_bytes(options.fast_weights), options.flash_wait_states}, options.specialize};
  const int vectors = export_package(store, study, trial, folder, options.vectors, form);
  if (options.json)
    std::cout << nlohmann::json{{"schema", 1},
                                {"package", folder},
                                {"trial", trial.number},
                                {"golden_vectors", vectors}}
                     .dump()
              << "\n";
  else
    std::cout << fmt::format("trial #{} -> {} ({} golden vectors); check it with: bitwright verify {}\n", trial.number,
                             folder, vectors, folder);
  return static_cast<int>(ExitCode::kDone);
}

}  // namespace

void add_export(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("export", "A point of the front as a C package");
  auto options = std::make_shared<Options>();
  command->add_option("study", options->study, "A study's YAML or its store")->required();
  auto* trial =
      command->add_option("--trial", options->trial, "This trial")->check(CLI::Range(int64_t{0}, int64_t{1} << 40));
  command->add_option("--pick", options->pick, "The most accurate point with, say, 'ram<=8KiB,flash<=20KiB'")
      ->excludes(trial);
  command->add_option("-o,--out", options->out, "Folder; by default NAME-TRIAL");
  command->add_option("--vectors", options->vectors, "Golden vectors from the validation set")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  auto* stream = command->add_flag("--stream", options->stream,
                                   "Run the first layers of a signal column by column where that takes less RAM; by "
                                   "default as the study says (execution)");
  command->add_flag("--layers", options->layers, "Run every layer over its whole map")->excludes(stream);
  auto* fast = command->add_option("--fast-weights", options->fast_weights,
                                   "Bytes of RAM for the weights and tables whose reads wait most for flash, or auto: "
                                   "all that the RAM limit leaves; by default none");
  command->add_option("--flash-wait-states", options->flash_wait_states, "Instead of the board's")
      ->check(CLI::Range(0, 15))
      ->needs(fast);
  command->add_flag("--specialize{2}", options->specialize,
                    "Compile every kernel that at most two layers use for each of them: less code, cycles and stack. "
                    "--specialize=N: that at most N use; code grows at last, cycles do not")
      ->check(CLI::Range(0, 1000));
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->callback([=, &line] { line.action = [=] { return export_trial(*options); }; });
}

}  // namespace bitwright

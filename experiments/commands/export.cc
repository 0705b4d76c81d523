// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/json_text.h"
#include "core/io/load_study.h"
#include "experiments/board_fits.h"
#include "experiments/commands.h"
#include "experiments/export_package.h"
#include "experiments/fast_weights_budget.h"
#include "experiments/search_outcome.h"
#include "experiments/study_session.h"

namespace bitwright {
namespace {

struct Options {
  std::string study, pick, out, board;
  int64_t trial = -1;
  int vectors = 200;
  bool stream = false, layers = false;
  std::string fast_weights;    // fast_weights_budget()
  int flash_wait_states = -1;  // -1: the board's
  int specialize = 0;          // PackageOptions::specialize
  bool json = false;
};

// Of --fast-weights: what was placed, or that nothing was.
std::string in_ram_text(const std::vector<FastArray>& arrays) {
  std::string names;
  int64_t bytes = 0;
  for (const FastArray& array : arrays) {
    names += fmt::format("{}{} {} B", names.empty() ? "" : ", ", array.name, array.bytes);
    bytes += array.bytes;
  }
  return names.empty() ? "in RAM: nothing fits\n" : fmt::format("in RAM: {}; {} B in all\n", names, bytes);
}

nlohmann::json in_ram_json(const std::vector<FastArray>& arrays) {
  nlohmann::json json = nlohmann::json::array();
  for (const FastArray& array : arrays) json.push_back({{"name", array.name}, {"bytes", array.bytes}});
  return json;
}

int export_trial(const Options& options) {
  const FastWeights fast = {fast_weights_budget(options.fast_weights), options.flash_wait_states};
  const TrialStore store = open_store(options.study);
  const Study searched = study_from_json(store.study().config_json);
  const Study study = options.board.empty() ? searched : study_on_board(searched, options.board);
  const Trial trial =
      options.trial >= 0 ? trial_of(store, options.trial) : pick_trial(front_of(store), options.pick, searched);
  const std::string below = below_floor_text(searched, trial);
  if (!below.empty()) std::cerr << "note: " << below << "\n";
  const std::string folder = options.out.empty() ? fmt::format("{}-{}", study.name, trial.number) : options.out;
  const Execution execution = options.stream   ? Execution::kStream
                              : options.layers ? Execution::kLayers
                                               : study.execution;
  const ExportedPackage exported =
      export_package(store, study, trial, folder, options.vectors, {execution, fast, options.specialize});
  if (!exported.no_stream.empty()) std::cerr << "note: no stream: " << exported.no_stream << "\n";
  if (options.json)
    std::cout << json_text(nlohmann::json{{"schema", 1},
                                          {"package", folder},
                                          {"trial", trial.number},
                                          {"golden_vectors", exported.vectors},
                                          {"execution", exported.streamed ? "stream" : "layers"},
                                          {"in_ram", in_ram_json(exported.in_ram)}},
                           -1)
              << "\n";
  else
    std::cout << fmt::format("trial #{} -> {} ({} golden vectors); check it with: bitwright verify {}\n", trial.number,
                             folder, exported.vectors, folder)
              << (fast.budget_bytes > 0 ? in_ram_text(exported.in_ram) : "");
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
  command->add_option(
      "--board", options->board,
      "Choose kernels for this board of the study, one of board or report_boards; by default the first");
  command->add_option("-o,--out", options->out, "Folder; by default NAME-TRIAL");
  command->add_option("--vectors", options->vectors, "Golden vectors from the validation set")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  auto* stream = command->add_flag("--stream", options->stream,
                                   "Run the first layers of a signal column by column where that takes less RAM, else "
                                   "a note says why not; by default as the study says (execution)");
  command->add_flag("--layers", options->layers, "Run every layer over its whole map")->excludes(stream);
  auto* fast = command->add_option("--fast-weights", options->fast_weights,
                                   "RAM for the weights and tables whose reads wait most for flash: bytes, '4 KiB', or "
                                   "auto: all that the RAM limit leaves; by default none");
  command->add_option("--flash-wait-states", options->flash_wait_states, "Instead of the board's")
      ->check(CLI::Range(0, 15))
      ->needs(fast);
  command
      ->add_flag("--specialize{2}", options->specialize,
                 "Compile every kernel that at most two layers use for each of them: less code, cycles and stack. "
                 "--specialize=N: that at most N use; code grows at last, cycles do not")
      ->check(CLI::Range(0, 1000));
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->callback([=, &line] { line.action = [=] { return export_trial(*options); }; });
}

}  // namespace bitwright

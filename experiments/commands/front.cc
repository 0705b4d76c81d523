// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/json_text.h"
#include "core/io/load_study.h"
#include "experiments/commands.h"
#include "experiments/front_json.h"
#include "experiments/study_session.h"
#include "experiments/what_if.h"
#include "experiments/what_if_text.h"

namespace bitwright {
namespace {

struct Options {
  std::string study;
  WhatIfChanges changes;
  bool json = false;
};

int as_searched(const TrialStore& store, bool json) {
  const Study study = study_from_json(store.study().config_json);
  const auto front = front_of(store);
  std::cout << (json ? json_text(front_json(front, study)) + "\n" : render_front(front, study));
  return static_cast<int>(ExitCode::kDone);
}

int as_changed(const TrialStore& store, const Options& options) {
  const WhatIf answer = what_if(store, options.changes);
  std::cout << (options.json ? json_text(what_if_json(answer)) + "\n" : what_if_text(answer));
  const ExitCode code = exit_code(answer);
  if (code == ExitCode::kNothingFits)
    std::cerr << fmt::format("error: none of {} trained networks fits the limits\n", answer.trained);
  return static_cast<int>(code);
}

int front(const Options& options) {
  const TrialStore store = open_store(options.study);
  return options.changes.any() ? as_changed(store, options) : as_searched(store, options.json);
}

}  // namespace

void add_front(CLI::App& app, CommandLine& line) {
  auto* command =
      app.add_subcommand("front", "The Pareto front of a study; with other limits or boards too, without training");
  auto options = std::make_shared<Options>();
  command->add_option("study", options->study, "A study's YAML or its store")->required();
  command
      ->add_option(
          "--limit", options->changes.limits,
          "What if this were a limit, in place of the study's: ram=8KiB, accuracy=97%; ram=none lifts it; again "
          "for more")
      ->allow_extra_args(false);
  command
      ->add_option("--board", options->changes.boards,
                   "What if this were the board, by name or file, in place of the study's; again for networks that fit "
                   "several")
      ->allow_extra_args(false);
  command
      ->add_option("--objective", options->changes.objectives,
                   "What if this were minimised besides the error, in place of the study's objectives; again for more")
      ->allow_extra_args(false);
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->callback([=, &line] { line.action = [=] { return front(*options); }; });
}

}  // namespace bitwright

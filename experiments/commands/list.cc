// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "core/io/load_study.h"
#include "experiments/commands.h"
#include "experiments/study_session.h"
#include "experiments/trial_list.h"

namespace bitwright {
namespace {

struct Options {
  std::string study, format = "table";
};

int list(const Options& options) {
  const TrialStore store = open_store(options.study);
  const Study study = study_from_json(store.study().config_json);
  const bool journal = options.format == "optuna-journal";
  const std::vector<Trial> trials = store.trials(journal ? TrialDetail::kAll : TrialDetail::kFigures);
  if (journal)
    std::cout << trials_optuna_journal(trials, study);
  else if (options.format == "csv")
    std::cout << trials_csv(trials, study);
  else if (options.format == "jsonl")
    std::cout << trials_json_lines(trials);
  else
    std::cout << render_trials(trials, study);
  return 0;
}

}  // namespace

void add_list(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("list", "All trials of a study, also while it runs, and for other programs");
  auto options = std::make_shared<Options>();
  command->add_option("study", options->study, "A study's YAML or its store")->required();
  command->add_option("--format", options->format, "On stdout: a table, CSV, JSON lines, or a log that Optuna reads")
      ->check(CLI::IsMember({"table", "csv", "jsonl", "optuna-journal"}));
  command->callback([=, &line] { line.action = [=] { return list(*options); }; });
}

}  // namespace bitwright

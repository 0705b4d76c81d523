// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/io/json_text.h"
#include "core/io/load_study.h"
#include "experiments/commands.h"
#include "experiments/history_text.h"
#include "experiments/study_session.h"

namespace bitwright {
namespace {

struct Options {
  std::string study;
  bool json = false, csv = false;
};

int history(const Options& options) {
  const TrialStore store = open_store(options.study);
  const Study study = study_from_json(store.study().config_json);
  const std::vector<Trial> results = store.results();
  const std::vector<HistoryRow> rows = study_history(results, study, store.begun_us());
  if (options.json)
    std::cout << json_text(nlohmann::json{{"schema", 1},
                                          {"study", study.name},
                                          {"reference", history_reference(results, study)},
                                          {"history", history_json(rows)}})
              << "\n";
  else
    std::cout << (options.csv ? history_csv(rows) : render_history(rows));
  return 0;
}

}  // namespace

void add_history(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("history", "How the front of a study grew, trial by trial, also while it runs");
  auto options = std::make_shared<Options>();
  command->add_option("study", options->study, "A study's YAML or its store")->required();
  auto* json = command->add_flag("--json", options->json, "One JSON object on stdout");
  command->add_flag("--csv", options->csv, "Comma-separated values on stdout")->excludes(json);
  command->callback([=, &line] { line.action = [=] { return history(*options); }; });
}

}  // namespace bitwright

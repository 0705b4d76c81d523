// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/load_data.h"
#include "core/io/load_study.h"
#include "experiments/commands.h"
#include "experiments/search_study.h"

namespace bitwright {
namespace {

struct Options {
  std::string study, store, budget;
  std::vector<std::string> overrides;
  int jobs = 0;
  bool finish = false, dry_run = false, json = false, quiet = false;
};

Study load(const Options& options) {
  std::vector<std::string> overrides = options.overrides;
  if (!options.budget.empty()) overrides.push_back("search.budget=" + options.budget);
  if (options.jobs != 0) overrides.push_back("search.jobs=" + std::to_string(options.jobs));
  return load_study(options.study, overrides);
}

int search(const Options& options, const CommandLine& line) {
  const Study study = load(options);
  return search_study({.study = study,
                       .store_path = store_path(options.study, options.store),
                       .worker_program = line.folder + "/bitwright-trial",
                       .dry_run = options.dry_run,
                       .finish = options.finish,
                       .json = options.json,
                       .quiet = options.quiet});
}

}  // namespace

void add_search(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("search", "Start a study, or go on with it");
  auto options = std::make_shared<Options>();
  command->add_option("study", options->study, "The study's YAML")->required();
  command->add_option("overrides", options->overrides, "Fields to set: search.trials=200");
  command->add_option("--budget", options->budget, "Wall time of this call: 20m, 2h");
  command->add_option("--jobs", options->jobs, "Trainings at once, one thread each")->check(CLI::Range(1, 1024));
  command->add_option("--store", options->store, "The store; by default NAME.bw.db in this folder");
  command->add_flag("--finish", options->finish, "The study ends here: score its front on the test set");
  command->add_flag("--dry-run", options->dry_run, "Propose and cost the first candidates, train none");
  command->add_flag("--json", options->json, "Results as JSON on stdout");
  command->add_flag("-q,--quiet", options->quiet, "No progress on stderr");
  command->callback([=, &line] { line.action = [=, &line] { return search(*options, line); }; });
}

}  // namespace bitwright

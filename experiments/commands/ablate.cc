// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/config_reader.h"
#include "core/io/json_text.h"
#include "core/io/load_study.h"
#include "experiments/ablations.h"
#include "experiments/commands.h"
#include "experiments/scores.h"
#include "experiments/table.h"
#include "experiments/training_request.h"
#include "experiments/training_runs.h"

namespace bitwright {
namespace {

struct Options {
  TrainingRequest request;
  std::vector<std::string> only;
};

// A row of the table: what was changed, and its trainings in the order of the seeds.
struct Row {
  std::string change;
  std::string config_json;
  std::vector<TrialReport> reports;
};

std::vector<Ablation> chosen(const TrainingSetup& setup, const std::vector<std::string>& only) {
  const std::vector<Ablation> all = ablations(setup.study.recipe, setup.network);
  std::vector<std::string> names;
  for (const Ablation& change : all) names.push_back(change.name);
  for (const std::string& name : only)
    if (std::find(names.begin(), names.end(), name) == names.end())
      throw ConfigError(fmt::format("--only: {}: no such change{}; known: {}", name, did_you_mean(name, names),
                                    fmt::join(names, ", ")));
  std::vector<Ablation> changes;
  for (const Ablation& change : all)
    if (only.empty() || std::find(only.begin(), only.end(), change.name) != only.end()) changes.push_back(change);
  return changes;
}

// The base first. A change that the base has already is left out: it would be the base again.
std::vector<Row> rows_of(const Options& options, const TrainingSetup& setup) {
  std::vector<Row> rows = {{"base", setup.study.config_json, {}}};
  for (const Ablation& change : chosen(setup, options.only)) {
    std::vector<std::string> overrides = options.request.overrides;
    overrides.insert(overrides.end(), change.overrides.begin(), change.overrides.end());
    const std::string config = load_study(options.request.study, overrides).config_json;
    if (config != setup.study.config_json)
      rows.push_back({change.name, config, {}});
    else
      std::cerr << fmt::format("note: {} is what the study does already\n", change.name);
  }
  return rows;
}

void train_all(std::vector<Row>& rows, const TrainingSetup& setup, TrainingRuns& runs) {
  std::vector<TrialSpec> specs;
  for (const Row& row : rows)
    for (uint64_t seed : setup.seeds) {
      specs.push_back(training_spec(setup, seed, /*score_test=*/false));
      specs.back().config_json = row.config_json;
    }
  const std::vector<TrialReport> reports = runs.run(std::move(specs));
  for (size_t i = 0; i < reports.size(); ++i) rows[i / setup.seeds.size()].reports.push_back(reports[i]);
}

std::vector<double> accuracies_of(const Row& row) {
  std::vector<double> values;
  for (const TrialReport& report : row.reports)
    if (report.failure.empty()) values.push_back(report.metrics.accuracy);
  return values;
}

double mean_seconds(const Row& row) {
  double sum = 0.0;
  for (const TrialReport& report : row.reports) sum += report.train_seconds;
  return sum / static_cast<double>(row.reports.size());
}

std::string table_text(const std::vector<Row>& rows) {
  std::vector<std::vector<std::string>> cells = {{"change", "mean %", "seeds", "CPU s"}};
  for (const Row& row : rows) {
    std::vector<std::string> seeds;
    for (const TrialReport& report : row.reports)
      seeds.push_back(report.failure.empty() ? fmt::format("{:.1f}", 100.0 * report.metrics.accuracy) : "failed");
    const std::vector<double> values = accuracies_of(row);
    cells.push_back({row.change, values.empty() ? "-" : fmt::format("{:.2f}", 100.0 * summarize(values).mean),
                     fmt::format("{}", fmt::join(seeds, " ")), fmt::format("{:.1f}", mean_seconds(row))});
  }
  return render_table(cells);
}

nlohmann::json rows_json(const std::vector<Row>& rows) {
  nlohmann::json json = nlohmann::json::array();
  for (const Row& row : rows) {
    nlohmann::json seeds = nlohmann::json::array(), failures = nlohmann::json::array();
    for (const TrialReport& report : row.reports) {
      seeds.push_back(report.failure.empty() ? nlohmann::json(report.metrics.accuracy) : nlohmann::json());
      if (!report.failure.empty()) failures.push_back(report.failure);
    }
    json.push_back({{"change", row.change}, {"seeds", seeds}, {"cpu_seconds", mean_seconds(row)}});
    const std::vector<double> values = accuracies_of(row);
    if (!values.empty()) json.back()["accuracy"] = summary_json(summarize(values));
    if (!failures.empty()) json.back()["failures"] = failures;
  }
  return json;
}

int ablate(const Options& options, const CommandLine& line) {
  const TrainingSetup setup = load_setup(options.request);
  std::vector<Row> rows = rows_of(options, setup);
  TrainingRuns runs(line.folder + "/bitwright-trial", worker_count(options.request), options.request.quiet);
  train_all(rows, setup, runs);
  if (options.request.json) {
    std::cout << json_text(nlohmann::json{{"schema", 1},
                                          {"study", setup.study.name},
                                          {"network", setup.network.name},
                                          {"set", "validation"},
                                          {"windows", setup.validation_windows},
                                          {"seeds", setup.seeds},
                                          {"changes", rows_json(rows)},
                                          {"warnings", setup.warnings}})
              << "\n";
  } else {
    std::cout << fmt::format("{} on {}: {} on {} validation windows, {} seeds\n", setup.network.name, setup.study.name,
                             scores_of(setup.task).front().name, setup.validation_windows, setup.seeds.size())
              << table_text(rows);
    for (const std::string& warning : setup.warnings) std::cout << "warning: " << warning << "\n";
  }
  for (const Row& row : rows) print_failures(row.change, row.reports);
  return static_cast<int>(accuracies_of(rows[0]).empty() ? ExitCode::kFailed : ExitCode::kDone);
}

}  // namespace

void add_ablate(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("ablate", "Train a network with the study's recipe and with one change each");
  auto options = std::make_shared<Options>();
  add_training_options(*command, options->request);
  command->add_option("--only", options->only, "These changes: 'batch 32,mixup 0.2'")->delimiter(',');
  command->callback([=, &line] { line.action = [=, &line] { return ablate(*options, line); }; });
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/hash.h"
#include "core/io/json_text.h"
#include "core/io/load_data.h"
#include "core/io/load_study.h"
#include "core/io/model_json.h"
#include "core/op_profile.h"
#include "experiments/commands.h"
#include "experiments/export_package.h"
#include "experiments/scores.h"
#include "experiments/table.h"
#include "experiments/training_request.h"
#include "experiments/training_runs.h"

namespace bitwright {
namespace {

struct Options {
  TrainingRequest request;
  int folds = 0;
  std::string leave_out;
  bool float_twin = false;
  std::string package;  // folder; empty: none
  int vectors = 200;
};

// One way of cutting validation from training; without folds the study's own, of no name.
struct Fold {
  std::string name, config_json;
};

// A network and its trainings: fold by fold, each in the order of the seeds.
struct Trainings {
  std::string name;
  Network network;
  std::vector<TrialReport> reports;
};

// The request as it stands for the first fold: its data, and their warnings, are those that are looked at first.
TrainingRequest of_first_fold(const Options& options) {
  TrainingRequest request = options.request;
  const std::string by = options.folds > 0 ? "fold" : options.leave_out;
  if (!by.empty()) request.overrides.push_back(fmt::format("data.validation_by={}", by));
  if (options.folds > 0) request.overrides.push_back(fmt::format("data.folds={}", options.folds));
  return request;
}

std::vector<Fold> folds_of(const TrainingRequest& request, const TrainingSetup& setup) {
  const std::vector<std::string> names = fold_names(setup.study);
  if (names.empty()) return {{"", setup.study.config_json}};
  std::vector<Fold> folds;
  for (size_t i = 0; i < names.size(); ++i) {
    std::vector<std::string> overrides = request.overrides;
    overrides.push_back(fmt::format("data.fold={}", i));
    folds.push_back({names[i], load_study(request.study, overrides).config_json});
  }
  return folds;
}

// Workers keep the data of one fold: trainings of a fold lie side by side.
std::vector<Trainings> train_all(const Options& options, const TrainingSetup& setup, const std::vector<Fold>& folds,
                                 TrainingRuns& runs) {
  std::vector<Trainings> networks = {{setup.network.name, setup.network, {}}};
  if (options.float_twin) networks.push_back({"float32 twin", float_twin(setup.network), {}});
  std::vector<TrialSpec> specs;
  for (const Fold& fold : folds)
    for (const Trainings& trainings : networks)
      for (uint64_t seed : setup.seeds) {
        specs.push_back(training_spec(setup, seed, options.request.test));
        specs.back().config_json = fold.config_json;
        specs.back().network = trainings.network;
      }
  const std::vector<TrialReport> reports = runs.run(std::move(specs));
  for (size_t i = 0; i < reports.size(); ++i)
    networks[i / setup.seeds.size() % networks.size()].reports.push_back(reports[i]);
  return networks;
}

// What was scored in the trainings that worked; nothing if none did.
std::vector<ScoredSet> scored_sets(const Trainings& trainings, const TrainingSetup& setup) {
  ScoredSet validation{"validation", setup.task, setup.classes, {}};
  ScoredSet test{"test (final evaluation)", setup.task, setup.classes, {}};
  for (const TrialReport& report : trainings.reports) {
    if (!report.failure.empty()) continue;
    validation.runs.push_back(report.metrics);
    if (report.test) test.runs.push_back(*report.test);
  }
  std::vector<ScoredSet> sets;
  for (ScoredSet& set : {std::ref(validation), std::ref(test)})
    if (!set.runs.empty()) sets.push_back(std::move(set));
  return sets;
}

double mean_seconds(const Trainings& trainings) {
  std::vector<double> seconds;
  for (const TrialReport& report : trainings.reports) seconds.push_back(report.train_seconds);
  return summarize(seconds).mean;
}

// Mean accuracy of every fold.
std::string folds_text(const Trainings& trainings, const std::vector<Fold>& folds, size_t seeds) {
  std::vector<std::vector<std::string>> rows = {{"held out", "validation", "windows"}};
  for (size_t f = 0; f < folds.size(); ++f) {
    std::vector<double> values;
    int64_t windows = 0;
    for (size_t i = f * seeds; i < (f + 1) * seeds; ++i) {
      if (!trainings.reports[i].failure.empty()) continue;
      values.push_back(trainings.reports[i].metrics.accuracy);
      windows = trainings.reports[i].metrics.windows;
    }
    rows.push_back({folds[f].name, format_mean(values), std::to_string(windows)});
  }
  return render_table(rows);
}

std::string trainings_text(const Trainings& trainings, const TrainingSetup& setup, const std::vector<Fold>& folds) {
  std::string text = fmt::format("\n{}: {} trainings, {:.1f} CPU s each\n", trainings.name, trainings.reports.size(),
                                 mean_seconds(trainings));
  for (const ScoredSet& set : scored_sets(trainings, setup)) text += fmt::format("\n{}", render_scores(set));
  if (folds.size() > 1) text += fmt::format("\n{}", folds_text(trainings, folds, setup.seeds.size()));
  return text;
}

nlohmann::json trainings_json(const Trainings& trainings, const TrainingSetup& setup, const std::vector<Fold>& folds) {
  nlohmann::json runs = nlohmann::json::array(), sets = nlohmann::json::object();
  for (size_t i = 0; i < trainings.reports.size(); ++i) {
    const TrialReport& report = trainings.reports[i];
    runs.push_back({{"seed", setup.seeds[i % setup.seeds.size()]},
                    {"fold", folds[i / setup.seeds.size()].name},
                    {"failure", report.failure},
                    {"train_seconds", report.train_seconds}});
    if (report.failure.empty()) runs.back()["validation"] = report.metrics;
    if (report.test) runs.back()["test"] = *report.test;
    if (report.model) runs.back()["model_sha256"] = sha256_hex(nlohmann::json(*report.model).dump());
  }
  for (const ScoredSet& set : scored_sets(trainings, setup))
    sets[set.name.substr(0, set.name.find(' '))] = scores_json(set);
  return {{"name", trainings.name}, {"runs", runs}, {"scores", sets}};
}

std::string head_text(const TrainingSetup& setup) {
  return fmt::format("{} on {}: weights {:.2f} KiB, {} MACs, {} seeds\n", setup.network.name, setup.study.name,
                     static_cast<double>(op_profile(setup.network).total_bits) / 8192.0,
                     format_count(static_cast<double>(macs(setup.network))), setup.seeds.size());
}

nlohmann::json outcome_json(const TrainingSetup& setup, const std::vector<Fold>& folds,
                            const std::vector<Trainings>& networks) {
  nlohmann::json json = {{"schema", 1},
                         {"study", setup.study.name},
                         {"network", setup.network.name},
                         {"weight_bits", op_profile(setup.network).total_bits},
                         {"macs", macs(setup.network)},
                         {"seeds", setup.seeds},
                         {"warnings", setup.warnings}};
  for (const Trainings& trainings : networks) json["networks"].push_back(trainings_json(trainings, setup, folds));
  return json;
}

// The training of the network that does best on the validation set; nothing if none worked.
std::optional<size_t> best_training(const Trainings& trainings) {
  std::optional<size_t> best;
  for (size_t i = 0; i < trainings.reports.size(); ++i) {
    const TrialReport& report = trainings.reports[i];
    if (report.model && (!best || report.metrics.accuracy > trainings.reports[*best].metrics.accuracy)) best = i;
  }
  return best;
}

void export_best(const Options& options, const TrainingSetup& setup, const Trainings& trainings) {
  const std::optional<size_t> best = best_training(trainings);
  if (!best) return;
  const TrialReport& report = trainings.reports[*best];
  const ModelOrigin origin{fmt::format("network {}, seed {}", setup.network.name, setup.seeds[*best]),
                           report.metrics.accuracy};
  const ExportedPackage exported = export_model(*report.model, setup.study, load_training_data(setup.study), origin,
                                                options.package, options.vectors, {.execution = setup.study.execution});
  if (!exported.no_stream.empty()) std::cerr << "note: no stream: " << exported.no_stream << "\n";
  std::cerr << fmt::format("seed {} -> {} ({} golden vectors); check it with: bitwright verify {}\n",
                           setup.seeds[*best], options.package, exported.vectors, options.package);
}

int evaluate(const Options& options, const CommandLine& line) {
  const TrainingRequest request = of_first_fold(options);
  const TrainingSetup setup = load_setup(request);
  const std::vector<Fold> folds = folds_of(request, setup);
  TrainingRuns runs(line.folder + "/bitwright-trial", worker_count(options.request), options.request.quiet);
  const std::vector<Trainings> networks = train_all(options, setup, folds, runs);
  if (options.request.json) {
    std::cout << json_text(outcome_json(setup, folds, networks)) << "\n";
  } else {
    std::cout << head_text(setup);
    for (const Trainings& trainings : networks) std::cout << trainings_text(trainings, setup, folds);
    for (const std::string& warning : setup.warnings) std::cout << "warning: " << warning << "\n";
  }
  if (!options.package.empty()) export_best(options, setup, networks.front());
  size_t failed = 0;
  for (const Trainings& trainings : networks) failed += print_failures(trainings.name, trainings.reports);
  return static_cast<int>(failed == 0 ? ExitCode::kDone : ExitCode::kFailed);
}

}  // namespace

void add_evaluate(CLI::App& app, CommandLine& line) {
  auto* command =
      app.add_subcommand("evaluate", "Train one network with several seeds: how good it is, and how surely");
  auto options = std::make_shared<Options>();
  add_training_options(*command, options->request);
  auto* folds = command->add_option("--folds", options->folds, "Cross-validation: so many folds of the training part")
                    ->check(CLI::Range(2, 1000));
  auto* left_out =
      command
          ->add_option("--leave-out", options->leave_out, "Validate on each load, bearing, recording or group in turn")
          ->check(CLI::IsMember({"load", "bearing", "recording", "group"}))
          ->excludes(folds);
  command->add_flag("--test", options->request.test, "Score the test set too: a final evaluation");
  command->add_flag("--float", options->float_twin, "Train the float32 twin beside it");
  command->add_option("--package", options->package, "Export the best of the trainings as a C package to this folder")
      ->excludes(folds)
      ->excludes(left_out);
  command->add_option("--vectors", options->vectors, "... with so many golden vectors from the validation set")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->callback([=, &line] { line.action = [=, &line] { return evaluate(*options, line); }; });
}

}  // namespace bitwright

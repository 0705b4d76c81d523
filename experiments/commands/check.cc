// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/load_data.h"
#include "core/io/load_study.h"
#include "experiments/commands.h"
#include "experiments/study_session.h"
#include "experiments/table.h"

namespace bitwright {
namespace {

constexpr int kSamples = 1000;  // random candidates that stand for the space

struct Options {
  std::string study;
  std::vector<std::string> overrides;
  bool json = false;
};

struct Feasibility {
  int fits = 0;
  std::map<std::string, int> broken;  // rule -> candidates
  double mean_macs = 0.0;             // of those that fit
};

Feasibility sample_space(const SearchSpace& space, const CandidateRules& rules, uint64_t seed) {
  Feasibility found;
  Rng rng(seed);
  for (int i = 0; i < kSamples; ++i) {
    const Network network = space.sample(rng).network;
    auto violations = rules.check_structure(network);
    Estimates estimates;
    if (violations.empty()) violations = rules.check_budgets(estimates = rules.estimate(network));
    for (const Violation& v : violations) ++found.broken[v.rule];
    if (!violations.empty()) continue;
    ++found.fits;
    found.mean_macs += static_cast<double>(estimates.macs);
  }
  if (found.fits > 0) found.mean_macs /= found.fits;
  return found;
}

std::vector<std::string> count_row(const std::string& name, int64_t train, int64_t validation, int64_t test) {
  return {name, std::to_string(train), std::to_string(validation), std::to_string(test)};
}

int64_t sum(const std::vector<int64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), int64_t{0});
}

std::string data_text(const DataSummary& data) {
  std::vector<std::vector<std::string>> rows = {{"class", "train", "validation", "test"}};
  for (size_t c = 0; c < data.classes.size(); ++c)
    rows.push_back(count_row(data.classes[c], data.train[c], data.validation[c], data.test[c]));
  if (!data.targets.empty()) rows.front().front() = fmt::format("targets {}", fmt::join(data.targets, ", "));
  rows.push_back(count_row("all", sum(data.train), sum(data.validation), sum(data.test)));
  return fmt::format("input {}x{}x{}; held out: {}\n", data.input.h, data.input.w, data.input.c, data.held_out) +
         render_table(rows);
}

// About 15 us + 0.15 us per thousand multiply-accumulates and training window, on one core: `./do bench --training` on a
// machine with AVX-512.
double trial_seconds(double macs, int64_t windows, int epochs) {
  return (15e-6 + 0.15e-9 * macs) * static_cast<double>(windows) * epochs;
}

std::string space_text(const Study& study, double size, const Feasibility& found, int64_t windows) {
  std::string out =
      fmt::format("space: {:.4g} points; of {} random ones {} fit {}", size, kSamples, found.fits, study.board.name);
  for (const auto& [rule, count] : found.broken) out += fmt::format(", {} break {}", count, rule);
  if (found.fits > 0)
    out += fmt::format("\na trial takes about {:.0f} s of one core ({} epochs of {} windows, {} MACs on average)",
                       trial_seconds(found.mean_macs, windows, study.recipe.epochs), study.recipe.epochs, windows,
                       format_count(found.mean_macs));
  return out + "\n";
}

// A data set without its examples: what a search space needs to know.
Dataset outline(const Study& study, const DataSummary& data) {
  Dataset outline;
  outline.task = data.task;
  outline.front_end.output = data.input;
  outline.front_end.format = study.data.input_format;
  outline.classes = data.classes;
  outline.target_names = data.targets;
  return outline;
}

nlohmann::json data_json(const Study& study, const DataSummary& data) {
  return {{"schema", 1},
          {"study", study.name},
          {"board", study.board.name},
          {"config", nlohmann::json::parse(study.config_json)},
          {"classes", data.classes},
          {"targets", data.targets},
          {"windows", {{"train", data.train}, {"validation", data.validation}, {"test", data.test}}},
          {"held_out", data.held_out},
          {"warnings", data.warnings}};
}

int check(const Options& options) {
  const Study study = load_study(options.study, options.overrides);
  load_training_data(study);  // refuses what a search would refuse
  const DataSummary data = summarize_data(study);
  nlohmann::json json = data_json(study, data);
  std::string text = data_text(data);
  ExitCode code = ExitCode::kDone;
  if (data.task == Task::kAnomaly) {
    text += "space: none for anomalies; train an auto-encoder of your own with bitwright evaluate\n";
  } else {
    const SearchSpace space = space_of(study, outline(study, data));
    const Feasibility found = sample_space(space, rules_of(study), study.search.seed);
    text += space_text(study, space.size(), found, sum(data.train));
    json.update(
        {{"space_points", space.size()}, {"sampled", kSamples}, {"fits", found.fits}, {"broken", found.broken}});
    if (found.fits == 0) code = ExitCode::kNothingFits;
  }
  for (const std::string& warning : data.warnings) text += "warning: " + warning + "\n";
  std::cout << (options.json ? json.dump(2) + "\n" : text);
  return static_cast<int>(code);
}

}  // namespace

void add_check(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("check", "Schema, data, board, size of the space, rough cost; no training");
  auto options = std::make_shared<Options>();
  command->add_option("study", options->study, "The study's YAML")->required();
  command->add_option("overrides", options->overrides, "Fields to set: data.protocol=time");
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->callback([=, &line] { line.action = [=] { return check(*options); }; });
}

}  // namespace bitwright

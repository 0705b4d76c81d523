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

std::string data_text(const DataSummary& data) {
  std::vector<std::vector<std::string>> rows = {{"class", "train", "validation", "test"}};
  int64_t train = 0, validation = 0, test = 0;
  for (size_t c = 0; c < data.classes.size(); ++c) {
    rows.push_back({data.classes[c], std::to_string(data.train[c]), std::to_string(data.validation[c]),
                    std::to_string(data.test[c])});
    train += data.train[c];
    validation += data.validation[c];
    test += data.test[c];
  }
  rows.push_back({"all", std::to_string(train), std::to_string(validation), std::to_string(test)});
  return fmt::format("input {}x{}x{}; held out: {}\n", data.input.h, data.input.w, data.input.c, data.held_out) +
         render_table(rows);
}

// Measured: about 60 us + 0.25 us per thousand multiply-accumulates and training window, on one core.
double trial_seconds(double macs, int64_t windows, int epochs) {
  return (60e-6 + 0.25e-9 * macs) * static_cast<double>(windows) * epochs;
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

int check(const Options& options) {
  const Study study = load_study(options.study, options.overrides);
  load_training_data(study);  // refuses what a search would refuse
  const DataSummary data = summarize_data(study);
  Dataset shape;
  shape.front_end.output = data.input;
  shape.front_end.format = study.data.input_format;
  shape.classes = data.classes;
  const SearchSpace space = space_of(study, shape);
  const Feasibility found = sample_space(space, rules_of(study), study.search.seed);
  const int64_t windows = std::accumulate(data.train.begin(), data.train.end(), int64_t{0});
  if (options.json) {
    std::cout << nlohmann::json{{"schema", 1},
                                {"study", study.name},
                                {"board", study.board.name},
                                {"config", nlohmann::json::parse(study.config_json)},
                                {"classes", data.classes},
                                {"windows",
                                 {{"train", data.train}, {"validation", data.validation}, {"test", data.test}}},
                                {"held_out", data.held_out},
                                {"warnings", data.warnings},
                                {"space_points", space.size()},
                                {"sampled", kSamples},
                                {"fits", found.fits},
                                {"broken", found.broken}}
                     .dump(2)
              << "\n";
  } else {
    std::cout << data_text(data) << space_text(study, space.size(), found, windows);
    for (const std::string& warning : data.warnings) std::cout << "warning: " << warning << "\n";
  }
  return static_cast<int>(found.fits > 0 ? ExitCode::kDone : ExitCode::kNothingFits);
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

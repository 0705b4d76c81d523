// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "constraints/constraints.h"
#include "core/error.h"
#include "core/io/json_text.h"
#include "core/io/load_data.h"
#include "core/io/load_study.h"
#include "core/io/model_json.h"
#include "estimators/cost_table.h"
#include "estimators/duty_cycle.h"
#include "experiments/board_fits.h"
#include "experiments/commands.h"
#include "experiments/duty_cycle_text.h"
#include "experiments/infeasibility_text.h"
#include "experiments/limits_text.h"
#include "experiments/measure_trial.h"
#include "experiments/study_session.h"
#include "experiments/table.h"
#include "search/smallest.h"

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
  std::map<std::string, int> fit_on;  // board -> candidates, reported boards too; empty where the study has one board
  double mean_macs = 0.0;             // of those that fit
  double least_uw = 0.0, most_uw = 0.0;  // average power of those that fit; 0 without a duty cycle
};

void add_boards(const Study& study, const Network& network, const Estimates& estimates, Feasibility& found) {
  if (!tells_boards(study)) return;
  for (const BoardFit& fit : board_fits(study, network, estimates))
    if (fit.estimates) found.fit_on[fit.board.name] += fit.fits();
}

void add_fitting(const Estimates& e, Feasibility& found) {
  found.mean_macs += (static_cast<double>(e.macs) - found.mean_macs) / ++found.fits;
  found.least_uw = found.fits == 1 ? e.average_power_uw : std::min(found.least_uw, e.average_power_uw);
  found.most_uw = std::max(found.most_uw, e.average_power_uw);
}

Feasibility sample_space(const Study& study, const SearchSpace& space) {
  const CandidateRules rules = rules_of(study);
  Feasibility found;
  Rng rng(study.search.seed);
  for (int i = 0; i < kSamples; ++i) {
    const Network network = space.sample(rng).network;
    auto violations = rules.check_structure(network);
    Estimates estimates;
    if (violations.empty()) {
      violations = rules.check_budgets(estimates = rules.estimate(network));
      add_boards(study, network, estimates, found);
    }
    for (const Violation& v : worst_by_rule(violations)) ++found.broken[v.rule];
    if (violations.empty()) add_fitting(estimates, found);
  }
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

// About 15 us + 0.15 us per thousand multiply-accumulates and training window, on one core: `./do bench --training` on
// a machine with AVX-512.
double trial_seconds(double macs, int64_t windows, int epochs) {
  return (15e-6 + 0.15e-9 * macs) * static_cast<double>(windows) * epochs;
}

// Of candidates that fit, least to most.
std::string power_text(const Study& study, const Feasibility& found) {
  if (found.fits == 0 || found.most_uw <= 0.0) return "";
  std::string text = fmt::format("\naverage power of those that fit {}..{}", format_microwatts(found.least_uw),
                                 format_microwatts(found.most_uw));
  if (!tells_battery(study)) return text;
  return text + fmt::format("; the battery lasts {}..{}",
                            format_life(battery_hours(found.most_uw, study.board, study.duty_cycle)),
                            format_life(battery_hours(found.least_uw, study.board, study.duty_cycle)));
}

std::string space_text(const Study& study, double size, const Feasibility& found, int64_t windows) {
  std::string out = fmt::format("space: {:.4g} points; of {} random ones {} fit {}", size, kSamples, found.fits,
                                board_names_text(study));
  for (const auto& [rule, count] : found.broken) out += fmt::format(", {} break {}", count, rule);
  for (const auto& [board, count] : found.fit_on) out += fmt::format("\n  on {}: {} fit", board, count);
  for (const Board& board : study.report_boards)
    if (!has_cost_table(board.core))
      out += fmt::format("\n  {}: nothing is known of its core {}", board.name, board.core);
  out += power_text(study, found);
  if (found.fits > 0)
    out += fmt::format("\na trial takes about {:.0f} s of one core ({} epochs of {} windows, {} MACs on average)",
                       trial_seconds(found.mean_macs, windows, study.recipe.epochs), study.recipe.epochs, windows,
                       format_count(found.mean_macs));
  return out + "\n";
}

nlohmann::json space_json(const Study& study, double size, const Feasibility& found) {
  nlohmann::json json = {{"space_points", size}, {"sampled", kSamples}, {"fits", found.fits}, {"broken", found.broken}};
  if (tells_boards(study)) json["fit_on"] = found.fit_on;
  if (!study.duty_cycle.given()) return json;
  json["duty_cycle"] = duty_cycle_json(study);
  json["average_power_uw"] = {{"least", known(found.least_uw)}, {"most", known(found.most_uw)}};
  return json;
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
          {"held_out", data.held_out}};
}

std::string limits_line(const Study& study) {
  const std::string limits = limits_text(study);
  return (limits.empty() ? "" : "limits:" + limits.substr(1) + "\n") + duty_cycle_text(study);
}

// What a search would meet where none of the random candidates fits; kNothingFits where no other does either.
ExitCode explain_no_fit(const Study& study, const SearchSpace& space, std::string& text, nlohmann::json& json) {
  const Infeasibility why = diagnose_infeasibility(space, rules_of(study), study.search.seed);
  text += infeasibility_text(why, study);
  json["infeasibility"] = infeasibility_json(why);
  if (why.nearest && why.nearest_violations.empty()) return ExitCode::kDone;
  std::cerr << "error: no candidate of the space fits the limits\n";
  return ExitCode::kNothingFits;
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
    const Feasibility found = sample_space(study, space);
    text += limits_line(study) + space_text(study, space.size(), found, sum(data.train));
    json.update(space_json(study, space.size(), found));
    if (found.fits == 0) code = explain_no_fit(study, space, text, json);
  }
  std::vector<std::string> warnings = data.warnings;
  if (const std::string why = why_not_measurable(study); !why.empty()) warnings.push_back(why);
  json["warnings"] = warnings;
  for (const std::string& warning : warnings) text += "warning: " + warning + "\n";
  std::cout << (options.json ? json_text(json) + "\n" : text);
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

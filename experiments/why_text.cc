// SPDX-License-Identifier: Apache-2.0
#include "experiments/why_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "experiments/table.h"
#include "search/expected_gain.h"
#include "search/expected_improvement.h"

namespace bitwright {
namespace {

// What the words of ProposalProvenance::source stand for.
std::string meaning_of(const std::string& source) {
  static const std::map<std::string, std::string> kMeanings = {
      {"initial", "one of the first, far from the others in choices and costs"},
      {"model", "what the model expects most of"},
      {"forest", "what a forest expects most of, which lately foretold errors better than the model"},
      {"boundary", "near the edge of what comes out, as far as it is known"},
      {"evolution", "a change of what did well"},
      {"nsga2", "a child of two that did well"},
      {"sobol", "the next of points that cover the space evenly"},
      {"first population", "drawn at random, for a first population"},
      {"random", "drawn at random"},
      {"rung", "what the model expects most of by the epochs left"},
      {"first", "one of the first, which are trained to the end"},
      {"halving", "among the best that stopped there, or one of the first, which are trained to the end"},
      {"earlier", "of the front of an earlier study (search.warm_start)"},
      {"user", "of the study's search.designs"}};
  const auto meaning = kMeanings.find(source);
  return meaning == kMeanings.end() ? source : fmt::format("{}: {}", source, meaning->second);
}

std::string outcome_text(const Trial& trial) {
  if (trial.state == TrialState::kComplete) return "accuracy " + format_percent(trial.metrics.accuracy);
  if (trial.state == TrialState::kStopped)
    return fmt::format("accuracy {} after {:g} % of the epochs, where it stopped",
                       format_percent(trial.metrics.accuracy), 100.0 * trial.fidelity);
  std::string text = trial_state_name(trial.state);
  if (has_accuracy(trial)) text = fmt::format("accuracy {}, {}", format_percent(trial.metrics.accuracy), text);
  return trial.violations.empty() ? text : fmt::format("{}: {}", text, trial.violations.front().message);
}

std::string parents_text(const std::vector<Trial>& parents) {
  if (parents.empty()) return "";
  std::string text =
      parents.size() == 1 ? "made by mutation, perhaps in several steps, of\n" : "made by crossover of\n";
  for (const Trial& parent : parents) text += fmt::format("  #{}  {}\n", parent.number, outcome_text(parent));
  return text;
}

double expected_error(const Opinion& opinion, double deviations = 0.0) {
  return std::exp(opinion.mean + deviations * opinion.deviation);
}

std::string expected_text(const ProposalProvenance& from) {
  if (!from.opinion) return "";
  const Opinion& opinion = *from.opinion;
  std::string text = fmt::format("expected: error {:.2g} %, within one deviation {:.2g} .. {:.2g} %; success {:.0f} %",
                                 100.0 * expected_error(opinion), 100.0 * expected_error(opinion, -1.0),
                                 100.0 * expected_error(opinion, 1.0), 100.0 * std::exp(opinion.log_success));
  if (const auto gain = expected_gain(from)) text += fmt::format("; {:.2g} % more hypervolume", 100.0 * *gain);
  return text + "\n";
}

std::string continuations_text(const std::vector<Continuation>& continuations) {
  std::string text;
  for (const Continuation& each : continuations)
    text += fmt::format("went on to {:g} % of the epochs when {} results were known\n{}\n{}", 100.0 * each.fidelity,
                        each.ask_watermark, meaning_of(each.provenance.source), expected_text(each.provenance));
  return text;
}

nlohmann::json expected_json(const ProposalProvenance& from) {
  nlohmann::json json = {{"error", expected_error(*from.opinion)},
                         {"error_low", expected_error(*from.opinion, -1.0)},
                         {"error_high", expected_error(*from.opinion, 1.0)},
                         {"success", std::exp(from.opinion->log_success)},
                         {"log_acquisition", from.opinion->log_acquisition}};
  if (const auto gain = expected_gain(from)) json["hypervolume_gain"] = *gain;
  return json;
}

nlohmann::json continuation_json(const Continuation& continuation) {
  nlohmann::json json = {{"fidelity", continuation.fidelity},
                         {"results_seen", continuation.ask_watermark},
                         {"source", continuation.provenance.source},
                         {"code", continuation.provenance.code}};
  if (continuation.provenance.opinion) json["expected"] = expected_json(continuation.provenance);
  return json;
}

std::string came_out_text(const Trial& trial) {
  const std::optional<double> deviations = surprise(trial);
  if (!deviations) return fmt::format("came out: {}\n", outcome_text(trial));
  return fmt::format("came out: error {:.2g} %, {:.1f} deviations {} what was expected\n",
                     100.0 * (1.0 - trial.metrics.accuracy), std::abs(*deviations),
                     *deviations > 0 ? "above" : "below");
}

std::string rejected_text(const std::map<std::string, int64_t>& rejected) {
  std::vector<std::string> rules;
  for (const auto& [rule, candidates] : rejected) rules.push_back(fmt::format("{} {}", rule, candidates));
  return rules.empty() ? "none" : fmt::format("{}", fmt::join(rules, ", "));
}

}  // namespace

std::optional<double> surprise(const Trial& trial) {
  const std::optional<Opinion>& opinion = trial.provenance.opinion;
  const bool trained = has_accuracy(trial) && trial.state != TrialState::kStopped;
  if (!opinion || !trained || trial.metrics.windows <= 0) return std::nullopt;
  const double resolution = 1.0 / static_cast<double>(trial.metrics.windows);
  return (log_error(1.0 - trial.metrics.accuracy, resolution) - opinion->mean) / opinion->deviation;
}

std::string why_text(const Trial& trial, const WhyContext& context) {
  const ProposalProvenance& from = trial.provenance;
  const std::string seen =
      fmt::format("trial #{}, proposed when {} results were known", trial.number, trial.ask_watermark);
  if (from.source.empty())
    return fmt::format("{}\n{}\nnothing more was stored: an earlier version proposed it\n", seen, trial.source);
  std::string text =
      fmt::format("{}{}\n{}\n", seen, from.code.empty() ? "" : ", by bitwright " + from.code, meaning_of(from.source));
  text += parents_text(context.parents) + expected_text(from) + continuations_text(context.continuations);
  return text + came_out_text(trial) + fmt::format("passed over on the way: {}\n", rejected_text(from.rejected));
}

nlohmann::json why_json(const Trial& trial, const WhyContext& context) {
  const ProposalProvenance& from = trial.provenance;
  nlohmann::json json = {{"source", from.source},
                         {"results_seen", trial.ask_watermark},
                         {"parents", nlohmann::json::array()},
                         {"rejected", from.rejected},
                         {"code", from.code}};
  for (const Trial& parent : context.parents)
    json["parents"].push_back(
        {{"trial", parent.number}, {"state", trial_state_name(parent.state)}, {"accuracy", parent.metrics.accuracy}});
  for (const Continuation& continuation : context.continuations)
    json["continuations"].push_back(continuation_json(continuation));
  if (!from.opinion) return json;
  json["expected"] = expected_json(from);
  if (const auto deviations = surprise(trial)) json["deviations"] = *deviations;
  return json;
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "experiments/trial_list.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cmath>
#include <ctime>
#include <nlohmann/json.hpp>

#include "core/dimensions.h"
#include "core/io/model_json.h"
#include "experiments/table.h"
#include "search/pareto.h"

namespace bitwright {
namespace {

// Op codes and states of Optuna's journal.
constexpr int kCreateStudy = 0, kCreateTrial = 4;
constexpr int kMinimize = 1;
constexpr int kOptunaRunning = 0, kOptunaComplete = 1, kOptunaPruned = 2, kOptunaFail = 3;

// "2026-11-24T09:30:00.250000", of microseconds since 1970; empty of 0.
std::string utc_text(int64_t us) {
  if (us == 0) return "";
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}", fmt::gmtime(static_cast<std::time_t>(us / 1'000'000)),
                     us % 1'000'000);
}

// Bytes that are not UTF-8, as a worker may have printed them, become U+FFFD.
std::string line_of(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

// The numbers of a JSON object, in its order, without lists; null of what is not known.
std::vector<std::pair<std::string, nlohmann::json>> figures(const nlohmann::json& object) {
  std::vector<std::pair<std::string, nlohmann::json>> all;
  for (const auto& [name, value] : object.items())
    if (value.is_number() || value.is_null()) all.emplace_back(name, value);
  return all;
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == text.npos) return text;
  std::string escaped;
  for (const char c : text) escaped.append(c == '"' ? 2 : 1, c);
  return fmt::format("\"{}\"", escaped);
}

std::string csv_line(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = csv_cell(cell);
  return fmt::format("{}\n", fmt::join(cells, ","));
}

// What may be measured of a package, on each of the study's boards; nothing where the study measures none.
std::vector<std::pair<std::string, std::string>> measured_columns(const Study& study) {
  std::vector<std::pair<std::string, std::string>> columns;  // quantity, board
  if (study.search.measure == Measure::kNone) return columns;
  for (const char* quantity : {"flash", "ram", "latency", "energy", "average_power"})
    for (const Board& board : boards_of(study)) columns.emplace_back(quantity, board.name);
  return columns;
}

std::vector<std::string> csv_titles(const std::vector<Dimension>& dimensions, const Study& study) {
  std::vector<std::string> titles = {"trial",   "state", "fidelity",      "source",       "parents",
                                     "seed",    "hash",  "attempt",       "results_seen", "rejected",
                                     "started", "ended", "train_seconds", "failure"};
  for (const Dimension& dimension : dimensions) titles.push_back(dimension.name);
  for (const auto& [name, value] : figures(Estimates{})) titles.push_back("estimate." + name);
  for (const auto& [name, value] : figures(Metrics{})) titles.push_back("validation." + name);
  for (const auto& [quantity, board] : measured_columns(study))
    titles.push_back(fmt::format("measured.{}.{}", quantity, board));
  return titles;
}

std::string measured_cell(const Trial& trial, const std::string& quantity, const std::string& board) {
  const auto boards = trial.measured.find(quantity);
  if (boards == trial.measured.end() || !boards->second.contains(board)) return "";
  return fmt::format("{}", boards->second.at(board).measured);
}

std::vector<std::string> csv_cells(const Trial& trial, const std::vector<Dimension>& dimensions, const Study& study) {
  std::vector<std::string> cells = {std::to_string(trial.number),
                                    trial_state_name(trial.state),
                                    fmt::format("{}", trial.fidelity),
                                    trial.provenance.source,
                                    fmt::format("{}", fmt::join(trial.provenance.parents, " ")),
                                    std::to_string(trial.seed),
                                    trial.candidate.hash,
                                    std::to_string(trial.attempt),
                                    std::to_string(trial.ask_watermark),
                                    std::to_string(trial.rejected),
                                    utc_text(trial.started_us),
                                    utc_text(trial.ended_us),
                                    fmt::format("{}", trial.train_seconds),
                                    trial.failure};
  for (const Dimension& dimension : dimensions) {
    const auto value = trial.candidate.parameters.find(dimension.name);
    cells.push_back(value == trial.candidate.parameters.end() ? "" : value->second);
  }
  for (const auto& [name, value] : figures(trial.estimates)) cells.push_back(value.is_null() ? "" : value.dump());
  for (const auto& [name, value] : figures(trial.metrics))
    cells.push_back(has_accuracy(trial) && !value.is_null() ? value.dump() : "");
  for (const auto& [quantity, board] : measured_columns(study)) cells.push_back(measured_cell(trial, quantity, board));
  return cells;
}

nlohmann::json trial_line(const Trial& trial) {
  nlohmann::json estimates = nlohmann::json::object(), validation = nlohmann::json::object();
  nlohmann::json measured = nlohmann::json::object();
  for (const auto& [quantity, boards] : trial.measured)
    for (const auto& [board, cost] : boards) measured[quantity][board] = cost.measured;
  for (const auto& [name, value] : figures(trial.estimates)) estimates[name] = value;
  for (const auto& [name, value] : figures(trial.metrics)) validation[name] = value;
  return {{"schema", 1},
          {"trial", trial.number},
          {"state", trial_state_name(trial.state)},
          {"fidelity", trial.fidelity},
          {"source", trial.provenance.source},
          {"parents", trial.provenance.parents},
          {"seed", trial.seed},
          {"hash", trial.candidate.hash},
          {"attempt", trial.attempt},
          {"results_seen", trial.ask_watermark},
          {"rejected", trial.rejected},
          {"started", utc_text(trial.started_us)},
          {"ended", trial.ended_us == 0 ? nlohmann::json() : nlohmann::json(utc_text(trial.ended_us))},
          {"train_seconds", trial.train_seconds},
          {"failure", trial.failure},
          {"parameters", trial.candidate.parameters},
          {"estimates", estimates},
          {"validation", has_accuracy(trial) ? validation : nlohmann::json()},
          {"measured", measured}};
}

int optuna_state(TrialState state) {
  switch (state) {
    case TrialState::kRunning: return kOptunaRunning;
    case TrialState::kStopped: return kOptunaPruned;
    case TrialState::kComplete: return kOptunaComplete;
    case TrialState::kInfeasible:
    case TrialState::kFailed: break;
  }
  return kOptunaFail;
}

nlohmann::json user_attributes(const Trial& trial) {
  nlohmann::json attributes = {{"source", trial.provenance.source}, {"hash", trial.candidate.hash}};
  for (const auto& [name, value] : figures(trial.estimates)) attributes["estimate." + name] = value;
  if (has_accuracy(trial))
    for (const auto& [name, value] : figures(trial.metrics)) attributes["validation." + name] = value;
  return attributes;
}

nlohmann::json journal_line(const Trial& trial, const Goals& goals, const std::vector<Dimension>& dimensions) {
  nlohmann::json parameters = nlohmann::json::object(), distributions = nlohmann::json::object();
  for (const Dimension& dimension : dimensions) {
    const auto value = trial.candidate.parameters.find(dimension.name);
    if (value == trial.candidate.parameters.end()) continue;
    const auto choice = std::ranges::find(dimension.choices, value->second);
    parameters[dimension.name] = choice - dimension.choices.begin();
    distributions[dimension.name] =
        nlohmann::json{{"name", "CategoricalDistribution"}, {"attributes", {{"choices", dimension.choices}}}}.dump();
  }
  nlohmann::json epochs = nlohmann::json::object();
  for (const EpochRecord& epoch : trial.epochs)
    if (std::isfinite(epoch.validation_accuracy)) epochs[std::to_string(epoch.epoch)] = 1.0 - epoch.validation_accuracy;
  const bool complete = trial.state == TrialState::kComplete;
  nlohmann::json values = complete ? nlohmann::json(objective_values(trial, goals)) : nlohmann::json();
  const bool single = complete && values.size() == 1;
  nlohmann::json line = {{"op_code", kCreateTrial},
                         {"worker_id", "bitwright"},
                         {"study_id", 0},
                         {"state", optuna_state(trial.state)},
                         {"value", single ? values[0] : nlohmann::json()},
                         {"values", single ? nlohmann::json() : values},
                         {"datetime_start", utc_text(trial.started_us)},
                         {"distributions", distributions},
                         {"params", parameters},
                         {"user_attrs", user_attributes(trial)},
                         {"system_attrs", nlohmann::json::object()},
                         {"intermediate_values", epochs}};
  if (trial.ended_us > 0) line["datetime_complete"] = utc_text(trial.ended_us);
  return line;
}

std::string cost_text(const std::string& objective, double cost) {
  if (objective == "flash" || objective == "ram") return format_bytes(static_cast<int64_t>(cost));
  if (objective == "latency") return format_microseconds(cost);
  if (objective == "energy") return format_microjoules(cost);
  if (objective == "average_power") return format_microwatts(cost);
  return format_count(cost);
}

}  // namespace

std::string render_trials(const std::vector<Trial>& trials, const Study& study) {
  Goals costs = goals_of(study);
  costs.soft_limits = {};
  std::vector<std::vector<std::string>> rows = {{"trial", "state", "validation"}};
  rows[0].insert(rows[0].end(), costs.objectives.begin(), costs.objectives.end());
  rows[0].insert(rows[0].end(), {"CPU", "source"});
  for (const Trial& trial : trials) {
    std::vector<std::string> row = {fmt::format("#{}", trial.number), trial_state_name(trial.state),
                                    has_accuracy(trial) ? format_percent(trial.metrics.accuracy) : "-"};
    const ObjectiveVector values = known_objective_values(trial.estimates, costs);
    for (size_t k = 0; k < values.size(); ++k) row.push_back(cost_text(costs.objectives[k], values[k]));
    row.push_back(format_duration(trial.train_seconds));
    row.push_back(trial.failure.empty() ? trial.source : trial.failure);
    rows.push_back(std::move(row));
  }
  return render_table(rows);
}

std::string trials_csv(const std::vector<Trial>& trials, const Study& study) {
  const std::vector<Dimension> dimensions = dimensions_of(study.space);
  std::string text = csv_line(csv_titles(dimensions, study));
  for (const Trial& trial : trials) text += csv_line(csv_cells(trial, dimensions, study));
  return text;
}

std::string trials_json_lines(const std::vector<Trial>& trials) {
  std::string text;
  for (const Trial& trial : trials) text += line_of(trial_line(trial));
  return text;
}

std::string trials_optuna_journal(const std::vector<Trial>& trials, const Study& study) {
  const std::vector<int> directions(1 + study.objectives.size(), kMinimize);
  std::string text = line_of(
      {{"op_code", kCreateStudy}, {"worker_id", "bitwright"}, {"study_name", study.name}, {"directions", directions}});
  const std::vector<Dimension> dimensions = dimensions_of(study.space);
  Goals goals = goals_of(study);
  goals.soft_limits = {};  // as the store's views have them
  for (const Trial& trial : trials) text += line_of(journal_line(trial, goals, dimensions));
  return text;
}

}  // namespace bitwright

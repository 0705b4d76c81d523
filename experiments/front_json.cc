// SPDX-License-Identifier: Apache-2.0
#include "experiments/front_json.h"

#include "core/io/model_json.h"
#include "estimators/duty_cycle.h"
#include "experiments/board_fits.h"
#include "experiments/duty_cycle_text.h"

namespace bitwright {
namespace {

nlohmann::json measured_json(const Trial& trial) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [quantity, boards] : trial.measured)
    for (const auto& [board, cost] : boards)
      json[quantity][board] = {{"estimated", cost.estimated}, {"measured", cost.measured}};
  return json;
}

// What depends on the study's boards and duty cycle.
void add_study(nlohmann::json& json, const Trial& trial, const Study& study) {
  if (tells_boards(study)) json["boards"] = board_fits_json(study, trial.candidate.network);
  if (tells_battery(study))
    json["battery_hours"] = known(battery_hours(trial.estimates.average_power_uw, study.board, study.duty_cycle));
}

}  // namespace

nlohmann::json trial_json(const Trial& trial, const std::optional<Metrics>& test, const Study& study) {
  nlohmann::json json = {{"schema", 1},
                         {"trial", trial.number},
                         {"state", trial_state_name(trial.state)},
                         {"fidelity", trial.fidelity},
                         {"source", trial.source},
                         {"seed", trial.seed},
                         {"hash", trial.candidate.hash},
                         {"parameters", trial.candidate.parameters},
                         {"network", trial.candidate.network},
                         {"estimates", trial.estimates},
                         {"measured", measured_json(trial)},
                         {"violations", trial.violations},
                         {"validation", trial.metrics},
                         {"epochs", trial.epochs},
                         {"failure", trial.failure},
                         {"train_seconds", trial.train_seconds},
                         {"rejected", trial.rejected},
                         {"attempt", trial.attempt},
                         {"execution", trial.execution},
                         {"host", trial.host}};
  if (test) json["test"] = *test;
  add_study(json, trial, study);
  return json;
}

nlohmann::json front_json(const std::vector<FrontPoint>& front, const Study& study) {
  nlohmann::json points = nlohmann::json::array();
  for (const FrontPoint& point : front) points.push_back(trial_json(point.trial, point.test, study));
  nlohmann::json json = {{"schema", 1},
                         {"study", study.name},
                         {"board", study.board.name},
                         {"boards", board_names(boards_of(study))},
                         {"report_boards", board_names(study.report_boards)},
                         {"front", std::move(points)},
                         {"warnings", result_warnings(study)}};
  if (study.duty_cycle.given()) json["duty_cycle"] = duty_cycle_json(study);
  return json;
}

}  // namespace bitwright

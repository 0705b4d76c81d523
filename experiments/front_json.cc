// SPDX-License-Identifier: Apache-2.0
#include "experiments/front_json.h"

#include "core/io/model_json.h"

namespace bitwright {

nlohmann::json trial_json(const Trial& trial, const std::optional<Metrics>& test) {
  nlohmann::json json = {{"schema", 1},
                         {"trial", trial.number},
                         {"state", trial_state_name(trial.state)},
                         {"source", trial.source},
                         {"seed", trial.seed},
                         {"hash", trial.candidate.hash},
                         {"parameters", trial.candidate.parameters},
                         {"network", trial.candidate.network},
                         {"estimates", trial.estimates},
                         {"violations", trial.violations},
                         {"validation", trial.metrics},
                         {"epochs", trial.epochs},
                         {"failure", trial.failure},
                         {"train_seconds", trial.train_seconds},
                         {"rejected", trial.rejected},
                         {"attempt", trial.attempt}};
  if (test) json["test"] = *test;
  return json;
}

nlohmann::json front_json(const std::vector<FrontPoint>& front, const Study& study) {
  nlohmann::json points = nlohmann::json::array();
  for (const FrontPoint& point : front) points.push_back(trial_json(point.trial, point.test));
  return {{"schema", 1},
          {"study", study.name},
          {"board", study.board.name},
          {"front", std::move(points)},
          {"warnings", result_warnings(study)}};
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "experiments/executor_trials.h"

#include <nlohmann/json.hpp>

#include "core/io/model_json.h"
#include "core/study.h"

namespace bitwright {

TrialSpec spec_of(const Trial& trial, const std::string& config_json, const Recipe& recipe) {
  TrialSpec spec{.config_json = config_json,
                 .number = trial.number,
                 .attempt = trial.attempt,
                 .seed = trial.seed,
                 .may_go_on = trial.fidelity < 1.0,
                 .network = trial.candidate.network};
  for (const double rung : trial.rungs) spec.stages.push_back(epochs_at(rung, recipe));
  spec.stages.push_back(epochs_at(trial.fidelity, recipe));
  return spec;
}

TrialResult result_of(const TrialReport& report) {
  TrialResult result{.number = report.number,
                     .attempt = report.attempt,
                     .metrics = report.metrics,
                     .epochs = report.epochs,
                     .failure = report.failure,
                     .train_seconds = report.train_seconds,
                     .execution = report.execution,
                     .host = report.host};
  if (report.model) result.artifacts.push_back({"model", nlohmann::json(*report.model).dump()});
  return result;
}

}  // namespace bitwright

// experiments/run_trial.h: what one spec asks for: train, quantize after training, export to integers, score. Links
// libtorch.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/study.h"
#include "experiments/trial_protocol.h"

namespace bitwright {

// The data of the last spec, by the data section of its configuration alone: trainings that differ in the recipe share
// them.
class DataCache {
 public:
  const TrainingData& training(const Study& study);
  const Dataset& test(const Study& study);  // read where a spec scores it, not before

 private:
  std::string section_;
  TrainingData training_;
  std::optional<Dataset> test_;
};

// What a trial tells while it runs; each may be empty.
struct TrialHooks {
  std::function<void(const EpochRecord&)> on_epoch;
  std::function<void(const std::string&)> on_warning;  // one line for people
};

// What a candidate does wrong is a result, its failure; what the user's data or disk does wrong is thrown, as
// ConfigError or StoreError.
TrialReport run_trial(const TrialSpec& spec, DataCache& cache, const TrialHooks& hooks);

}  // namespace bitwright

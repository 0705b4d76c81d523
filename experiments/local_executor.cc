// SPDX-License-Identifier: Apache-2.0
#include "experiments/local_executor.h"

#include "experiments/executor_trials.h"

namespace bitwright {

LocalExecutor::LocalExecutor(LocalExecutorOptions options)
    : options_(std::move(options)),
      pool_({.program = options_.program,
             .work_folder = options_.work_folder,
             .jobs = options_.jobs,
             .trial_seconds = options_.spec.trial_seconds,
             .trial_memory_bytes = options_.spec.trial_memory_bytes,
             .lease_seconds = options_.spec.lease_seconds,
             .on_warning = options_.on_warning}) {
  if (!options_.checkpoint_folder.empty())
    checkpoints_.emplace(options_.checkpoint_folder, options_.spec.checkpoint_bytes);
}

void LocalExecutor::submit(const Trial& trial) {
  TrialSpec spec = spec_of(trial, options_.config_json, options_.recipe);
  if (checkpoints_) spec.checkpoint = checkpoints_->of_trial(trial.number);
  spec.checkpoint_seconds = options_.spec.checkpoint_seconds;
  pool_.submit(spec);
}

std::optional<TrialResult> LocalExecutor::wait(double timeout_seconds) {
  const auto report = pool_.wait(timeout_seconds);
  return report ? std::optional(result_of(*report)) : std::nullopt;
}

std::vector<TrialEpoch> LocalExecutor::take_epochs() {
  std::vector<TrialEpoch> epochs;
  for (const WorkerEpoch& epoch : pool_.take_epochs()) epochs.push_back({epoch.number, epoch.attempt, epoch.record});
  return epochs;
}

void LocalExecutor::keep_only(const std::set<int64_t>& trials) const {
  if (checkpoints_) checkpoints_->keep_only(trials);
}

void LocalExecutor::stored(const Trial& trial) {
  if (checkpoints_) checkpoints_->stored(trial);
}

}  // namespace bitwright

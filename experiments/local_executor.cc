// SPDX-License-Identifier: Apache-2.0
#include "experiments/local_executor.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/model_json.h"

namespace bitwright {

LocalExecutor::LocalExecutor(LocalExecutorOptions options)
    : options_(std::move(options)),
      pool_({.program = options_.program,
             .work_folder = options_.work_folder,
             .jobs = options_.jobs,
             .trial_seconds = options_.trial_seconds,
             .trial_memory_bytes = options_.trial_memory_bytes,
             .on_warning = options_.on_warning}) {
  if (options_.checkpoint_folder.empty()) return;
  std::error_code failed;
  std::filesystem::create_directories(options_.checkpoint_folder, failed);
  if (failed) throw StoreError(options_.checkpoint_folder + ": cannot create: " + failed.message());
}

LocalExecutor::~LocalExecutor() {
  std::error_code not_empty;
  if (!options_.checkpoint_folder.empty()) std::filesystem::remove(options_.checkpoint_folder, not_empty);
}

std::string LocalExecutor::checkpoint(int64_t trial) const {
  return options_.checkpoint_folder.empty() ? "" : fmt::format("{}/trial-{}.ckpt", options_.checkpoint_folder, trial);
}

void LocalExecutor::submit(const Trial& trial) {
  pool_.submit({.config_json = options_.config_json,
                .number = trial.number,
                .attempt = trial.attempt,
                .seed = trial.seed,
                .epochs = trial.fidelity < 1.0 ? epochs_at(trial.fidelity, options_.recipe) : 0,
                .network = trial.candidate.network,
                .checkpoint = checkpoint(trial.number),
                .checkpoint_seconds = options_.checkpoint_seconds,
                .keep_checkpoint = trial.fidelity < 1.0});
}

std::optional<TrialResult> LocalExecutor::wait(double timeout_seconds) {
  const auto report = pool_.wait(timeout_seconds);
  if (!report) return std::nullopt;
  TrialResult result{.number = report->number,
                     .attempt = report->attempt,
                     .metrics = report->metrics,
                     .epochs = report->epochs,
                     .failure = report->failure,
                     .train_seconds = report->train_seconds};
  if (report->model) result.artifacts.push_back({"model", nlohmann::json(*report->model).dump()});
  return result;
}

std::vector<TrialEpoch> LocalExecutor::take_epochs() {
  std::vector<TrialEpoch> epochs;
  for (const WorkerEpoch& epoch : pool_.take_epochs()) epochs.push_back({epoch.number, epoch.attempt, epoch.record});
  return epochs;
}

void LocalExecutor::keep_checkpoints(const std::set<int64_t>& trials) const {
  if (options_.checkpoint_folder.empty()) return;
  std::set<std::string> kept;
  for (int64_t trial : trials) kept.insert(checkpoint(trial));
  std::vector<std::filesystem::path> orphans;
  for (const auto& file : std::filesystem::directory_iterator(options_.checkpoint_folder))
    if (file.path().filename().string().starts_with("trial-") && !kept.contains(file.path().string()))
      orphans.push_back(file.path());
  std::error_code ignored;  // nothing depends on a file that will not go
  for (const auto& orphan : orphans) std::filesystem::remove(orphan, ignored);
}

void LocalExecutor::stored(const Trial& trial) {
  if (trial.state == TrialState::kStopped) return;
  std::error_code ignored;
  if (!options_.checkpoint_folder.empty()) std::filesystem::remove(checkpoint(trial.number), ignored);
}

}  // namespace bitwright

// experiments/local_executor.h: the trials of a search, in a pool of workers on this machine.
//
// A training writes its state to the checkpoint folder now and then, so that a search killed in mid-training goes on
// with it, and where it stops at a rung, from where it may go on. What is wrong with the user's data or disk ends the
// search: the open trials stay RUNNING, and the same command goes on.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/study.h"
#include "experiments/checkpoint_folder.h"
#include "experiments/worker_pool.h"
#include "search/run_study.h"

namespace bitwright {

struct LocalExecutorOptions {
  std::string program;            // path of bitwright-trial
  std::string work_folder;        // of the workers: WorkerPoolOptions
  std::string checkpoint_folder;  // made if absent; empty: no checkpoints
  std::string config_json;        // Study::config_json
  Recipe recipe{};                // the study's, of whose epochs rungs are shares
  int jobs = 1;                   // workers, >= 1
  ExecutorSpec spec{};
  std::function<void(const std::string&)> on_warning;  // as in WorkerPoolOptions
};

class LocalExecutor : public TrialExecutor {
 public:
  explicit LocalExecutor(LocalExecutorOptions options);
  int capacity() const override { return options_.jobs; }
  void submit(const Trial& trial) override;  // fewer than capacity() trials are in training
  std::optional<TrialResult> wait(double timeout_seconds) override;
  std::vector<TrialEpoch> take_epochs() override;
  void stop() override { pool_.stop(); }
  void stored(const Trial& trial) override;

  std::vector<pid_t> worker_pids() const { return pool_.worker_pids(); }

  // Removes the checkpoints of all trials but these: of finished ones, whose controller was killed at the wrong moment.
  void keep_only(const std::set<int64_t>& trials) const;

 private:
  LocalExecutorOptions options_;
  std::optional<CheckpointFolder> checkpoints_;
  WorkerPool pool_;
};

}  // namespace bitwright

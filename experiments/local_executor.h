// experiments/local_executor.h: trials on this machine, in warm worker processes of one thread each.
//
// A crash, an abort or an out-of-memory kill in training ends one worker and one attempt, not the study. What is wrong
// with the user's data or disk ends the search: the open trials stay RUNNING, and the same command goes on. Paths hold
// no tab or newline. SIGPIPE is ignored from then on, in the whole process.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "experiments/worker_process.h"
#include "search/run_study.h"

namespace bitwright {

struct LocalExecutorOptions {
  std::string program;      // path of bitwright-trial
  std::string work_folder;  // specs, results and logs; made if absent, emptied of what is done
  std::string config_json;  // Study::config_json
  int jobs = 1;             // workers, >= 1
};

class LocalExecutor : public TrialExecutor {
 public:
  explicit LocalExecutor(LocalExecutorOptions options);
  ~LocalExecutor() override;

  int capacity() const override { return options_.jobs; }
  void submit(const Trial& trial) override;  // fewer than capacity() trials are in training
  std::optional<TrialResult> wait(double timeout_seconds) override;
  std::vector<TrialEpoch> take_epochs() override;
  void stop() override;

  std::vector<pid_t> worker_pids() const;

 private:
  struct Slot {
    std::unique_ptr<WorkerProcess> process;  // null until first needed, and after its death
    std::optional<int64_t> trial;            // in training
    int attempt = 0;
    std::string folder;
  };
  std::optional<TrialResult> collect(Slot& slot);
  TrialResult published_result(Slot& slot);
  // Throws ConfigError or StoreError where no further worker would do better: data gone, disk full, no program.
  TrialResult lost_result(Slot& slot);
  void release(Slot& slot);

  LocalExecutorOptions options_;
  std::vector<Slot> slots_;
  std::vector<TrialEpoch> epochs_;
};

}  // namespace bitwright

// experiments/worker_pool.h: trainings on this machine, in warm worker processes of one thread each.
//
// A crash, an abort, an out-of-memory kill, a freeze or a limit of time or memory in training ends one worker and one
// training. What is wrong with the user's data or disk ends the pool: wait() throws. Paths hold no tab or newline.
// SIGPIPE is ignored from then on, in the whole process.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "experiments/trial_protocol.h"
#include "experiments/worker_process.h"

namespace bitwright {

struct WorkerPoolOptions {
  std::string program;             // path of bitwright-trial
  std::string work_folder;         // specs, results and logs; made if absent, gone with the pool
  int jobs = 1;                    // workers, >= 1
  double trial_seconds = 0.0;      // wall time of a training, after which its worker is killed; 0: no limit
  int64_t trial_memory_bytes = 0;  // resident, likewise; 0: no limit
  // Without a line of a worker in training, after which it is killed, at least five minutes before the first; 0: for
  // ever.
  double lease_seconds = 0.0;
  // One line of a worker for people, say a damaged checkpoint; may be empty.
  std::function<void(const std::string&)> on_warning;
};

// Throws StoreError with a hint where the program is not there: a build without the trainer has none.
void check_worker_program(const std::string& program);

// One epoch of a training that is still running.
struct WorkerEpoch {
  int64_t number = 0;  // of the spec
  int attempt = 1;
  EpochRecord record;
};

class WorkerPool {
 public:
  explicit WorkerPool(WorkerPoolOptions options);  // as check_worker_program()
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  bool idle() const;                   // a worker is free
  void submit(const TrialSpec& spec);  // only while idle(); number and attempt name it and are unique in the pool
  // The next report, in the order in which trainings end; that of a worker which died says so as its failure:
  // "worker ended: killed by signal 9 (Killed): last line on stderr". Nothing after `timeout_seconds`. Throws
  // ConfigError or StoreError where no further worker would do better: data gone, disk full, no program.
  std::optional<TrialReport> wait(double timeout_seconds);
  // Epochs seen since the last call, oldest first.
  std::vector<WorkerEpoch> take_epochs();
  // Ends all workers at once; what was in training is lost.
  void stop();

  std::vector<pid_t> worker_pids() const;

 private:
  struct Slot {
    std::unique_ptr<WorkerProcess> process;  // null until first needed, and after its death
    std::optional<int64_t> number;           // in training
    int attempt = 0;
    std::string folder;
    double since = 0.0;  // of a clock that never goes back
    double heard = 0.0;  // likewise: the last line
    bool began = false;  // there was one since
  };
  std::optional<TrialReport> collect(Slot& slot);
  TrialReport published_report(Slot& slot);
  TrialReport lost_report(Slot& slot);
  void allow_for_pause(double waited_seconds);
  std::string over_limit(const Slot& slot) const;
  TrialReport killed_report(Slot& slot, const std::string& why);
  void release(Slot& slot);

  WorkerPoolOptions options_;
  std::vector<Slot> slots_;
  std::vector<WorkerEpoch> epochs_;
  double awake_ = 0.0;  // when it last was, by the clock of Slot::since
};

}  // namespace bitwright

// experiments/training_runs.h: many trainings outside a search, as many at once as there are workers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "deploy/process.h"
#include "experiments/progress.h"
#include "experiments/worker_pool.h"

namespace bitwright {

class TrainingRuns {
 public:
  // program: path of bitwright-trial; jobs: workers; quiet: no progress on stderr.
  TrainingRuns(const std::string& program, int jobs, bool quiet);

  // Runs all of them and returns their reports in the order of the specs, whose numbers it sets: results do not depend
  // on `jobs`. Workers stay warm from call to call. Throws as WorkerPool::wait does, and std::runtime_error after
  // Ctrl-C.
  std::vector<TrialReport> run(std::vector<TrialSpec> specs);

  // For files that one training leaves to the next; gone with this object.
  const std::string& folder() const { return folder_.path(); }

 private:
  TemporaryDirectory folder_;
  WorkerPool pool_;
  ProgressDisplay display_;
  int64_t submitted_ = 0, done_ = 0, wanted_ = 0;
};

// One line on stderr for every training that failed; returns their number. `what` was trained.
size_t print_failures(const std::string& what, const std::vector<TrialReport>& reports);

}  // namespace bitwright

// search/run_study.h: the study loop. Training arrives as an executor, rules and costs as functions, so a whole study
// can run in milliseconds.
//
// The loop keeps nothing that the store does not: killed at any moment, the same call goes on. With one trial at a time
// and a training that is a function of (network, seed), the rows are those of a run that was never killed. However many
// there are at a time, each proposal can be made again from the rows: search/replay.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/store/trial_store.h"
#include "core/study.h"
#include "search/candidate_rules.h"
#include "search/measurement.h"
#include "search/sampler.h"
#include "search/space.h"

namespace bitwright {

struct TrialResult {
  int64_t number = 0;
  int attempt = 1;  // Trial::attempt as submitted; the result of an earlier one is dropped
  Metrics metrics;
  std::vector<EpochRecord> epochs;
  std::string failure;                // empty, or one line why there are no metrics
  std::vector<Violation> violations;  // found while building or running it: the trial is INFEASIBLE
  double train_seconds = 0.0;         // CPU
  std::string execution, host;        // Trial::execution, Trial::host
  std::vector<Artifact> artifacts;
};

// One epoch of a trial that is still running.
struct TrialEpoch {
  int64_t number = 0;
  int attempt = 1;
  EpochRecord record;
};

class TrialExecutor {
 public:
  virtual ~TrialExecutor() = default;
  virtual int capacity() const = 0;  // trials at once, >= 1
  virtual void submit(const Trial& trial) = 0;
  // Of an attempt that an earlier call had submitted: true where its result will come all the same, false where it is
  // to be begun again.
  virtual bool adopt(const Trial& trial) { return static_cast<void>(trial), false; }
  // The next result, in the order in which trials end; nullopt after `timeout_seconds`.
  virtual std::optional<TrialResult> wait(double timeout_seconds) = 0;
  // Epochs seen since the last call, oldest first.
  virtual std::vector<TrialEpoch> take_epochs() { return {}; }
  // Ends all running trials at once; their results are lost.
  virtual void stop() = 0;
  // The trial's result is in the store: what is kept for it may go.
  virtual void stored(const Trial& trial) { static_cast<void>(trial); }
};

struct StudyProgress {
  int64_t wanted = 0;  // trials that the study asks for
  int64_t complete = 0, infeasible = 0, failed = 0, running = 0;
  bool at_rungs = false;                    // trainings stop at rungs
  int64_t stopped = 0;                      // of these, those that have not gone on
  double trained = 0.0;                     // trials by the share of their epochs: what `wanted` counts
  std::map<std::string, int64_t> rejected;  // rule -> candidates, of the whole study
  std::optional<int64_t> best;              // number of the most accurate trial
  double best_accuracy = 0.0;               // 0..1, where there is a best; below the study's floor the front is empty
  int64_t front_size = 0;
  double elapsed_seconds = 0.0;       // of this call
  std::optional<double> eta_seconds;  // from the trials finished in this call
};

enum class StopRequest {
  kNone,
  kFinishRunning,  // start no further trial
  kNow,            // leave the running ones RUNNING; the next call begins them again
};

// By which a quantity counts for more than its estimate, from so many results on: search/cost_margins.h.
struct LearntMargin {
  std::string quantity;
  double ratio = 1.0;
  int64_t results = 0;
};

// Each may be empty.
struct StudyHooks {
  std::function<void(const Trial&)> on_start;
  std::function<void(const Trial&, const StudyProgress&)> on_finish;  // or stopped at a rung
  std::function<void(const GivenUpRung&)> on_given_up_rung;           // where trainings stop no more
  // That changed by more than a thousandth, of a quantity that the study or its boards limit.
  std::function<void(const LearntMargin&)> on_margin;
  // What the package of a complete trial takes that would join the front. A trial whose package breaks a limit is
  // INFEASIBLE, one that cannot be measured has failed. What it throws ends the search, with the trial RUNNING.
  std::function<Measurement(const Trial&, const std::vector<Artifact>&)> measure;
  std::function<void(int64_t number, const EpochRecord&)> on_epoch;
  std::function<StopRequest()> stop_request;  // asked between results, at least twice a second, and between proposals
  std::function<double()> now;                // seconds of a clock that never goes back; by default the system's
};

enum class StopReason {
  kTrialsDone,      // study.search.trials are finished, those that stopped at rungs counted by their share
  kBudgetSpent,     // study.search.budget_seconds of this call are over
  kEnergySpent,     // the study's trainings took study.search.energy_budget_j
  kNothingToGain,   // the model expects less than study.search.least_gain: search/expected_gain.h
  kSpaceExhausted,  // no further candidate was found that is new and fits
  kNothingFits,     // not one candidate was ever found that fits
  kStopped,         // by StudyHooks::stop_request
};

struct StudyOutcome {
  StopReason reason = StopReason::kTrialsDone;
  StudyProgress progress;
};

// Runs `study` until one of StopReason. `sampler` is fresh, and so are the margins of `rules`, by which it was made:
// they are told the stored results first, in their order. A trial that fails is begun once more, then stored as failed.
// Running trials are waited for, except after StopRequest::kNow.
StudyOutcome run_study(const Study& study, const SearchSpace& space, Sampler& sampler, TrialExecutor& executor,
                       TrialStore& store, const CandidateRules& rules, const StudyHooks& hooks = {});

}  // namespace bitwright

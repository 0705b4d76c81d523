// SPDX-License-Identifier: Apache-2.0
#include "experiments/search_outcome.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "constraints/constraints.h"
#include "experiments/table.h"
#include "search/pareto.h"

namespace bitwright {
namespace {

bool goes_on(StopReason reason) {
  return reason == StopReason::kStopped || reason == StopReason::kBudgetSpent;
}

}  // namespace

std::string reason_text(StopReason reason, bool finish) {
  switch (reason) {
    case StopReason::kTrialsDone: return "all trials done";
    case StopReason::kBudgetSpent:
      return finish ? "time budget spent; the front is scored on the test set"
                    : "time budget spent; the same command goes on";
    case StopReason::kEnergySpent: return "energy budget spent; with a larger search.energy_budget it goes on";
    case StopReason::kNothingToGain: return "the model expects less than search.least_gain of any further candidate";
    case StopReason::kSpaceExhausted: return "no further candidate is new and fits";
    case StopReason::kNothingFits: return "nothing fits the limits";
    case StopReason::kStopped: return "stopped; the same command goes on";
  }
  return "?";
}

bool is_final(StopReason reason) {
  return reason == StopReason::kTrialsDone || reason == StopReason::kEnergySpent ||
         reason == StopReason::kNothingToGain || reason == StopReason::kSpaceExhausted;
}

bool misses_floor(const Study& study, const StudyProgress& progress) {
  return progress.best && progress.best_accuracy < study.accuracy_floor;
}

std::string floor_text(const Study& study, const StudyOutcome& outcome) {
  return fmt::format("{}no trained candidate {}reaches limits.accuracy of {}: the best, trial #{}, has {}",
                     goes_on(outcome.reason) ? "so far " : "",
                     outcome.progress.infeasible > 0 ? "that keeps the limits as measured " : "",
                     format_percent(study.accuracy_floor), *outcome.progress.best,
                     format_percent(outcome.progress.best_accuracy));
}

bool nothing_fits_as_measured(const StudyProgress& progress) {
  return progress.complete == 0 && progress.infeasible > 0;
}

const Trial& nearest_as_measured(const std::vector<Trial>& trials) {
  const auto distance = [](const Trial& trial) {
    double sum = 0.0;
    for (const Violation& violation : trial.violations) sum += overshoot(violation);
    return trial.violations.empty() ? std::numeric_limits<double>::infinity() : sum;
  };
  return *std::ranges::min_element(trials, {}, distance);
}

std::string nothing_fits_text(const StudyOutcome& outcome, const Trial& nearest) {
  std::vector<std::string> broken;
  for (const Violation& violation : nearest.violations) broken.push_back(violation.message);
  return fmt::format("{}no trained network keeps the limits as measured: the nearest, trial #{}: {}",
                     goes_on(outcome.reason) ? "so far " : "", nearest.number, fmt::join(broken, "; "));
}

ExitCode exit_code(const Study& study, const StudyOutcome& outcome) {
  const StudyProgress& progress = outcome.progress;
  const bool untried = progress.complete + progress.infeasible + progress.failed == 0;
  if (outcome.reason == StopReason::kNothingFits) return ExitCode::kNothingFits;
  const bool began = outcome.reason == StopReason::kBudgetSpent && untried;
  if (outcome.reason == StopReason::kStopped || began) return ExitCode::kResumable;
  if (misses_floor(study, progress)) return ExitCode::kNothingFits;
  if (progress.complete > 0) return ExitCode::kDone;
  return nothing_fits_as_measured(progress) ? ExitCode::kNothingFits : ExitCode::kFailed;
}

std::string below_floor_text(const Study& study, const Trial& trial) {
  if (trial.state != TrialState::kComplete || reaches_floor(trial, goals_of(study))) return "";
  return fmt::format(
      "trial #{} has a validation accuracy of {}, below limits.accuracy of {}: it is no point of the front",
      trial.number, format_percent(trial.metrics.accuracy), format_percent(study.accuracy_floor));
}

}  // namespace bitwright

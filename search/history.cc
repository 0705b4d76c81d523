// SPDX-License-Identifier: Apache-2.0
#include "search/history.h"

#include <algorithm>

#include "core/quantity.h"
#include "search/hypervolume.h"

namespace bitwright {
namespace {

constexpr double kBeyond = 1.1;  // so that a point at the limit has a share, too

// 0: none, or no more than the whole of the board's memory.
double limit_of(const std::string& objective, const Study& study) {
  const bool whole_flash = objective == "flash" && study.limits.flash_bytes == study.board.flash_bytes;
  const bool whole_ram =
      objective == "ram" && !study.board.ram.empty() && study.limits.ram_bytes == study.board.ram.front().bytes;
  return whole_flash || whole_ram ? 0.0 : find_quantity(objective)->limit(study.limits);
}

// Of the box from nothing to `reference`.
double share_of_box(std::vector<ObjectiveVector> front, const ObjectiveVector& reference) {
  for (ObjectiveVector& point : front)
    for (size_t k = 0; k < point.size(); ++k) point[k] /= reference[k];
  return hypervolume(std::move(front), ObjectiveVector(reference.size(), 1.0));
}

double seconds_between(int64_t from_us, int64_t to_us) {
  return 1e-6 * static_cast<double>(to_us - from_us);
}

}  // namespace

ObjectiveVector history_reference(const std::vector<Trial>& results, const Study& study) {
  const Goals goals = goals_of(study);
  ObjectiveVector most;
  int taken = 0;
  for (const Trial& trial : results) {
    if (trial.state != TrialState::kComplete || taken++ >= kReferenceTrials) continue;
    const ObjectiveVector point = objective_values(trial, goals);
    most.resize(point.size(), 0.0);
    for (size_t k = 0; k < point.size(); ++k) most[k] = std::max(most[k], point[k]);
  }
  if (most.empty()) return most;
  for (size_t k = 1; k < most.size(); ++k) {
    if (const double limit = limit_of(goals.objectives[k - 1], study); limit > 0.0) most[k] = limit;
    most[k] = most[k] > 0.0 ? kBeyond * most[k] : 1.0;
  }
  most[0] = goals.accuracy_floor < 1.0 ? 1.0 - goals.accuracy_floor : 1.0;
  return most;
}

std::vector<HistoryRow> study_history(const std::vector<Trial>& results, const Study& study, int64_t first_start_us) {
  const Goals goals = goals_of(study);
  const ObjectiveVector reference = history_reference(results, study);
  std::vector<ObjectiveVector> front;
  std::vector<HistoryRow> rows;
  HistoryRow row;
  for (const Trial& trial : results) {
    row.sequence = std::ssize(rows);
    row.number = trial.number;
    row.state = trial.state;
    row.elapsed_seconds = seconds_between(first_start_us, trial.ended_us);
    row.train_seconds += trial.train_seconds;
    if (trial.state == TrialState::kComplete) {
      row.best_accuracy = std::max(row.best_accuracy.value_or(0.0), trial.metrics.accuracy);
      if (reaches_floor(trial, goals) && extend_front(front, objective_values(trial, goals)))
        row.hypervolume = share_of_box(front, reference);
    }
    row.front_size = std::ssize(front);
    rows.push_back(row);
  }
  return rows;
}

}  // namespace bitwright

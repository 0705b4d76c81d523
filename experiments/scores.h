// experiments/scores.h: what several trainings of one network say together, as text and as JSON.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/dataset.h"
#include "core/metrics.h"

namespace bitwright {

// A number of Metrics that tells how good a network is at its task.
struct Score {
  std::string name;                                                    // "balanced accuracy"
  std::string key;                                                     // "balanced_accuracy"
  enum class Unit { kPercent, kShare, kOther } unit = Unit::kPercent;  // the first two lie in 0..1
  double Metrics::*value = nullptr;
};
// Those of a task, the one that a search maximises first.
std::vector<Score> scores_of(Task task);
// "98.84 %", "0.9884", or four digits.
std::string format_score(const Score& score, double value);

// One set of examples, scored once per training.
struct ScoredSet {
  std::string name;  // "validation", "test (final evaluation)"
  Task task = Task::kClassification;
  std::vector<std::string> classes;  // of a classification
  std::vector<Metrics> runs;         // at least one
};

// Mean, sample deviation, 95 % interval of the mean (Student's t; cut at 0 and 1 where a score cannot lie beyond) and
// range of every score; for classes the recall of each and the confusion matrix summed over the runs; then how integers
// and fake quantization differ.
std::string render_scores(const ScoredSet& set);
nlohmann::json scores_json(const ScoredSet& set);
nlohmann::json summary_json(const Summary& summary);

// "98.84 +- 0.12 %" of shares; without a deviation where there is one value.
std::string format_mean(const std::vector<double>& shares);
// That of the first score of every run.
std::vector<double> accuracies(const std::vector<Metrics>& runs);

}  // namespace bitwright

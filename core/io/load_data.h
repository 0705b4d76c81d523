// core/io/load_data.h: from the files that DataSpec names to input codes, split as its protocol says.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/dataset.h"
#include "core/study.h"

namespace bitwright {

// Training and validation windows; the front end, and of regression the targets' mean and deviation, are learnt on the
// training windows alone. Anomalies: class 0 is normal, and the training windows are all normal.
// Throws DataError naming the file and the rule.
TrainingData load_training_data(const Study& study);

// The held-out windows, coded by the front end learnt on the training part. Call it once, for finished candidates.
Dataset load_test_data(const Study& study, const FrontEnd& learnt_on_train);

// What `bitwright check` prints.
struct DataSummary {
  Task task = Task::kClassification;
  std::vector<std::string> classes;              // none for regression
  std::vector<std::string> targets;              // regression: their names
  Shape input;                                   // of one example
  std::vector<int64_t> train, validation, test;  // windows per class; regression: one number, all
  std::string held_out;                          // "recordings with load_hp 3, all of them unseen in training"
  std::vector<std::string> warnings;             // one line each: leaks, unseen bearings that cannot be held out
};
DataSummary summarize_data(const Study& study);

// What each value of DataSpec::fold validates on, "load_hp 2", "subject 14", "fold 3 of 5"; none if validation_by is
// "share". Data of the test set are no fold. Throws DataError or ConfigError.
std::vector<std::string> fold_names(const Study& study);

}  // namespace bitwright

// core/io/load_data.h: from the files that DataSpec names to input codes, split as its protocol says.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/dataset.h"
#include "core/study.h"

namespace bitwright {

// Training and validation windows; the front end is learnt on the training windows alone.
// Throws DataError naming the file and the rule.
TrainingData load_training_data(const Study& study);

// The held-out windows, coded by the front end learnt on the training part. Call it once, for finished candidates.
Dataset load_test_data(const Study& study, const FrontEnd& learnt_on_train);

// What `bitwright check` prints.
struct DataSummary {
  std::vector<std::string> classes;
  Shape input;                                   // of one example
  std::vector<int64_t> train, validation, test;  // windows per class
  std::string held_out;                          // "recordings with load_hp 3, all of them unseen in training"
  std::vector<std::string> warnings;             // one line each: leaks, unseen bearings that cannot be held out
};
DataSummary summarize_data(const Study& study);

}  // namespace bitwright

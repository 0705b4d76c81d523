// core/io/split.h: which stretch of which recording trains, validates and tests. Looks at lengths and columns only.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/study.h"

namespace bitwright {

struct RecordingInfo {
  int64_t samples = 0;
  int label = 0;
  std::string load, bearing;  // as the index writes them; empty if it has no such column
};

// `length` is DataSpec::window for all.
struct WindowStart {
  int recording = 0;
  int64_t start = 0;
  auto operator<=>(const WindowStart&) const = default;
};

struct Split {
  std::vector<WindowStart> train, validation, test;
  std::string held_out;               // what the test set is, for people
  std::vector<std::string> warnings;  // one line each
};

// By DataSpec::protocol, windows of training `hop` apart, the others end to end; W is the window:
//   leave-load  test: recordings whose load is held_out. The others: the last validation_share in time validates
//   bearing     test: recordings whose bearing is held_out. A class with a single bearing cannot hold one out: of it
//               the recordings of its last load test
//   time        every recording: train | W | validation | W | test by shares
//   random      windows `hop` apart of all recordings, shuffled: it leaks, and a warning says so
// Between stretches of one recording lies a gap of one window, taken from the later stretch. In all but `random` no
// sample is in two of the three sets.
// `classes` are the labels' names. Throws ConfigError where a set would be empty.
Split split_recordings(const DataSpec& spec, const std::vector<RecordingInfo>& recordings,
                       const std::vector<std::string>& classes);

// npy: indices of the training examples that validate, ascending. With groups (one per example) whole groups, drawn
// by split_seed until they make up validation_share; else the last validation_share of each class in file order.
std::vector<int64_t> validation_examples(const DataSpec& spec, const std::vector<int32_t>& labels,
                                         const std::vector<int64_t>& groups);

}  // namespace bitwright

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
  std::string name = {};      // tells recordings apart
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

// Windows of training are `hop` apart, the others end to end; W is the window. DataSpec::protocol says what tests:
//   leave-load  recordings whose load is held_out
//   bearing     recordings whose bearing is held_out. A class with a single bearing cannot hold one out: of it the
//               recordings of its last load test
//   time        the last test_share of every recording
//   random      windows `hop` apart of all recordings, shuffled, and so is what validates: it leaks, and a warning says
//               so. validation_by does not apply
// The rest of each recording is the training part, of which DataSpec::validation_by says what validates:
//   share                   its last validation_share in time
//   fold                    stretch `fold` of `folds` equal ones in time: train | W | validation | W | train
//   load bearing recording  all of it where the recording's value is number `fold` of the values, sorted, by which some
//                           class can be told apart. A class with one value only validates as with share, in all folds
// Between stretches of one recording lies a gap of one window, taken from the later stretch. In all but `random` no
// sample is in two of the three sets.
// `classes` are the labels' names. Throws ConfigError where held_out or fold names nothing or a set would be empty.
Split split_recordings(const DataSpec& spec, const std::vector<RecordingInfo>& recordings,
                       const std::vector<std::string>& classes);

// npy: indices of the training examples that validate, ascending; groups: one per example or none.
//   share  with groups whole groups, drawn by split_seed until they make up validation_share; else the last
//          validation_share of each class in file order
//   fold   with groups those dealt to `fold` of `folds` hands, shuffled by split_seed; else block `fold` of `folds`
//          equal blocks of each class in file order
//   group  number `fold` of the groups, sorted
// Throws ConfigError where there are too few groups or fold names none.
std::vector<int64_t> validation_examples(const DataSpec& spec, const std::vector<int32_t>& labels,
                                         const std::vector<int64_t>& groups);

// Names of the folds, "load_hp 2", "subject 14", "fold 3 of 5", in the order of DataSpec::fold; none for "share".
std::vector<std::string> fold_names(const DataSpec& spec, const std::vector<RecordingInfo>& recordings,
                                    const std::vector<std::string>& classes);
std::vector<std::string> fold_names(const DataSpec& spec, const std::vector<int64_t>& groups);

}  // namespace bitwright

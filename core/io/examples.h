// core/io/examples.h: what a DataSpec names, read and split, not yet coded. For core/io/load_data.cc alone.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/study.h"

namespace bitwright {

// Physical value = sample * gain.
struct Example {
  const float* samples = nullptr;  // shape.elements() of them, HWC
  double gain = 1.0;
  int32_t label = 0, group = 0;
  const float* targets = nullptr;  // regression: one for each name, in the target's own unit
};

// Examples point into `storage`, so it moves and is never copied.
struct Examples {
  Shape shape;
  std::vector<std::string> classes, target_names;
  std::vector<std::vector<float>> storage;
  std::vector<Example> train, validation, test;
  std::string held_out;
  std::vector<std::string> warnings;

  Examples() = default;
  Examples(Examples&&) = default;
  Examples& operator=(Examples&&) = default;
};

enum class Part { kTraining, kTest, kAll };  // kTraining: also what validates

// All throw DataError naming the file and, where there is one, the line or the element.
Examples examples_of_recordings(const DataSpec& spec);  // kinds recordings and simulator; every part
Examples examples_of_npy(const DataSpec& spec, Part part);
std::vector<std::string> recording_fold_names(const DataSpec& spec);
std::vector<std::string> npy_fold_names(const DataSpec& spec);

// Lines of a text file in UTF-8 that are not empty; none if there is no such file.
std::vector<std::string> read_names(const std::string& path);
// Classes 0 .. classes - 1, one for each of `count` examples or samples (`what`, for the message), from an NPY file.
std::vector<int32_t> read_labels(const std::string& path, int64_t count, const char* what, size_t classes);
// Index of DataSpec::normal among the classes.
int32_t normal_class(const DataSpec& spec, const std::vector<std::string>& classes);

// DataError `place: rule`.
[[noreturn]] void fail_data(const std::string& place, const std::string& rule);
// What messages about the data as a whole name: the folder, or the kind where there is none.
std::string data_place(const DataSpec& spec);

}  // namespace bitwright

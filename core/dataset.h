// core/dataset.h: examples as input codes, and the front end that made them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/network.h"

namespace bitwright {

// From the sensor's sample to the network's input codes: code = clamp(round_half_away((x - mean[c]) / step[c])).
// Only raw samples today; decimation, spectra and statistics will be further kinds, searched and costed like layers.
// Learnt on the training part only.
struct FrontEnd {
  std::string kind = "raw";
  Shape output;                        // of one example
  Format format = Format::kInt8;
  std::vector<double> mean, step;      // one per channel, in the data set's physical unit
  double input_scale = 1.0;            // network units per code: the network sees input_scale * code, about unit variance
  bool operator==(const FrontEnd&) const = default;
};

// What a network's output means.
enum class Task : uint8_t {
  kClassification,  // one output per class, the largest decides
  kRegression,      // one output per target, standardised by the training set's mean and deviation
  kAnomaly,         // the input again (equal shapes); class 0 is normal and alone trains; the error is the score
};

// Examples lie one after another, each in HWC order.
struct Dataset {
  Task task = Task::kClassification;
  FrontEnd front_end;
  std::vector<std::string> classes;    // at least two; none for regression
  std::vector<int16_t> codes;          // size() * front_end.output.elements()
  std::vector<int32_t> labels;         // index into classes; 0 for regression
  std::vector<int32_t> groups;         // where the example comes from (recording, subject); same size as labels
  // Regression only. Target t of example i in its own unit is targets[i * T + t] * target_deviation[t] + target_mean[t].
  std::vector<std::string> target_names;              // T
  std::vector<double> target_mean, target_deviation;  // T each, learnt on the training part
  std::vector<float> targets;                         // size() * T

  int64_t size() const { return static_cast<int64_t>(labels.size()); }
  std::span<const int16_t> example(int64_t i) const {
    const size_t n = static_cast<size_t>(front_end.output.elements());
    return std::span(codes).subspan(static_cast<size_t>(i) * n, n);
  }
};

// What the last layer of a network for this data must give: {1, 1, classes}, {1, 1, targets}, or the input's shape.
Shape task_output(const Dataset& data);

// What a search sees. The test set is loaded by a call of its own, once, for the finished front.
struct TrainingData {
  Dataset train, validation;
  std::vector<std::string> warnings;  // one line each: leaks, what the split cannot hold out
};

}  // namespace bitwright

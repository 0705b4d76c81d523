// core/metrics.h: how good outputs are, for every task; and what several runs say together.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/dataset.h"
#include "core/estimates.h"

namespace bitwright {

// outputs: of every example of `data`, in real units, HWC, one example after another; finite.
// Sets the fields of Metrics that the task has, `accuracy` and `windows` among them. `threshold` (kAnomaly): see
// anomaly_threshold. An empty data set gives all zeros.
//   balanced accuracy  mean recall of the classes that occur
//   macro-F1           mean over the classes that occur of 2 TP / (2 TP + FP + FN)
//   AUC                Mann-Whitney: P(score of a positive > of a negative) + P(equal) / 2
//   R2                 1 - sum (y - t)^2 / sum (t - mean t)^2, over all targets; `accuracy` is max(R2, 0)
Metrics score_outputs(const Dataset& data, std::span<const float> outputs, double threshold = 0.0);

// What an output decides, one number per example: the class of the largest output (the first of equals), 1 where the
// reconstruction error is above the threshold, for regression nothing (all 0).
std::vector<int32_t> decisions(const Dataset& data, std::span<const float> outputs, double threshold = 0.0);

// Mean squared difference between output and input (code * input_scale), one per example; in float64.
std::vector<double> reconstruction_errors(const Dataset& data, std::span<const float> outputs);
// The 99 % quantile (nearest rank) of the errors on normal training examples.
double anomaly_threshold(const Dataset& train, std::span<const float> outputs);

// As AUC above; in O(n log n). Without a positive or without a negative nothing can be told apart: 0.5.
double area_under_roc(std::span<const double> scores, const std::vector<bool>& positive);

// Recall of each class from a confusion matrix, rows are labels; NaN for a class that does not occur.
std::vector<double> recalls(std::span<const int64_t> confusion, int classes);

// Mean, sample standard deviation and the half width of the 95 % confidence interval of the mean, Student's t with
// n - 1 degrees of freedom; with one value deviation and half width are 0.
struct Summary {
  int64_t n = 0;
  double mean = 0.0, deviation = 0.0, half_width = 0.0, min = 0.0, max = 0.0;
};
Summary summarize(std::span<const double> values);

}  // namespace bitwright

// trainer/loss.h: what training minimises. All losses are means over the examples; `gradient` is set to that of the
// mean and has the size of the outputs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace bitwright {

// One row of class probabilities per label: the label has 1 - smoothing, and every class smoothing / classes more
// (arXiv 1512.00567, sec. 7).
std::vector<float> class_targets(std::span<const int32_t> labels, int classes, double smoothing);

// Cross entropy between softmax(logits) and the targets (each row sums to 1), examples x classes each; `weights`: one
// per example, or none.
double cross_entropy(std::span<const float> logits, std::span<const float> targets, int classes,
                     std::span<const float> weights, std::span<float> gradient);

// T^2 times the Kullback-Leibler divergence of softmax(logits / T) from softmax(teacher / T) (arXiv 1503.02531,
// sec. 2): 0 where both agree. Rows of `classes`.
double distillation(std::span<const float> logits, std::span<const float> teacher, int classes, double temperature,
                    std::span<float> gradient);

// Mean over all outputs of (output - target)^2.
double mean_squared_error(std::span<const float> outputs, std::span<const float> targets, std::span<float> gradient);

}  // namespace bitwright

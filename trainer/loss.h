// trainer/loss.h: what training minimises, and what it is judged by.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace bitwright {

// Mean over the examples of the cross entropy between softmax(logits) and the label, smoothed: every class gets
// smoothing / classes of the target, the label the rest (arXiv 1512.00567, sec. 7).
// logits, gradient: labels.size() x classes; gradient is set to that of the mean.
double cross_entropy(std::span<const float> logits, std::span<const int32_t> labels, double smoothing,
                     std::span<float> gradient);

// Examples whose largest logit, the first of equals, is at the label.
int64_t count_correct(std::span<const float> logits, std::span<const int32_t> labels);

}  // namespace bitwright

// trainer/batch.h: examples of a data set as one float map, augmented where the recipe says so, and what their outputs
// should be.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/dataset.h"
#include "core/recipe.h"
#include "core/rng.h"

namespace bitwright {

struct Batch {
  std::vector<float> codes;     // size() x C x H x W; whole numbers in the range of the input format
  std::vector<int32_t> labels;  // of the examples as drawn
  // What the outputs should be, size() x outputs: class probabilities (smoothed, mixed), standardised regression
  // targets, or the input in real units and HWC order before jitter.
  std::vector<float> targets;
  int64_t size() const { return static_cast<int64_t>(labels.size()); }
};

// The examples of these numbers, in this order, as they are. `targets` only if `with_targets`.
void gather(const Dataset& data, std::span<const int64_t> examples, bool with_targets, Batch& batch);

// The same, augmented as the recipe says, targets included (with its label smoothing):
//   circular_shift  rows move along the first axis (time) by a number of positions, uniform
//   scaling         codes times max(0, 1 + scaling * normal), one factor per example
//   mixup           lambda x + (1 - lambda) x' of an example and the one at its place in a shuffled copy of the batch,
//                   lambda ~ Beta(mixup, mixup) for the batch, targets likewise (arXiv 1710.09412, eq. 1)
//   jitter          codes plus jitter / input_scale * normal
// and rounded and clamped to the input format in the end.
void gather_augmented(const Dataset& data, std::span<const int64_t> examples, const Recipe& recipe, Rng& rng,
                      Batch& batch);

// Beta(alpha, alpha), alpha > 0, from two gamma variates (Marsaglia and Tsang, ACM TOMS 26 (2000) 363).
double symmetric_beta(double alpha, Rng& rng);

}  // namespace bitwright

// trainer/post_training.h: post-training quantization of a float network to its integer twin: the baseline that people
// compare with. No torch type.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "core/dataset.h"
#include "core/network.h"
#include "core/parameters.h"

namespace bitwright {

enum class RangeRule : uint8_t {
  kMinMax,  // the largest magnitude seen
  kMse,     // the range that minimises the mean squared rounding error, over a grid of 100 (arXiv 2106.08295, sec. 3.1)
};

struct PostTrainingOptions {
  RangeRule weights = RangeRule::kMinMax, activations = RangeRule::kMinMax;
  bool equalize = false;         // cross-layer equalization (arXiv 1906.04721, eq. 11) before anything is rounded
  bool correct_bias = false;     // the mean error of every channel goes into its bias (arXiv 1906.04721, sec. 4.2)
  bool adaptive_rounding = false;  // AdaRound: learns up or down for each weight, layer by layer (arXiv 2004.10568)
  int64_t calibration_examples = 512;  // of the training set, evenly spaced
  uint64_t seed = 1;             // of adaptive rounding's order of examples
};

// `float_network` has float weights and float activations (relu or none); `parameters` are its trained ones.
// The twin has int8 weights, uint8 activations after a relu and int8 without one, and the same layers and shapes.
Network integer_twin(const Network& float_network);
// Parameters of integer_twin(float_network): weight_steps and activation_step set, batch norm kept.
Parameters quantize_after_training(const Network& float_network, const Parameters& parameters, const Dataset& train,
                                   const PostTrainingOptions& options);

// The same topology in float32: weights and activations, relu in place of every quantizer of hidden layers.
Network float_twin(const Network& network);

}  // namespace bitwright

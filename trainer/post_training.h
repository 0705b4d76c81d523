// trainer/post_training.h: post-training quantization of a float network to its integer twin: the baseline that people
// compare with. No torch type, and no training: weights, steps and offsets come from a look at a few examples.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

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
  bool equalize = false;           // cross-layer equalization (trainer/equalization.h) before anything is rounded
  bool correct_bias = false;       // the mean error of every channel goes into its bias (arXiv 1906.04721, sec. 4.2)
  bool adaptive_rounding = false;  // AdaRound, layer by layer (trainer/adaptive_rounding.h)
  int rounding_iterations = 1000;  // of AdaRound, a layer; >= 1. Its error and its time
  int64_t calibration_examples = 512;  // of the training set, evenly spaced; >= 1. Maps of all of them lie in memory
  uint64_t seed = 1;                   // of what is drawn at random: rows for AdaRound, values for kMse
};

// The same topology in float32: weights and activations; a relu in place of every quantizer of hidden layers, none on
// the output; borders of 0 in place of -1 and +1 around maps that become float.
Network float_twin(const Network& network);

// `float_network` has float weights and float activations (relu or none); else StructureError, also where its twin's
// accumulators might exceed 2^30. The twin has the same layers and shapes, int8 weights, uint8 activations where the
// float ones cannot be negative (after a relu, averages and sums of such) and int8 elsewhere. Only the network's output
// stays an accumulator (int32, or what storage_format says), if it has neither relu nor batch norm.
Network integer_twin(const Network& float_network);

struct QuantizedTwin {
  Network network;        // integer_twin, with range_log2 fitted where an Add reads the layer (in -3..8)
  Parameters parameters;  // weight_steps and activation_step set, batch norm kept
};

// Layer after layer, on the outputs of the quantized layers before: ranges, AdaRound's rounding, then bias correction
// into beta or else bias, where the layer has one. A weight rounded up or down against nearest rounding has its latent
// moved to step * code. `parameters` are the trained ones of `float_network`; `train` has an example.
// A layer that is always 0 on the examples gets a range of 1.
QuantizedTwin quantize_after_training(const Network& float_network, const Parameters& parameters, const Dataset& train,
                                      const PostTrainingOptions& options);

// Real units per code for values that become codes in [low, high], high > 0; at least 2^-20. kMse tries 1 to 100
// hundredths of the largest magnitude and takes the widest of equals.
float fit_step(std::span<const float> values, int32_t low, int32_t high, RangeRule rule);
// Mean of (step * code - value)^2.
double rounding_error(std::span<const float> values, int32_t low, int32_t high, double step);

}  // namespace bitwright

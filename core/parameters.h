// core/parameters.h: what training learns, as plain floats: the hand-over from trainer to export.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace bitwright {

// Of one layer; empty where the layer has no such part. C is the layer's number of output channels.
struct LayerParameters {
  // Latent weights, output channel first: conv [out][kh][kw][in], depthwise [c][kh][kw], dense [out][in].
  std::vector<float> weights;
  std::vector<float> bias;                                  // C
  std::vector<float> gamma, beta, running_mean, running_var;  // C each; running_var >= 0
  // Real units per weight code where the recipe sets them: C of them or one, > 0. Empty: by core/quantize.h from the
  // weights. One at most where the accumulator itself is the output (Epilogue::kRaw).
  std::vector<float> weight_steps;
  // Real units per code of the output where it was learnt or calibrated, > 0; 0: the network's range_log2. Only for
  // ternary and multi-bit activations that no Add reads.
  float activation_step = 0.0f;
  bool operator==(const LayerParameters&) const = default;
};

// One entry per layer of the network, in its order.
struct Parameters {
  std::vector<LayerParameters> layers;
  bool operator==(const Parameters&) const = default;
};

// Added to running_var under the root, as in training.
inline constexpr double kBatchNormEpsilon = 1e-5;

}  // namespace bitwright

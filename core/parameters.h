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

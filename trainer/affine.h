// trainer/affine.h: bias, batch norm and scales of one layer as one affine per output channel.
//   real = a[c] * acc + b[c]        in float64, acc in integer codes (in real units where the layer reads float32)
// Shared by the export and the fake-quantized evaluation, so that both see the same numbers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "core/network.h"
#include "core/parameters.h"

namespace bitwright {

struct Affine {
  std::vector<double> a, b;  // one per output channel
  bool operator==(const Affine&) const = default;
};

// Batch norm folded as y = gamma * (real - mean) / sqrt(var + kBatchNormEpsilon) + beta (arXiv 1502.03167, alg. 2);
// averages divide by the number of summed codes; a log variance adds 2 log2(input_scale) (core/log_variance.h).
// weight_scales: one, one per channel, or empty for layers without integer weights.
// input_scale: real units per code of what the layer reads; for Add, of the finer of its two inputs.
Affine fold_affine(const LayerSpec& layer, const LayerShapes& shapes, const LayerParameters& parameters,
                   std::span<const float> weight_scales, double input_scale);

// Throws StructureError naming the first layer whose parameters are too few, too many or not finite.
void check_parameters(const Network& network, const std::vector<LayerShapes>& shapes, const Parameters& parameters);

// The weights of layer `index` as codes; nothing for float weights and for layers without weights.
// By `steps` where there are any; else by their statistics, per output channel, but with one scale where the
// accumulator itself is the output (Epilogue::kRaw).
struct QuantizedWeights;
QuantizedWeights quantize_layer(const Network& network, int index, const LayerShapes& shapes,
                                std::span<const float> latent, std::span<const float> steps);

// Real units per code of a quantized output: `step` where it is not 0, else that of the network's range.
double output_scale(const LayerSpec& layer, float step);
// Whether the output of `index` may have a step of its own (LayerParameters::activation_step).
bool may_learn_step(const Network& network, int index);

}  // namespace bitwright

// core/quantize.h: the quantizers' forward functions, used by the trainer's fake quantization and by the export alike.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/format.h"

namespace bitwright {

// Integer codes and one scale per output channel (or one in all): weight = scale * code.
struct QuantizedWeights {
  std::vector<int8_t> codes;  // same order as the latent weights
  std::vector<float> scales;  // `channels` of them, or one; finite, > 0
};

// latent: `channels` rows of equal length, output channel first; finite.
//   binary   code = +1 where w >= 0, else -1;     scale = mean |w|              (XNOR-Net, arXiv 1603.05279, eq. 6)
//   ternary  code = sign(w) where |w| > 0.7 mean|w|, else 0; scale = mean |w| of the kept ones (TWN, arXiv 1605.04711,
//   eq. 6) int2     code = clamp(round(w / s), -2, 1);    s = mean |w| int3..8  code = clamp(round(w / s), -q, q), q =
//   2^(bits-1) - 1;  s = max |w| / q  (symmetric, Jacob et al. 2018)
// round() is half away from zero. Means and maxima run over a row if per_channel, else over everything.
// A row of zeros gets scale 2^-20, so that every scale is positive.
QuantizedWeights quantize_weights(std::span<const float> latent, int channels, Format format, bool per_channel);

// The same with the steps given, one or one per channel, finite and > 0: binary as above, all others
//   code = clamp(round(w / step), low, high), low = -high but for int2, where it is -2.
QuantizedWeights quantize_weights(std::span<const float> latent, int channels, Format format,
                                  std::span<const float> steps);
// Smallest code of a weight: -1 for binary and ternary, -2 for int2, else -max_code.
int32_t min_weight_code(Format format);

// Code of a real value, half up: binary real >= 0; ternary and multi-bit clamp(floor(real / scale + 0.5)).
// The definition in float64 from which export derives thresholds and multipliers.
int32_t quantize_activation(double real, Format format, double scale);
// Smallest real with quantize_activation(real) >= code, for code in (min_code, max_code] (binary: code = +1 gives 0).
double activation_threshold(int32_t code, Format format, double scale);

}  // namespace bitwright

// core/quantized_model.h: a trained network as integers and scales: what the reference runs and the emitter packs.
//
// Integer inference, one layer (deploy/reference is the definition):
//   acc      = sum of weight code x input code                 int32, exact; AvgPool2d and GlobalAvgPool: the sum of
//              codes; Add: (from << shift_from) + (with << shift_with); GlobalLogVariance: core/log_variance.h
//   acc      = max of acc over the pooling window              if the layer pools
//   kRaw        out = acc + bias[c]
//   kThreshold  out = min_code + number of k with acc >= t[c][k]     (acc <= t[c][k] where descending[c]);
//               binary: -1 or +1
//   kRequantize out = clamp((acc * multiplier[c] + offset[c]) >> shift[c])   in int64, arithmetic shift (floor)
//   kFloat      y = float(acc) * scale[c] + offset[c], two roundings; relu if asked;
//               integer outputs: clamp(floorf(y * inverse_step + 0.5f)), binary: y >= 0
// Float accumulators (float weights or float input) are summed in float32 in the order ky, kx, channel, starting
// from 0, each product rounded before it is added; a code enters as float(code), so its scale is part of scale[c].
// Taps in the padding are skipped if the padding is zero. Max-pooling keeps the largest; the first of equals.
// MaxPool2d, Flatten and Upsample2d move codes or floats as they are: their output_scale is that of their input.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/network.h"

namespace bitwright {

struct QuantizedLayer {
  std::vector<int8_t> weights;         // codes in the order of LayerParameters; empty if float or without weights
  std::vector<float> float_weights;    // same order, where weights are float32
  double output_scale = 1.0;           // real = output_scale * code; 1 where the output is float32
  int shift_from = 0, shift_with = 0;  // Add: 0..12

  std::vector<int32_t> bias;        // kRaw: one per channel, or empty; |b| <= 2^30
  std::vector<int32_t> thresholds;  // kThreshold: [channel][levels - 1], in the order of the codes they open
  std::vector<uint8_t> descending;  // kThreshold: one per channel, 0 or 1
  std::vector<int32_t> multiplier;  // kRequantize: |m| < 2^31
  std::vector<int64_t> offset;      // kRequantize: |o| < 2^62; half of the last place included
  std::vector<uint8_t> shift;       // kRequantize: 0..62
  std::vector<float> float_scale;   // kFloat
  std::vector<float> float_offset;  // kFloat
  float inverse_step = 1.0f;        // kFloat with integer output: 1 / output_scale
  bool operator==(const QuantizedLayer&) const = default;
};

struct QuantizedModel {
  Network network;
  double input_scale = 1.0;            // real units (of the front end's output) per input code
  std::vector<QuantizedLayer> layers;  // one per network layer
  bool operator==(const QuantizedModel&) const = default;
};

// Number of integer thresholds per channel of an output format of up to 4 bits: codes - 1 (binary 1, ternary 2).
int threshold_count(Format format);

// The shift of a requantizing layer whose sums have the size that sums of random signs have, the root of their bound,
// and fill the output's format: what training tends to. 0..60.
int typical_shift(const Network& network, int layer);

// Throws StructureError where sizes or ranges are not those that the network asks for: a model read from a file is
// checked before use.
void check_model(const QuantizedModel& model);

}  // namespace bitwright

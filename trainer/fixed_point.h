// trainer/fixed_point.h: a float64 affine followed by a quantizer, as the integers of core/quantized_model.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/format.h"
#include "trainer/affine.h"

namespace bitwright {

// Accumulators at which the code becomes k, for k = min_code + 1 .. max_code (binary: +1): the smallest acc with
//   quantize_activation(a * acc + b) >= k        if a >= 0,  the largest if a < 0,
// found by bisection of that very expression, which is monotone, so that no rounding is guessed.
// acc runs over [-bound, bound], bound <= 2^30. A code reached nowhere gets bound + 1 (a < 0: -bound - 1), one
// reached everywhere -bound (a < 0: bound): every threshold lies within +-(bound + 1).
std::vector<int32_t> channel_thresholds(double a, double b, Format format, double scale, int64_t bound);

// floor(gain * acc + start) as (acc * multiplier + offset) >> shift with |multiplier| < 2^31, |offset| < 2^62 and
// the largest shift in 0..62 that allows it; the sum stays below 2^63 for |acc| <= 2^30.
// The argument of floor is off by at most (|acc| + 1) * 2^-(shift + 1), which for shift < 62 and an offset that fits
// is at most (|gain * acc| + gain) * 2^-30. A gain of 2^31 or an offset of 2^62 and more (one step of the accumulator
// crosses every code) keeps its sign and saturates.
struct FixedPoint {
  int32_t multiplier = 0;
  int64_t offset = 0;
  uint8_t shift = 0;
};
FixedPoint fixed_point(double gain, double start);

// round(b / a) per channel, clamped so that accumulator + bias stays within the 2^30 that layers reading it count on.
std::vector<int32_t> raw_bias(const Affine& affine, int64_t bound);

}  // namespace bitwright

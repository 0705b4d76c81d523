// SPDX-License-Identifier: Apache-2.0
#include "trainer/fixed_point.h"

#include <algorithm>
#include <cmath>

#include "core/quantize.h"

namespace bitwright {

std::vector<int32_t> channel_thresholds(double a, double b, Format format, double scale, int64_t bound) {
  // Mirrored for a < 0, so that the code never falls with `position`.
  const int64_t direction = a < 0.0 ? -1 : 1;
  const auto reaches = [&](int64_t position, int32_t code) {
    return quantize_activation(a * static_cast<double>(direction * position) + b, format, scale) >= code;
  };
  std::vector<int32_t> thresholds;
  const int32_t first = format == Format::kBinary ? max_code(format) : min_code(format) + 1;
  for (int32_t code = first; code <= max_code(format); ++code) {
    int64_t low = -bound, high = bound + 1;  // the answer is in [low, high]
    while (low < high) {
      const int64_t middle = low + (high - low) / 2;
      reaches(middle, code) ? high = middle : low = middle + 1;
    }
    thresholds.push_back(static_cast<int32_t>(direction * low));
  }
  return thresholds;
}

FixedPoint fixed_point(double gain, double start) {
  constexpr double kMultiplierLimit = 0x1p31 - 1.0, kOffsetLimit = 0x1p62 - 0x1p9;  // the largest doubles below
  const auto fits = [&](int exponent) {
    return std::fabs(std::round(std::ldexp(gain, exponent))) <= kMultiplierLimit &&
           std::fabs(std::round(std::ldexp(start, exponent))) <= kOffsetLimit;
  };
  int exponent = 62;
  while (!fits(exponent)) --exponent;
  return {static_cast<int32_t>(std::llround(std::ldexp(gain, exponent))), std::llround(std::ldexp(start, exponent)),
          static_cast<uint8_t>(std::max(exponent, 0))};
}

std::vector<int32_t> raw_bias(const Affine& affine, int64_t bound) {
  const double room = static_cast<double>((int64_t{1} << 30) - bound);
  std::vector<int32_t> bias;
  for (size_t c = 0; c < affine.a.size(); ++c)
    bias.push_back(static_cast<int32_t>(std::clamp(std::round(affine.b[c] / affine.a[c]), -room, room)));
  return bias;
}

}  // namespace bitwright

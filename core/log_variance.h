// core/log_variance.h: the accumulator of GlobalLogVariance.
//
// Of the codes x of one channel at n positions:
//   v = n * sum x^2 - (sum x)^2     n^2 times their variance, exact: at most kMaxLogVarianceSum squared
//   acc = log2_steps(max(v, kSmallestCodeVariance))
// Of real values, in float32, each sum in the order of the positions and each operation rounded by itself:
//   d = x - first x,  m = sum d / n,  v = n * sum (d - m)^2,  acc = log2_steps(clamped_variance(v, kSmallestVariance))
// so that a constant channel has the smallest variance, whatever its value.
// The layer's affine takes acc for log2(v) in real units: real = acc / kLogSteps + 2 log2(real units per code).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace bitwright {

inline constexpr int kLogSteps = 256;                            // of the logarithm, per doubling
inline constexpr int64_t kMaxLogVarianceSum = int64_t{1} << 26;  // of n times the largest code
inline constexpr double kSmallestCodeVariance = 1.0;
inline constexpr double kSmallestVariance = 0x1p-32, kLargestVariance = 0x1p126;  // n^2 times it, of real values

// kLogSteps * log2(v), linear between powers of two and rounded down: for v = 2^e (1 + m), 0 <= m < 1, it is
// kLogSteps * e + floor(kLogSteps * m) (Mitchell 1962, doi 10.1109/TEC.1962.5219391). At most 0.0861 below log2, and
// one step more.
// v: a normal number above 0.
inline int32_t log2_steps(double v) {
  int exponent = 0;
  const double fraction = std::frexp(v, &exponent);  // v = fraction * 2^exponent, fraction in [0.5, 1)
  return (exponent - 1) * kLogSteps + static_cast<int32_t>((2.0 * fraction - 1.0) * kLogSteps);
}

// v within [smallest, kLargestVariance]; what is not a number gives the smallest.
inline double clamped_variance(double v, double smallest) {
  return v > smallest ? std::min(v, kLargestVariance) : smallest;
}

// The slope of the line of log2_steps that v lies on.
inline double log2_steps_slope(double v) {
  return std::ldexp(double{kLogSteps}, -std::ilogb(v));
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "trainer/exact_epilogue.h"

#include <algorithm>
#include <cmath>

#include "trainer/fixed_point.h"

// As in trainer/kernels.cc. Without fused operations (trainer/CMakeLists.txt) both copies give the same bits.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
#define BW_HOT __attribute__((target_clones("default", "arch=x86-64-v3")))
#else
#define BW_HOT
#endif

namespace bitwright {
namespace {

// Calls row(channel, first element of the row) for every example and channel.
template <class F>
void for_each_row(Extent e, F row) {
  for (int64_t i = 0; i < e.n * e.c; ++i) row(static_cast<size_t>(i % e.c), i * e.p);
}

void raw_rows(const std::vector<int32_t>& bias, Extent e, const float* acc, float* out) {
  for_each_row(e, [&](size_t c, int64_t at) {
    const float b = static_cast<float>(bias[c]);
    for (int64_t i = at; i < at + e.p; ++i) out[i] = acc[i] + b;
  });
}

void sign_rows(const Affine& affine, Extent e, const float* acc, float* out) {
  for_each_row(e, [&](size_t c, int64_t at) {
    const double a = affine.a[c], b = affine.b[c];
    for (int64_t i = at; i < at + e.p; ++i) out[i] = a * acc[i] + b >= 0.0 ? 1.0f : -1.0f;
  });
}

BW_HOT void level_row(const float* acc, int64_t n, double a, double b, double scale, double low, double high,
                      float* out) {
  for (int64_t i = 0; i < n; ++i)
    out[i] = static_cast<float>(std::min(std::max(std::floor((a * acc[i] + b) / scale + 0.5), low), high));
}

void level_rows(const Affine& affine, Format format, double scale, Extent e, const float* acc, float* out) {
  const double low = min_code(format), high = max_code(format);
  for_each_row(
      e, [&](size_t c, int64_t at) { level_row(acc + at, e.p, affine.a[c], affine.b[c], scale, low, high, out + at); });
}

void float_rows(const LayerSpec& layer, const Affine& affine, double scale, Extent e, const float* acc, float* out) {
  const Quantizer q = make_quantizer(layer.activations, scale, layer.relu);
  for_each_row(e, [&](size_t c, int64_t at) {
    const float a = static_cast<float>(affine.a[c]), b = static_cast<float>(affine.b[c]);
    for (int64_t i = at; i < at + e.p; ++i) {
      const float y = acc[i] * a + b;
      out[i] = q.kind == Quantizer::kSign     ? (y >= 0.0f ? 1.0f : -1.0f)
               : q.kind == Quantizer::kLevels ? std::clamp(std::floor(y * q.inverse_step + 0.5f), q.low, q.high)
               : q.kind == Quantizer::kRelu   ? std::max(y, 0.0f)
                                              : y;
    }
  });
}

}  // namespace

void exact_epilogue(const Network& network, int index, const Affine& affine, double scale, Extent extent,
                    const float* acc, float* out) {
  const LayerSpec& layer = network.layers[index];
  const Epilogue kind = epilogue(network, index);
  if (kind == Epilogue::kRaw) return raw_rows(raw_bias(affine, accumulator_bound(network, index)), extent, acc, out);
  if (kind == Epilogue::kFloat) return float_rows(layer, affine, scale, extent, acc, out);
  if (layer.activations == Format::kBinary) return sign_rows(affine, extent, acc, out);
  level_rows(affine, layer.activations, scale, extent, acc, out);
}

}  // namespace bitwright

// trainer/geometry.h: shapes of a layer as torch's convolutions and our pooling loops want them. No torch type.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "core/network.h"
#include "trainer/kernels.h"

namespace bitwright {

// Conv2d and DepthwiseConv2d. A column (width 1) is turned into a row, for which oneDNN is up to twice as fast; the
// bytes are the same.
struct Convolution {
  bool column = false;
  std::array<int64_t, 2> stride{}, padding{}, kernel{};
  std::array<int64_t, 4> border{};  // left, right, top, bottom where the padding must be written out
  bool has_border = false;
  float fill = 0.0f;  // code in the border
  int64_t groups = 1;
};
Convolution make_convolution(const LayerSpec& layer, const LayerShapes& shapes);

inline Extent extent(int64_t n, const Shape& s) {
  return {n, s.c, int64_t{s.h} * s.w};
}
Pooling make_pooling(const Shape& in, const Shape& out, const Window& window);
// AvgPool2d and GlobalAvgPool.
Pooling sum_pooling(const LayerSpec& layer, const LayerShapes& shapes);
// Upsample2d: sum_pool_backward with it repeats, sum_pool_forward adds the gradients up.
Pooling upsampling(const LayerShapes& shapes);

inline bool is_convolution(const Op& op) {
  return std::holds_alternative<Conv2d>(op) || std::holds_alternative<DepthwiseConv2d>(op);
}

// Calls f(index in the order of LayerParameters, index in torch's order [out][in][kh][kw], output channel) for every
// weight.
template <class F>
void for_each_weight(const LayerSpec& layer, const LayerShapes& shapes, F f) {
  const auto rows = static_cast<size_t>(shapes.output.c);
  const size_t row = static_cast<size_t>(weight_count(layer, shapes)) / rows;
  const size_t inputs = std::holds_alternative<Conv2d>(layer.op) ? static_cast<size_t>(shapes.input.c) : 1;
  const size_t taps = row / inputs;
  for (size_t o = 0; o < rows; ++o)
    for (size_t t = 0; t < taps; ++t)
      for (size_t i = 0; i < inputs; ++i) f(o * row + t * inputs + i, o * row + i * taps + t, o);
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "trainer/geometry.h"

#include <algorithm>

namespace bitwright {
namespace {

float code_of(Padding padding) {
  return padding == Padding::kMinusOne ? -1.0f : padding == Padding::kPlusOne ? 1.0f : 0.0f;
}

// What lies behind the last position, by Padding.
int64_t padding_after(int n, int window, int stride, Padding padding) {
  const int out = padded_outputs(n, window, stride, padding), before = padding_before(n, window, stride, padding);
  return padding == Padding::kValid ? 0 : std::max((out - 1) * stride + window - n - before, 0);
}

void turn_into_row(Convolution& c) {
  std::swap(c.stride[0], c.stride[1]);
  std::swap(c.kernel[0], c.kernel[1]);
  std::swap(c.padding[0], c.padding[1]);
  c.border = {c.border[2], c.border[3], 0, 0};
}

}  // namespace

Convolution make_convolution(const LayerSpec& layer, const LayerShapes& shapes) {
  const auto* conv = std::get_if<Conv2d>(&layer.op);
  const auto* depthwise = std::get_if<DepthwiseConv2d>(&layer.op);
  const Window& k = conv ? conv->kernel : depthwise->kernel;
  const Padding padding = conv ? conv->padding : depthwise->padding;
  const Shape& in = shapes.input;
  const int64_t top = padding_before(in.h, k.h, k.stride_h, padding),
                left = padding_before(in.w, k.w, k.stride_w, padding);
  const int64_t bottom = padding_after(in.h, k.h, k.stride_h, padding),
                right = padding_after(in.w, k.w, k.stride_w, padding);
  Convolution c;
  c.column = in.w == 1 && k.w == 1;
  c.groups = conv ? 1 : in.c;
  c.fill = code_of(padding);
  c.has_border = top != bottom || left != right || (c.fill != 0.0f && top + left + bottom + right > 0);
  c.stride = {k.stride_h, k.stride_w};
  c.kernel = {k.h, k.w};
  if (!c.has_border) c.padding = {top, left};
  c.border = {left, right, top, bottom};
  if (c.column) turn_into_row(c);
  return c;
}

Pooling make_pooling(const Shape& in, const Shape& out, const Window& window) {
  return {in.h, in.w, out.h, out.w, window.h, window.w, window.stride_h, window.stride_w};
}

Pooling sum_pooling(const LayerSpec& layer, const LayerShapes& shapes) {
  const Shape& in = shapes.input;
  const auto* average = std::get_if<AvgPool2d>(&layer.op);
  return make_pooling(in, shapes.accumulators, average ? average->window : Window{in.h, in.w});
}

Pooling upsampling(const LayerShapes& shapes) {
  const Shape &in = shapes.input, &out = shapes.output;
  const int h = out.h / in.h, w = out.w / in.w;
  return make_pooling(out, in, {h, w, h, w});
}

}  // namespace bitwright

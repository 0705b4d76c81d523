// SPDX-License-Identifier: Apache-2.0
#include "trainer/real_layer.h"

#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "core/log_variance.h"
#include "trainer/affine.h"

namespace bitwright {
namespace {

// acc[o] = sum over taps of patch[tap] * weights[tap][o].
void add_taps(const float* patch, int64_t taps, const float* weights, int64_t outputs, float* acc) {
  std::fill_n(acc, outputs, 0.0f);
  for (int64_t tap = 0; tap < taps; ++tap, weights += outputs)
    for (int64_t o = 0; o < outputs; ++o) acc[o] += patch[tap] * weights[o];
}

// The same channel by channel: patch and weights [taps][channels]; without weights the plain sum.
void add_channel_taps(const float* patch, int64_t taps, const float* weights, int64_t channels, float* acc) {
  std::fill_n(acc, channels, 0.0f);
  for (int64_t i = 0; i < taps; ++i)
    for (int64_t c = 0; c < channels; ++c)
      acc[c] += weights ? patch[i * channels + c] * weights[i * channels + c] : patch[i * channels + c];
}

// Where the values are codes, of those, as the integer model has it, and then in real units.
float log_variance(double variance, double code_scale) {
  if (code_scale == 0.0) return static_cast<float>(log2_steps(clamped_variance(variance, kSmallestVariance)));
  const double of_codes = std::round(variance / (code_scale * code_scale));
  const int32_t steps = log2_steps(clamped_variance(of_codes, kSmallestCodeVariance));
  return static_cast<float>(steps + kLogSteps * 2.0 * std::log2(code_scale));
}

// patch [positions][channels].
void add_log_variances(const float* patch, int64_t positions, int64_t channels, double code_scale, float* acc) {
  for (int64_t c = 0; c < channels; ++c) {
    double sum = 0.0, squares = 0.0;
    for (int64_t i = 0; i < positions; ++i) {
      const double x = patch[i * channels + c];
      sum += x;
      squares += x * x;
    }
    const double variance = static_cast<double>(positions) * squares - sum * sum;
    acc[c] = log_variance(variance, code_scale);
  }
}

RealMap accumulators(const LayerSpec& layer, const LayerShapes& shapes, const LayerParameters& parameters,
                     double code_scale, const RealMap& in) {
  const Shape out = shapes.accumulators;
  const PatchReader reader = patch_reader(layer, shapes, code_scale);
  const std::vector<float> weights = taps_first(parameters.weights, out.c);
  const int64_t count = std::ssize(in) / shapes.input.elements();
  RealMap acc(static_cast<size_t>(count * out.elements()));
  std::vector<float> patch(static_cast<size_t>(reader.size()));
  float* at = acc.data();
  for (int64_t i = 0; i < count; ++i)
    for (int y = 0; y < out.h; ++y)
      for (int x = 0; x < out.w; ++x, at += out.c) {
        reader.read(in.data() + i * shapes.input.elements(), y, x, patch.data());
        accumulate(layer.op, reader, patch.data(), weights, out.c, at);
      }
  return acc;
}

RealMap sum(const RealMap& a, const RealMap& b) {
  RealMap out(a.size());
  for (size_t i = 0; i < a.size(); ++i) out[i] = a[i] + b[i];
  return out;
}

void max_pool_example(const float* in, const Shape& from, const Window& window, const Shape& to, float* best) {
  for (int y = 0; y < to.h; ++y)
    for (int x = 0; x < to.w; ++x, best += to.c)
      for (int k = 0; k < window.h * window.w; ++k) {
        const int row = y * window.stride_h + k / window.w, column = x * window.stride_w + k % window.w;
        const float* at = in + (int64_t{row} * from.w + column) * from.c;
        for (int c = 0; c < to.c; ++c) best[c] = k == 0 ? at[c] : std::max(best[c], at[c]);
      }
}

}  // namespace

void PatchReader::read(const float* example, int y, int x, float* patch) const {
  const int top = y * window.stride_h - padding_before(input.h, window.h, window.stride_h, padding);
  const int left = x * window.stride_w - padding_before(input.w, window.w, window.stride_w, padding);
  for (int row = top; row < top + window.h; ++row)
    for (int column = left; column < left + window.w; ++column, patch += input.c)
      if (row < 0 || row >= input.h || column < 0 || column >= input.w)
        std::fill_n(patch, input.c, border);
      else
        std::copy_n(example + (int64_t{row} * input.w + column) * input.c, input.c, patch);
}

PatchReader patch_reader(const LayerSpec& layer, const LayerShapes& shapes, double code_scale) {
  PatchReader reader{.input = shapes.input};
  reader.code_scale = code_scale;
  if (const auto* conv = std::get_if<Conv2d>(&layer.op)) reader.window = conv->kernel, reader.padding = conv->padding;
  if (const auto* conv = std::get_if<DepthwiseConv2d>(&layer.op))
    reader.window = conv->kernel, reader.padding = conv->padding;
  if (const auto* average = std::get_if<AvgPool2d>(&layer.op)) reader.window = average->window;
  if (std::holds_alternative<GlobalAvgPool>(layer.op) || std::holds_alternative<GlobalLogVariance>(layer.op))
    reader.window = {shapes.input.h, shapes.input.w, 1, 1};
  if (reader.padding == Padding::kPlusOne) reader.border = static_cast<float>(code_scale);
  if (reader.padding == Padding::kMinusOne) reader.border = static_cast<float>(-code_scale);
  return reader;
}

void accumulate(const Op& op, const PatchReader& reader, const float* patch, const std::vector<float>& weights,
                int64_t outputs, float* acc) {
  if (std::holds_alternative<Conv2d>(op) || std::holds_alternative<Dense>(op))
    return add_taps(patch, reader.size(), weights.data(), outputs, acc);
  if (std::holds_alternative<GlobalLogVariance>(op))
    return add_log_variances(patch, reader.size() / outputs, outputs, reader.code_scale, acc);
  add_channel_taps(patch, reader.size() / outputs, weights.empty() ? nullptr : weights.data(), outputs, acc);
}

std::vector<float> taps_first(std::span<const float> weights, int64_t outputs) {
  std::vector<float> out(weights.size());
  const int64_t taps = std::ssize(weights) / outputs;
  for (int64_t o = 0; o < outputs; ++o)
    for (int64_t tap = 0; tap < taps; ++tap) out[tap * outputs + o] = weights[o * taps + tap];
  return out;
}

RealMap max_pooled(const RealMap& in, const Shape& from, const Window& window, const Shape& to) {
  const int64_t count = std::ssize(in) / from.elements();
  RealMap out(static_cast<size_t>(count * to.elements()));
  for (int64_t i = 0; i < count; ++i)
    max_pool_example(in.data() + i * from.elements(), from, window, to, out.data() + i * to.elements());
  return out;
}

RealMap upsampled(const RealMap& in, const Shape& from, const Upsample2d& op) {
  const int64_t rows = std::ssize(in) / (int64_t{from.w} * from.c);  // of all examples
  RealMap out;
  out.reserve(in.size() * static_cast<size_t>(op.h) * static_cast<size_t>(op.w));
  for (int64_t y = 0; y < rows * op.h; ++y)
    for (int64_t x = 0; x < int64_t{from.w} * op.w; ++x) {
      const auto pixel = in.begin() + (y / op.h * from.w + x / op.w) * from.c;
      out.insert(out.end(), pixel, pixel + from.c);
    }
  return out;
}

RealMap pre_activations(const LayerSpec& layer, const LayerShapes& shapes, const LayerParameters& parameters,
                        double code_scale, const RealMap& in, const RealMap& with) {
  BW_CHECK(has_accumulators(layer.op));
  RealMap out =
      std::holds_alternative<Add>(layer.op) ? sum(in, with) : accumulators(layer, shapes, parameters, code_scale, in);
  if (layer.pool) out = max_pooled(out, shapes.accumulators, *layer.pool, shapes.output);
  const Affine affine = fold_affine(layer, shapes, parameters, {}, 1.0);
  const size_t channels = affine.a.size();
  for (size_t i = 0; i < out.size(); i += channels)
    for (size_t c = 0; c < channels; ++c) out[i + c] = static_cast<float>(affine.a[c] * out[i + c] + affine.b[c]);
  return out;
}

}  // namespace bitwright

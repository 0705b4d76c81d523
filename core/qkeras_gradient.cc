// core/qkeras_gradient.cc: surrogate gradients, as core/qkeras_quantizer.h states them class by class.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/error.h"
#include "core/qkeras_quantizer.h"

namespace bitwright {
namespace {

float power_of_two(int exponent) {
  return std::ldexp(1.0f, exponent);
}
float tanh_slope(float x) {
  const float t = std::tanh(x);
  return 1.0f - t * t;
}
float sigmoid(float x) {
  return 1.0f / (1.0f + std::exp(-x));
}
float indicator(bool inside) {
  return inside ? 1.0f : 0.0f;
}
bool within(float x, float low, float high) {
  return low <= x && x <= high;
}

// What is left of a gradient where the surrogate's share of the output is 1 - f.
float with_noise(float gradient, bool use_ste, float qnoise_factor) {
  return use_ste ? gradient : (1.0f - qnoise_factor) * gradient;
}

float slope_at(const QuantizedBits& q, float) {
  return with_noise(1.0f, q.use_ste, q.qnoise_factor);
}

float slope_at(const QuantizedRelu& q, float x) {
  const float mi = power_of_two(q.integer);
  std::optional<float> bound = q.relu_upper_bound;
  if (q.is_quantized_clip) bound = mi - power_of_two(q.integer - q.bits + (q.negative_slope != 0.0f));
  const float gradient = bound && x > *bound ? 0.0f : x > 0.0f ? 1.0f : q.negative_slope;
  return with_noise(gradient, q.use_ste, q.qnoise_factor);
}

template <class Q>
float sign_slope(const Q& q, float x) {
  return q.alpha.rule == AlphaRule::kNone ? tanh_slope(x) : 1.0f;
}
float slope_at(const Binary& q, float x) {
  return sign_slope(q, x);
}
float slope_at(const Ternary& q, float x) {
  return sign_slope(q, x);
}
float slope_at(const StochasticBinary&, float) {
  return 1.0f;
}
float slope_at(const Bernoulli&, float) {
  return 1.0f;
}
float slope_at(const StochasticTernary&, float) {
  return 1.0f;
}

float slope_at(const QuantizedTanh& q, float x) {
  const float m = power_of_two(q.bits - 1), p = q.use_real_tanh ? std::tanh(x) : std::clamp(x, -1.0f, 1.0f);
  if (!within(std::nearbyint(p * m) / m, -1.0f + static_cast<float>(q.symmetric) / m, 1.0f - 1.0f / m)) return 0.0f;
  return q.use_real_tanh ? tanh_slope(x) : indicator(within(x, -1.0f, 1.0f));
}

float slope_at(const QuantizedSigmoid& q, float x) {
  const float m = power_of_two(q.bits);
  const float p = q.use_real_sigmoid ? sigmoid(x) : std::clamp(0.5f * x + 0.5f, 0.0f, 1.0f);
  if (!within(std::nearbyint(p * m) / m, static_cast<float>(q.symmetric) / m, 1.0f - 1.0f / m)) return 0.0f;
  return q.use_real_sigmoid ? p * (1.0f - p) : 0.5f * indicator(within(x, -1.0f, 1.0f));
}

float slope_at(const QuantizedUlaw& q, float x) {
  const float m = power_of_two(q.bits - 1), mi = power_of_two(q.integer);
  const float v = 2.0f * (std::nearbyint(std::clamp(0.5f * x / mi + 0.5f, 0.0f, 1.0f) * m) / m) - 1.0f;
  const float law = std::copysign(std::log(1.0f + q.u * std::abs(v)) / std::log(1.0f + q.u), v);
  const bool open = within(law, -1.0f + static_cast<float>(q.symmetric) / m, 1.0f - 1.0f / m);
  if (v == 0.0f || !open || !within(x, -mi, mi)) return 0.0f;
  return q.u / ((1.0f + q.u * std::abs(v)) * std::log(1.0f + q.u));
}

float slope_at(const QuantizedPo2& q, float) {
  return with_noise(1.0f, q.use_ste, q.qnoise_factor);
}

float slope_at(const QuantizedReluPo2& q, float x) {
  const float gradient = q.max_value && x > *q.max_value ? 0.0f : x > 0.0f ? 1.0f : q.negative_slope;
  return with_noise(gradient, q.use_ste, q.qnoise_factor);
}

float slope_at(const QuantizedHswish& q, float x) {
  const float shifted = x + q.relu_shift, bound = q.relu_upper_bound;
  const float relu = std::clamp(shifted, 0.0f, bound), open = indicator(shifted > 0.0f && shifted <= bound);
  return (relu + x * open) / bound * slope_at(q.base, x);
}

float slope_at(const NamedActivation& q, float x) {
  const bool smooth = q.name.starts_with("smooth");
  const float slope = smooth ? 0.1875f : 0.5f;
  const float sigmoid_slope = slope * indicator(within(slope * x + 0.5f, 0.0f, 1.0f));
  return q.name.ends_with("tanh") ? 2.0f * sigmoid_slope : sigmoid_slope;
}

template <class Q>
std::vector<float> slopes(const Q& q, std::span<const float> x, const Dims&, const QkerasOptions&) {
  std::vector<float> gradient(x.size());
  std::transform(x.begin(), x.end(), gradient.begin(), [&](float v) { return slope_at(q, v); });
  return gradient;
}

// The clip is open where x / qs lies within its bounds.
std::vector<float> slopes(const QuantizedLinear& q, std::span<const float> x, const Dims& dims,
                          const QkerasOptions& options) {
  const bool one_bit = q.bits == 1 && q.keep_negative;
  const float m = power_of_two(q.bits - q.keep_negative);
  const float high = one_bit ? 0.5f : m - 1.0f;
  const float low = one_bit ? -0.5f : q.keep_negative ? -m + static_cast<float>(q.symmetric) : 0.0f;
  const std::vector<float> scale = broadcast(quantize(q, x, dims, options).scale, dims);
  std::vector<float> gradient(x.size());
  for (size_t i = 0; i < x.size(); ++i)
    gradient[i] = 1.0f - q.qnoise_factor + q.qnoise_factor * indicator(within(x[i] / scale[i], low, high));
  return gradient;
}

}  // namespace

std::vector<float> surrogate_gradient(const QkerasQuantizer& quantizer, std::span<const float> values, const Dims& dims,
                                      const QkerasOptions& options) {
  if (const std::string rule = broken_rule(quantizer); !rule.empty())
    throw ConfigError(fmt::format("{}: {}", class_name(quantizer), rule));
  return std::visit([&](const auto& q) { return slopes(q, values, dims, options); }, quantizer);
}

}  // namespace bitwright

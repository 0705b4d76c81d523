// SPDX-License-Identifier: Apache-2.0
#include "core/quantize.h"

#include <algorithm>
#include <cmath>

#include "core/check.h"

namespace bitwright {
namespace {

constexpr float kSmallestScale = 0x1p-20f;

struct Moments {
  double mean_abs = 0.0, max_abs = 0.0;
};

Moments moments(std::span<const float> w) {
  Moments m;
  for (float x : w) {
    m.mean_abs += std::fabs(x);
    m.max_abs = std::max(m.max_abs, static_cast<double>(std::fabs(x)));
  }
  m.mean_abs /= static_cast<double>(w.size());
  return m;
}

float positive(double scale) {
  return std::max(static_cast<float>(scale), kSmallestScale);
}

float quantize_binary(std::span<const float> w, std::span<int8_t> codes) {
  for (size_t i = 0; i < w.size(); ++i) codes[i] = w[i] >= 0.0f ? 1 : -1;
  return positive(moments(w).mean_abs);
}

float quantize_ternary(std::span<const float> w, std::span<int8_t> codes) {
  const float threshold = static_cast<float>(0.7 * moments(w).mean_abs);
  double sum = 0.0;
  int64_t kept = 0;
  for (size_t i = 0; i < w.size(); ++i) {
    const bool keep = std::fabs(w[i]) > threshold;
    codes[i] = keep ? (w[i] > 0.0f ? 1 : -1) : 0;
    if (keep) sum += std::fabs(w[i]), ++kept;
  }
  return positive(kept > 0 ? sum / static_cast<double>(kept) : 0.0);
}

void round_to_steps(std::span<const float> w, Format format, float step, std::span<int8_t> codes) {
  const auto low = static_cast<float>(min_weight_code(format)), high = static_cast<float>(max_code(format));
  for (size_t i = 0; i < w.size(); ++i) codes[i] = static_cast<int8_t>(std::lround(std::clamp(w[i] / step, low, high)));
}

float quantize_uniform(std::span<const float> w, Format format, std::span<int8_t> codes) {
  const Moments m = moments(w);
  const float scale = positive(format == Format::kInt2 ? m.mean_abs : m.max_abs / max_code(format));
  round_to_steps(w, format, scale, codes);
  return scale;
}

}  // namespace

QuantizedWeights quantize_weights(std::span<const float> latent, int channels, Format format, bool per_channel) {
  BW_CHECK(channels > 0 && !latent.empty() && latent.size() % channels == 0 && format != Format::kFloat32);
  QuantizedWeights out{std::vector<int8_t>(latent.size()), {}};
  const size_t rows = per_channel ? channels : 1, length = latent.size() / rows;
  for (size_t r = 0; r < rows; ++r) {
    const auto w = latent.subspan(r * length, length);
    const auto codes = std::span(out.codes).subspan(r * length, length);
    out.scales.push_back(format == Format::kBinary    ? quantize_binary(w, codes)
                         : format == Format::kTernary ? quantize_ternary(w, codes)
                                                      : quantize_uniform(w, format, codes));
  }
  return out;
}

QuantizedWeights quantize_weights(std::span<const float> latent, int channels, Format format,
                                  std::span<const float> steps) {
  BW_CHECK(steps.size() == 1 || static_cast<int>(steps.size()) == channels);
  QuantizedWeights out{std::vector<int8_t>(latent.size()), {steps.begin(), steps.end()}};
  const size_t length = latent.size() / steps.size();
  for (size_t r = 0; r < steps.size(); ++r) {
    const auto w = latent.subspan(r * length, length);
    const auto codes = std::span(out.codes).subspan(r * length, length);
    if (format == Format::kBinary)
      quantize_binary(w, codes);
    else
      round_to_steps(w, format, steps[r], codes);
  }
  return out;
}

int32_t min_weight_code(Format format) {
  return format == Format::kInt2 ? -2 : -max_code(format);
}

int32_t quantize_activation(double real, Format format, double scale) {
  if (format == Format::kBinary) return real >= 0.0 ? 1 : -1;
  const double code = std::floor(real / scale + 0.5);
  return static_cast<int32_t>(std::clamp<double>(code, min_code(format), max_code(format)));
}

double activation_threshold(int32_t code, Format format, double scale) {
  if (format == Format::kBinary) return 0.0;
  double real = (code - 0.5) * scale;
  // The double just below half a step is one that quantize_activation's sum with 0.5 rounds up to 1.
  const auto below = [&] { return std::nextafter(real, -HUGE_VAL); };
  while (quantize_activation(below(), format, scale) >= code) real = below();
  return real;
}

}  // namespace bitwright

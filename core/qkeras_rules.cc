// core/qkeras_rules.cc: names of the quantizers' classes and what their fields may hold.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/qkeras_quantizer.h"

namespace bitwright {
namespace {

constexpr std::array<std::string_view, 6> kNamedActivations = {"hard_sigmoid", "hard_tanh",      "binary_sigmoid",
                                                               "binary_tanh",  "smooth_sigmoid", "smooth_tanh"};

std::string outside(const char* name, int value, int low, int high) {
  if (low <= value && value <= high) return "";
  return fmt::format("{} = {}: from {} to {}", name, value, low, high);
}
std::string not_above_zero(const char* name, float value) {
  return value > 0.0f && std::isfinite(value) ? "" : fmt::format("{} = {}: above 0", name, value);
}
std::string bad_noise(float factor) {
  return factor >= 0.0f && factor <= 1.0f ? "" : fmt::format("qnoise_factor = {}: from 0 to 1", factor);
}
std::string bad_slope(float slope) {
  int exponent = 0;
  const bool power = slope > 0.0f && std::frexp(slope, &exponent) == 0.5f;
  return slope == 0.0f || power ? "" : fmt::format("negative_slope = {}: 0 or a power of two", slope);
}
std::string bad_alpha(const QkerasAlpha& alpha) {
  const bool finite =
      std::all_of(alpha.fixed.values.begin(), alpha.fixed.values.end(), [](float v) { return std::isfinite(v); });
  return finite ? "" : "alpha: finite numbers";
}
template <class Q>
std::string bad_exponents(const Q& q) {
  const bool used = q.min_po2_exponent || q.max_po2_exponent;
  if (used && q.alpha.rule != AlphaRule::kAutoPo2) return "min_po2_exponent, max_po2_exponent: only with 'auto_po2'";
  if (std::abs(q.min_po2_exponent.value_or(0)) > 126)
    return outside("min_po2_exponent", *q.min_po2_exponent, -126, 126);
  if (std::abs(q.max_po2_exponent.value_or(0)) > 126)
    return outside("max_po2_exponent", *q.max_po2_exponent, -126, 126);
  const bool ordered = !q.min_po2_exponent || !q.max_po2_exponent || *q.min_po2_exponent <= *q.max_po2_exponent;
  return ordered ? "" : "min_po2_exponent: at most max_po2_exponent";
}

// The first that is not empty.
std::string first_of(std::initializer_list<std::string> rules) {
  for (const std::string& rule : rules)
    if (!rule.empty()) return rule;
  return "";
}

std::string rule_of(const QuantizedBits& q) {
  std::string one_bit, post_training;
  if (q.alpha.is_auto() && q.bits == 1)
    one_bit = "bits = 1: at least 2 with an automatic alpha, whose scale has no level";
  if (!q.post_training_scale.values.empty() && !q.alpha.is_auto())
    post_training = "post_training_scale: only with an automatic alpha";
  return first_of({outside("bits", q.bits, 1, 31), outside("integer", q.integer, -64, 64), bad_alpha(q.alpha), one_bit,
                   bad_noise(q.qnoise_factor), bad_exponents(q), post_training});
}
std::string rule_of(const QuantizedLinear& q) {
  const bool zero = std::count(q.alpha.fixed.values.begin(), q.alpha.fixed.values.end(), 0.0f) > 0;
  return first_of({outside("bits", q.bits, 1, 31), outside("integer", q.integer, -64, 64), bad_alpha(q.alpha),
                   zero ? "alpha: not 0" : "", bad_noise(q.qnoise_factor)});
}
std::string rule_of(const QuantizedRelu& q) {
  return first_of({outside("bits", q.bits, q.negative_slope != 0.0f ? 2 : 1, 31),
                   outside("integer", q.integer, -64, 64), bad_slope(q.negative_slope), bad_noise(q.qnoise_factor)});
}
std::string rule_of(const Binary& q) {
  return first_of({bad_alpha(q.alpha), bad_exponents(q)});
}
template <class Stochastic>
std::string sampling_rule(const Stochastic& q) {
  return first_of({bad_alpha(q.alpha), not_above_zero("temperature", q.temperature)});
}
std::string rule_of(const StochasticBinary& q) {
  return sampling_rule(q);
}
std::string rule_of(const Bernoulli& q) {
  return sampling_rule(q);
}
template <class AnyTernary>
std::string ternary_rule(const AnyTernary& q) {
  std::string threshold;
  if (q.threshold && q.alpha.is_auto())
    threshold = fmt::format("threshold = {}: null with an automatic alpha", *q.threshold);
  else if (q.threshold && !(*q.threshold >= 0.0f))
    threshold = fmt::format("threshold = {}: at least 0", *q.threshold);
  return first_of({bad_alpha(q.alpha), threshold, outside("number_of_unrolls", q.number_of_unrolls, 1, 100)});
}
std::string rule_of(const Ternary& q) {
  const bool rounding = q.use_stochastic_rounding && !q.alpha.is_auto();
  return first_of({ternary_rule(q), rounding ? "use_stochastic_rounding = True: only with an automatic alpha" : ""});
}
std::string rule_of(const StochasticTernary& q) {
  return first_of({ternary_rule(q), not_above_zero("temperature", q.temperature)});
}
std::string rule_of(const QuantizedTanh& q) {
  return outside("bits", q.bits, 1, 31);
}
std::string rule_of(const QuantizedSigmoid& q) {
  return outside("bits", q.bits, 1, 31);
}
std::string rule_of(const QuantizedUlaw& q) {
  return first_of({outside("bits", q.bits, 1, 31), outside("integer", q.integer, -64, 64), not_above_zero("u", q.u)});
}
// sign_bits: of the value, beside that of the exponent.
template <class Po2>
std::string po2_rule(const Po2& q, int sign_bits) {
  const bool exponent_sign = !q.max_value || *q.max_value > 1.0f;
  std::string log2;
  if (q.log2_rounding != "rnd" && q.log2_rounding != "floor")
    log2 = fmt::format("log2_rounding = '{}': 'rnd' or 'floor'", q.log2_rounding);
  return first_of({q.max_value ? not_above_zero("max_value", *q.max_value) : "",
                   outside("bits", q.bits, std::max(1, sign_bits + exponent_sign), 31), log2,
                   bad_noise(q.qnoise_factor)});
}
std::string rule_of(const QuantizedPo2& q) {
  return po2_rule(q, 1);
}
std::string rule_of(const QuantizedReluPo2& q) {
  return first_of({po2_rule(q, 0), bad_slope(q.negative_slope)});
}
std::string rule_of(const QuantizedHswish& q) {
  return first_of({rule_of(q.base), not_above_zero("relu_shift", q.relu_shift),
                   not_above_zero("relu_upper_bound", q.relu_upper_bound)});
}
std::string rule_of(const NamedActivation& q) {
  const bool known = std::find(kNamedActivations.begin(), kNamedActivations.end(), q.name) != kNamedActivations.end();
  return known ? "" : fmt::format("no activation of QKeras, which has {}", fmt::join(kNamedActivations, ", "));
}

template <class Q>
void apply_kernel_rule(Q& q) {
  if constexpr (std::is_same_v<Q, QuantizedHswish>) {
    apply_kernel_rule(q.base);
  } else if constexpr (requires { q.alpha; }) {
    if (q.alpha.rule != AlphaRule::kNone) return;
    q.alpha.rule = AlphaRule::kAutoPo2;
    if constexpr (requires { q.symmetric; }) q.symmetric = true;
  }
}

}  // namespace

std::string_view class_name(const QkerasQuantizer& quantizer) {
  constexpr std::array<std::string_view, 14> kNames = {
      "quantized_bits", "quantized_linear", "quantized_relu",     "binary",          "stochastic_binary",
      "bernoulli",      "ternary",          "stochastic_ternary", "quantized_tanh",  "quantized_sigmoid",
      "quantized_ulaw", "quantized_po2",    "quantized_relu_po2", "quantized_hswish"};
  static_assert(std::variant_size_v<QkerasQuantizer> == kNames.size() + 1);
  if (const auto* named = std::get_if<NamedActivation>(&quantizer)) return named->name;
  return kNames[quantizer.index()];
}

std::string broken_rule(const QkerasQuantizer& quantizer) {
  return std::visit([](const auto& q) { return rule_of(q); }, quantizer);
}

QkerasQuantizer with_kernel_rule(QkerasQuantizer quantizer) {
  std::visit([](auto& q) { apply_kernel_rule(q); }, quantizer);
  return quantizer;
}

}  // namespace bitwright

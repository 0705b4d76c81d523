// core/qkeras_quantizer.h: the quantizers of QKeras 0.9.0, as its files name them and with the numbers it computes.
//
// Arithmetic is float32 in the stated order. rne rounds half to even; sgn1(x) is +1 for x >= 0, else -1; sign(0) is 0;
// hs(v) = clip(0.5 v + 0.5, 0, 1); eps = 1e-7. Written below for each class:
//   forward    at inference, with qnoise_factor f = 1; otherwise u + f (q - u), u the surrogate, q the forward
//   gradient   d y / d x of the surrogate, by which the incoming gradient is multiplied; with use_ste off times 1 - f
// alpha null means scale 1, a number or an array is the scale itself, 'auto' and 'auto_po2' take it from the tensor:
//   LS(x, z) = mean(x z) / (mean(z z) + eps), per channel;   P(s) = 2^rne(ln(s + eps) / ln 2), for 'auto_po2' only
// A channel is an index of the last axis, or of scale_axis. With one axis every element has a scale of its own, only
// maxima run over all. A depthwise kernel (height, width, channels, 1) so has one scale. Means are summed in float64
// and rounded to float32 once, so that no order of summation enters.
//
// stochastic rounding r(v, p), in training only: floor or ceiling of v / p, times p; up with probability frac(v / p).
//
// Sources: QKeras, tag v0.9.0 and after (Coelho et al., Nature Machine Intelligence 3, 2021), qkeras/quantizers.py;
// least-squares scales: XNOR-Net (arXiv 1603.05279); ternary: Ternary Weight Networks (arXiv 1605.04711).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/rng.h"

namespace bitwright {

// Extents of a tensor, row-major, channels last. Empty: one number.
using Dims = std::vector<int64_t>;

struct QkerasArray {
  Dims shape;
  std::vector<float> values;  // one per element of shape; none: not given
  bool operator==(const QkerasArray&) const = default;
};

enum class AlphaRule { kNone, kFixed, kAuto, kAutoPo2 };
struct QkerasAlpha {
  AlphaRule rule = AlphaRule::kNone;
  QkerasArray fixed;  // of kFixed: broadcast to the tensor from its last axis on
  bool is_auto() const { return rule == AlphaRule::kAuto || rule == AlphaRule::kAutoPo2; }
  bool operator==(const QkerasAlpha&) const = default;
};

// ub = bits - keep_negative, m = 2^ub, mi = 2^integer.
//   forward    alpha mi clip(rne(x m / mi), keep_negative (-m + symmetric), m - 1) / m;  alpha sgn1(x) for ub = 0
//   automatic  x' = x / mi, lim = 2^(bits-1) - 1, z(s) = sign(x') min(floor(|x'| / s + 0.5), lim), s = max|x'| / lim;
//              'auto_po2': s = P(s), then five times s = P(LS(x', z(s))). y = mi s z(s), exposed scale s m;
//              post_training_scale replaces the exposed scale. Always symmetric; refused for bits = 1 (lim = 0).
//              From July 2021 to February 2025 QKeras took z of the fifth pass instead: the same where that pass left
//              the scale as it was, which it did for all of 180000 random channels
//   legacy     s = (max x' - min x') / (2^bits - 1), P of it for 'auto_po2', five times s = P(LS(x', z(s))) for both;
//              y = mi s z with the z of the fifth pass and the s after it; one scale for a tensor of one axis
//   gradient   1 everywhere; training rounds r(x m / mi, 1) with use_stochastic_rounding and alpha null or fixed
struct QuantizedBits {
  int bits = 8, integer = 0;  // the sign counts in bits, not in integer
  bool symmetric = false, keep_negative = true;
  QkerasAlpha alpha;
  bool use_stochastic_rounding = false;
  std::vector<int> scale_axis;  // axes with scales of their own; none: the last
  float qnoise_factor = 1.0f;
  bool use_ste = true;
  std::optional<int> min_po2_exponent, max_po2_exponent;  // bounds of P(LS)
  QkerasArray post_training_scale;
  bool operator==(const QuantizedBits&) const = default;
};

// lo = keep_negative (-2^ub + symmetric), hi = 2^ub - 1, or -+0.5 for one signed bit (then h = 0.5, else 0).
//   forward    qs (rne(clip(x / qs, lo, hi) - h) + h), qs = alpha 2^(integer - bits + keep_negative)
//   automatic  qs = max(2 max|x| / (hi - lo), eps), unsigned max x / (hi - lo); 'auto_po2': P of it, then up to five
//              times (one signed bit: once) qs = P(LS(x, y / qs)) until nothing changes. Exposed scale qs
//   gradient   1 where lo <= x / qs <= hi, else 0; with qnoise_factor f: 1 - f + f times that. Training rounds r(v, 1)
struct QuantizedLinear {
  int bits = 8, integer = 0;
  bool symmetric = true, keep_negative = true;
  QkerasAlpha alpha;
  bool use_stochastic_rounding = false;
  std::vector<int> scale_axis;
  float qnoise_factor = 1.0f;
  bool operator==(const QuantizedLinear&) const = default;
};

// nb = bits - (negative_slope != 0), m = 2^nb, mi = 2^integer, s = negative_slope (0 or a power of two).
//   forward    mi clip(rne(x m / mi) / m, 0, 1 - 1/m), plus mi s clip(rne(x m / mi s) / (s m), -1, 0)
//   use_sigmoid  p = hs(x / mi) m: mi clip(2 rne(p) / m - 1, 0, 1 - 1/m), plus mi s clip(2 rne(p s) / (s m) - 1, -1, 0)
//   gradient   of the clipped relu: 1 on (0, mi - mi/m], s up to 0, 0 above. Without is_quantized_clip the bound is
//              relu_upper_bound, which then also caps the forward, or none. Training rounds r(., 0.5)
struct QuantizedRelu {
  int bits = 8, integer = 0;
  bool use_sigmoid = false;
  float negative_slope = 0.0f;
  bool use_stochastic_rounding = false;
  std::optional<float> relu_upper_bound;
  bool is_quantized_clip = true;
  float qnoise_factor = 1.0f;
  bool use_ste = true;
  bool operator==(const QuantizedRelu&) const = default;
};

//   forward    alpha q, q = sgn1(x), with use_01 (sgn1(x) + 1) / 2;  automatic: LS(x, q), P of it
//   gradient   1 - tanh(x)^2 for alpha null, else 1
//   training   with use_stochastic_rounding x becomes f r(x / f, 0.125), f = 2 min(1, max|x| per channel); a 0 draws
//              its sign
struct Binary {
  bool use_01 = false;
  QkerasAlpha alpha;
  bool use_stochastic_rounding = false;
  std::vector<int> scale_axis;
  std::optional<int> min_po2_exponent, max_po2_exponent;
  bool operator==(const Binary&) const = default;
};

//   forward    as Binary
//   training   alpha q, q = +1 with probability sigmoid(temperature x / d), else -1; d = standard deviation per channel
//              + eps for an automatic alpha (whose scale is that of Binary), else 1; hs in place of sigmoid without
//              use_real_sigmoid.    gradient   1
struct StochasticBinary {
  QkerasAlpha alpha;
  float temperature = 6.0f;
  bool use_real_sigmoid = true;
  bool operator==(const StochasticBinary&) const = default;
};

//   forward    none: random also at inference, refused.    gradient   1
//   training   alpha q, q = 1 with the probability of StochasticBinary, else 0; automatic: LS(x, (sgn1(x) + 1) / 2)
struct Bernoulli {
  QkerasAlpha alpha;
  float temperature = 6.0f;
  bool use_real_sigmoid = true;
  bool operator==(const Bernoulli&) const = default;
};

//   forward    alpha sign(x) [|x| >= threshold]
//   automatic  s = 2 max|x| / 3, P of it, then number_of_unrolls times: q = sign(x) [|s rne(x / s)| >= s / 2],
//              s = LS(x, q), P of it. y = s q with the last of both. Training rounds r(x / s, 1/3)
//   gradient   1 - tanh(x)^2 for alpha null, else 1
struct Ternary {
  QkerasAlpha alpha;
  std::optional<float> threshold;        // null: 0.33; not with an automatic alpha
  bool use_stochastic_rounding = false;  // only with an automatic alpha
  int number_of_unrolls = 5;
  bool operator==(const Ternary&) const = default;
};

//   forward    as Ternary
//   training   automatic alpha only. s as Ternary, but with [|x| >= s / 2]; d = standard deviation + eps; half the sum
//              of two signs, +1 with probability sigmoid(temperature (x / d -+ s / (2 d))), times s.    gradient   1
struct StochasticTernary {
  QkerasAlpha alpha;
  std::optional<float> threshold;
  float temperature = 8.0f;
  bool use_real_sigmoid = true;
  int number_of_unrolls = 5;
  bool operator==(const StochasticTernary&) const = default;
};

// m = 2^(bits-1), p = clip(x, -1, 1), or tanh(x) with use_real_tanh.
//   forward    clip(rne(p m) / m, -1 + symmetric / m, 1 - 1/m)
//   gradient   p'(x) (1 on [-1, 1], or 1 - tanh(x)^2) where the outer clip is open, else 0. Training rounds r(p m, 0.5)
struct QuantizedTanh {
  int bits = 8;
  bool use_stochastic_rounding = false, symmetric = false, use_real_tanh = false;
  bool operator==(const QuantizedTanh&) const = default;
};

// m = 2^bits, p = hs(x), or sigmoid(x) with use_real_sigmoid.
//   forward    clip(rne(p m) / m, symmetric / m, 1 - 1/m)
//   gradient   p'(x) (0.5 on [-1, 1], or p (1 - p)) where the outer clip is open, else 0. Training rounds r(p m, 0.5)
struct QuantizedSigmoid {
  int bits = 8;
  bool symmetric = false, use_real_sigmoid = false, use_stochastic_rounding = false;
  bool operator==(const QuantizedSigmoid&) const = default;
};

// m = 2^(bits-1), mi = 2^integer, v = 2 rne(hs(x / mi) m) / m - 1, law(v) = sign(v) ln(1 + u |v|) / ln(1 + u).
//   forward    mi clip(law(v), -1 + symmetric / m, 1 - 1/m)
//   gradient   law'(v) on [-mi, mi] where the outer clip is open, else 0; also 0 at v = 0, as QKeras has it
struct QuantizedUlaw {
  int bits = 8, integer = 0;
  bool symmetric = false;
  float u = 255.0f;
  bool operator==(const QuantizedUlaw&) const = default;
};

// Exponents lie in [-2^eb, 2^eb - 1], eb = bits - 1 - es, es = 1 if max_value is null or above 1, else 0.
//   forward    sgn1(x) 2^clip(rne(log2 v), range), v = min(max(|x|, eps), max_value); the smallest for |x| < eps, so
//              that 0 gives +2^min. log2_rounding "floor" rounds down. quadratic_approximation: the exponent is
//              2 clip(rne(log2 sqrt v), min, 2 floor(max / 2))
//   gradient   1. Training with use_stochastic_rounding picks one of the two neighbouring powers, keeping the mean
struct QuantizedPo2 {
  int bits = 8;
  std::optional<float> max_value;
  bool use_stochastic_rounding = false, quadratic_approximation = false;
  std::string log2_rounding = "rnd";  // or "floor"
  float qnoise_factor = 1.0f;
  bool use_ste = true;
  bool operator==(const QuantizedPo2&) const = default;
};

// As QuantizedPo2 with eb = bits - es; no sign.
//   forward    x >= 0: 2^e of x; x < 0: 2^min, with a slope -2^e of |x| negative_slope
//   gradient   1 on (0, max_value], negative_slope up to 0, 0 above
struct QuantizedReluPo2 {
  int bits = 8;
  std::optional<float> max_value;
  float negative_slope = 0.0f;
  bool use_stochastic_rounding = false, quadratic_approximation = false;
  std::string log2_rounding = "rnd";
  float qnoise_factor = 1.0f;
  bool use_ste = true;
  bool operator==(const QuantizedReluPo2&) const = default;
};

//   forward    base of h(x) = x clip(x + relu_shift, 0, relu_upper_bound) / relu_upper_bound
//   gradient   h'(x)
struct QuantizedHswish {
  QuantizedBits base;
  float relu_shift = 3.0f, relu_upper_bound = 6.0f;
  bool operator==(const QuantizedHswish&) const = default;
};

// QKeras's named activations. hard_sigmoid hs(x), hard_tanh 2 hs(x) - 1, smooth_sigmoid clip(0.1875 x + 0.5, 0, 1),
// smooth_tanh 2 smooth_sigmoid(x) - 1: their own derivative. binary_sigmoid rne(hs(x)) and binary_tanh
// 2 rne(hs(x)) - 1 (0 gives -1): that of the hard ones. Keras's own hard_sigmoid is another function.
struct NamedActivation {
  std::string name = "hard_tanh";
  bool operator==(const NamedActivation&) const = default;
};

using QkerasQuantizer = std::variant<QuantizedBits, QuantizedLinear, QuantizedRelu, Binary, StochasticBinary, Bernoulli,
                                     Ternary, StochasticTernary, QuantizedTanh, QuantizedSigmoid, QuantizedUlaw,
                                     QuantizedPo2, QuantizedReluPo2, QuantizedHswish, NamedActivation>;

// "quantized_bits", ...: the name in files.
std::string_view class_name(const QkerasQuantizer& quantizer);

// The first rule that a field breaks, as `bits = 0: from 1 to 31`; empty if none. What follows throws ConfigError
// `class: field = value: rule` for such a quantizer.
std::string broken_rule(const QkerasQuantizer& quantizer);

// Layers turn a null alpha of their kernel (also depthwise, pointwise, recurrent; gamma and variance of a batch norm)
// into 'auto_po2' and symmetric. Biases and activations keep null. Quantizers without alpha are returned as they are.
QkerasQuantizer with_kernel_rule(QkerasQuantizer quantizer);

struct QkerasOptions {
  bool legacy_auto_scale = false;  // automatic scales as up to tag v0.9.0 of February 2021
};

struct QkerasResult {
  std::vector<float> values;  // as many as went in
  // What QKeras shows as `scale`: alpha's shape, or the tensor's with 1 for every axis that shares it. No values for
  // classes without alpha.
  QkerasArray scale;
};

// Inference. values: finite, row-major, as many as dims say.
// Throws ConfigError for a broken rule, an alpha that does not broadcast, a scale_axis out of range, and bernoulli.
QkerasResult quantize(const QkerasQuantizer& quantizer, std::span<const float> values, const Dims& dims,
                      const QkerasOptions& options = {});

// The forward pass in training: stochastic classes and use_stochastic_rounding draw from rng, all else is quantize().
QkerasResult quantize_training(const QkerasQuantizer& quantizer, std::span<const float> values, const Dims& dims,
                               Rng& rng, const QkerasOptions& options = {});

// The scale of each element of a tensor that `scale` broadcasts to, as quantize() gives it.
std::vector<float> broadcast(const QkerasArray& scale, const Dims& dims);

// d y / d x for each value, scales held constant. Throws as quantize(), but not for bernoulli.
std::vector<float> surrogate_gradient(const QkerasQuantizer& quantizer, std::span<const float> values, const Dims& dims,
                                      const QkerasOptions& options = {});

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "core/qkeras_quantizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "core/check.h"
#include "core/error.h"

namespace bitwright {
namespace {

constexpr float kEps = 1e-7f;
constexpr float kLn2 = std::numbers::ln2_v<float>;

float power_of_two(int exponent) {
  return std::ldexp(1.0f, exponent);
}
float sgn1(float x) {
  return x < 0.0f ? -1.0f : 1.0f;
}
float sign(float x) {
  return static_cast<float>((x > 0.0f) - (x < 0.0f));
}
float hard_sigmoid(float x) {
  return std::clamp(0.5f * x + 0.5f, 0.0f, 1.0f);
}
float sigmoid(float x) {
  return 1.0f / (1.0f + std::exp(-x));
}
// P(s).
float nearest_power_of_two(float s) {
  return power_of_two(static_cast<int>(std::nearbyint(std::log(s + kEps) / kLn2)));
}

// rne, or r(., precision) where a generator is given.
class Rounding {
 public:
  explicit Rounding(Rng* rng = nullptr, float precision = 1.0f) : rng_(rng), steps_(1.0f / precision) {}
  float operator()(float value) const {
    if (!rng_) return std::nearbyint(value);
    const float scaled = value * steps_, floor = std::floor(scaled);
    return (double{scaled - floor} < rng_->uniform() ? floor : std::ceil(scaled)) / steps_;
  }

 private:
  Rng* rng_;
  float steps_;
};

// A tensor to quantize; rng in training only.
struct Call {
  std::span<const float> x;
  const Dims& dims;
  QkerasOptions options;
  Rng* rng = nullptr;

  Rng* rng_if(bool stochastic) const { return stochastic ? rng : nullptr; }
};

int64_t elements(const Dims& dims) {
  return std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<>());
}

// Index into a scale of shape `scale` for each element of a tensor of shape `dims`, axes matched from the last on.
std::vector<uint32_t> broadcast_positions(const Dims& dims, const Dims& scale) {
  const size_t rank = dims.size(), missing = rank - scale.size();
  Dims stride(rank, 0), at(rank, 0);
  for (size_t axis = rank, step = 1; axis-- > missing; step *= static_cast<size_t>(scale[axis - missing]))
    if (scale[axis - missing] != 1) stride[axis] = static_cast<int64_t>(step);
  std::vector<uint32_t> positions(static_cast<size_t>(elements(dims)));
  int64_t position = 0;
  for (uint32_t& p : positions) {
    p = static_cast<uint32_t>(position);
    for (size_t axis = rank; axis-- > 0;) {
      position += stride[axis];
      if (++at[axis] < dims[axis]) break;
      position -= stride[axis] * dims[axis];
      at[axis] = 0;
    }
  }
  return positions;
}

// Scales and which of them each element takes.
struct Scale {
  QkerasArray array;
  std::vector<uint32_t> positions;

  Scale(const Dims& dims, const Dims& shape, float value)
      : array{shape, std::vector<float>(static_cast<size_t>(elements(shape)), value)},
        positions(broadcast_positions(dims, shape)) {}
  float operator[](size_t i) const { return array.values[positions[i]]; }
  float& operator[](size_t i) { return array.values[positions[i]]; }
};

template <class F>
void for_each_scale(Scale& scale, F f) {
  for (float& value : scale.array.values) value = f(value);
}

template <class F>
std::vector<float> transformed(std::span<const float> x, F f) {
  std::vector<float> y(x.size());
  std::transform(x.begin(), x.end(), y.begin(), f);
  return y;
}

// Maximum per scale.
Scale maximum(std::span<const float> x, const Dims& dims, const Dims& shape) {
  Scale scale(dims, shape, -std::numeric_limits<float>::infinity());
  for (size_t i = 0; i < x.size(); ++i) scale[i] = std::max(scale[i], x[i]);
  return scale;
}
Scale maximum_magnitude(std::span<const float> x, const Dims& dims, const Dims& shape) {
  return maximum(transformed(x, [](float v) { return std::abs(v); }), dims, shape);
}

// What the automatic scale of a tensor runs over.
struct AutoScale {
  Dims dims;
  Dims extremes;  // shape of scales from maxima
  Dims squares;   // shape of scales from least squares
  bool power_of_two = false;
  std::optional<int> min_exponent, max_exponent;
};

// Shape with 1 for every axis but the kept ones.
Dims kept_shape(const Dims& dims, const std::vector<int>& kept) {
  Dims shape(dims.size(), 1);
  for (int axis : kept) {
    if (axis < 0 || static_cast<size_t>(axis) >= dims.size())
      throw ConfigError(fmt::format("scale_axis = {}: the tensor has {} axes", axis, dims.size()));
    shape[static_cast<size_t>(axis)] = dims[static_cast<size_t>(axis)];
  }
  return shape;
}

AutoScale auto_scale(const QkerasAlpha& alpha, const std::vector<int>& scale_axis, const Call& call) {
  AutoScale how{call.dims, call.dims, call.dims, alpha.rule == AlphaRule::kAutoPo2, {}, {}};
  if (call.dims.size() > 1) {
    const std::vector<int> last = {static_cast<int>(call.dims.size()) - 1};
    how.extremes = how.squares = kept_shape(call.dims, scale_axis.empty() ? last : scale_axis);
  } else if (call.dims.size() == 1) {
    how.extremes = {1};
    if (call.options.legacy_auto_scale) how.squares = {1};
  }
  return how;
}

void round_to_powers(Scale& scale, const AutoScale& how) {
  if (how.power_of_two) for_each_scale(scale, nearest_power_of_two);
}

// LS(x, z), for power_of_two P of it within the exponents' bounds.
Scale least_squares(std::span<const float> x, std::span<const float> z, const AutoScale& how) {
  Scale scale(how.dims, how.squares, 0.0f);
  const size_t count = scale.array.values.size();
  std::vector<double> xz(count, 0.0), zz(count, 0.0);
  for (size_t i = 0; i < x.size(); ++i) {
    xz[scale.positions[i]] += double{x[i] * z[i]};
    zz[scale.positions[i]] += double{z[i] * z[i]};
  }
  const double members = static_cast<double>(x.size()) / static_cast<double>(count);
  for (size_t c = 0; c < count; ++c)
    scale.array.values[c] = static_cast<float>(xz[c] / members) / (static_cast<float>(zz[c] / members) + kEps);
  round_to_powers(scale, how);
  for_each_scale(scale, [&](float s) {
    if (how.power_of_two && how.min_exponent) s = std::max(s, power_of_two(*how.min_exponent));
    if (how.power_of_two && how.max_exponent) s = std::min(s, power_of_two(*how.max_exponent));
    return s;
  });
  return scale;
}

// Standard deviation (of the population) per scale.
Scale deviation(const Call& call, const Dims& shape) {
  Scale scale(call.dims, shape, 0.0f);
  const size_t count = scale.array.values.size();
  std::vector<double> mean(count, 0.0), variance(count, 0.0);
  const double members = static_cast<double>(call.x.size()) / static_cast<double>(count);
  for (size_t i = 0; i < call.x.size(); ++i) mean[scale.positions[i]] += double{call.x[i]} / members;
  for (size_t i = 0; i < call.x.size(); ++i) {
    const double distance = double{call.x[i]} - mean[scale.positions[i]];
    variance[scale.positions[i]] += distance * distance / members;
  }
  for (size_t c = 0; c < count; ++c) scale.array.values[c] = static_cast<float>(std::sqrt(variance[c]));
  return scale;
}

// The scale of an array given in the file.
Scale given_scale(const QkerasArray& array, const Dims& dims, const char* name) {
  const size_t missing = dims.size() - std::min(dims.size(), array.shape.size());
  bool fits = array.shape.size() <= dims.size();
  for (size_t i = 0; fits && i < array.shape.size(); ++i)
    fits = array.shape[i] == 1 || array.shape[i] == dims[i + missing];
  if (!fits)
    throw ConfigError(fmt::format("{} of shape [{}]: does not broadcast to [{}]", name, fmt::join(array.shape, ", "),
                                  fmt::join(dims, ", ")));
  Scale scale(dims, array.shape, 1.0f);
  scale.array.values = array.values;
  return scale;
}
// Alpha null or given.
Scale fixed_scale(const QkerasAlpha& alpha, const Dims& dims) {
  return alpha.rule == AlphaRule::kFixed ? given_scale(alpha.fixed, dims, "alpha") : Scale(dims, {}, 1.0f);
}

// values[i] = scale * codes[i].
QkerasResult scaled(Scale scale, std::span<const float> codes) {
  QkerasResult result{std::vector<float>(codes.size()), {}};
  for (size_t i = 0; i < codes.size(); ++i) result.values[i] = scale[i] * codes[i];
  result.scale = std::move(scale.array);
  return result;
}

// u + f (q - u); u(i) is the surrogate at element i.
template <class Surrogate>
void add_noise(std::vector<float>& q, float f, Surrogate u) {
  if (f == 1.0f) return;
  for (size_t i = 0; i < q.size(); ++i) q[i] = u(i) + f * (q[i] - u(i));
}

// --- quantized_bits ---

// z(s), rounding half away from zero.
std::vector<float> symmetric_codes(std::span<const float> x, const Scale& scale, float limit) {
  std::vector<float> z(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const float v = std::floor(std::abs(x[i]) / scale[i] + 0.5f);
    z[i] = sign(x[i]) * (v < limit ? v : limit);  // a channel of zeros has scale 0 and v NaN
  }
  return z;
}

Scale range_scale(std::span<const float> x, int bits, const AutoScale& how) {
  Scale scale = maximum(x, how.dims, how.extremes);
  const Scale negated = maximum(transformed(x, std::negate<>()), how.dims, how.extremes);
  for (size_t c = 0; c < scale.array.values.size(); ++c)
    scale.array.values[c] = (scale.array.values[c] + negated.array.values[c]) / (power_of_two(bits) - 1.0f);
  round_to_powers(scale, how);
  return scale;
}

struct Codes {
  std::vector<float> values;
  Scale scale;
};

Codes legacy_codes(std::span<const float> x, int bits, float limit, AutoScale how) {
  Codes codes{{}, range_scale(x, bits, how)};
  how.power_of_two = true;
  for (int pass = 0; pass < 5; ++pass) {
    codes.values = symmetric_codes(x, codes.scale, limit);
    codes.scale = least_squares(x, codes.values, how);
  }
  return codes;
}

Codes automatic_codes(std::span<const float> x, const QuantizedBits& q, float limit, const AutoScale& how) {
  Scale scale = maximum_magnitude(x, how.dims, how.extremes);
  for_each_scale(scale, [&](float largest) { return 2.0f * largest / (2.0f * limit); });
  if (how.power_of_two) {
    round_to_powers(scale, how);
    for (int pass = 0; pass < 5; ++pass) scale = least_squares(x, symmetric_codes(x, scale, limit), how);
  }
  if (!q.post_training_scale.values.empty()) {
    const float m = power_of_two(q.bits - q.keep_negative);
    scale = given_scale(q.post_training_scale, how.dims, "post_training_scale");
    for_each_scale(scale, [m](float exposed) { return exposed / m; });
  }
  std::vector<float> z = symmetric_codes(x, scale, limit);
  return {std::move(z), std::move(scale)};
}

QkerasResult automatic_bits(const QuantizedBits& q, const Call& call) {
  const float mi = power_of_two(q.integer), m = power_of_two(q.bits - q.keep_negative);
  const float limit = power_of_two(q.bits - 1) - 1.0f;
  AutoScale how = auto_scale(q.alpha, q.scale_axis, call);
  how.min_exponent = q.min_po2_exponent;
  how.max_exponent = q.max_po2_exponent;
  const std::vector<float> x = transformed(call.x, [mi](float v) { return v / mi; });
  Codes codes =
      call.options.legacy_auto_scale ? legacy_codes(x, q.bits, limit, how) : automatic_codes(x, q, limit, how);
  for_each_scale(codes.scale, [m](float s) { return s * m; });
  return scaled(std::move(codes.scale), transformed(codes.values, [&](float z) { return mi * z / m; }));
}

QkerasResult fixed_bits(const QuantizedBits& q, const Call& call) {
  const int unsigned_bits = q.bits - q.keep_negative;
  const float mi = power_of_two(q.integer), m = power_of_two(unsigned_bits);
  const float low = q.keep_negative ? -m + static_cast<float>(q.symmetric) : 0.0f;
  const Rounding rounding(call.rng_if(q.use_stochastic_rounding));
  return scaled(fixed_scale(q.alpha, call.dims), transformed(call.x, [&](float x) {
                  return unsigned_bits > 0 ? mi * std::clamp(rounding(x * m / mi), low, m - 1.0f) / m : sgn1(x);
                }));
}

QkerasResult forward(const QuantizedBits& q, const Call& call) {
  QkerasResult result = q.alpha.is_auto() ? automatic_bits(q, call) : fixed_bits(q, call);
  add_noise(result.values, q.qnoise_factor, [&](size_t i) { return call.x[i]; });
  return result;
}

// --- quantized_linear ---

struct LinearRange {
  float low, high, shift;
};
LinearRange linear_range(const QuantizedLinear& q) {
  if (q.bits == 1 && q.keep_negative) return {-0.5f, 0.5f, 0.5f};
  const float m = power_of_two(q.bits - q.keep_negative);
  return {q.keep_negative ? -m + static_cast<float>(q.symmetric) : 0.0f, m - 1.0f, 0.0f};
}

std::vector<float> linear_codes(const QuantizedLinear& q, const Call& call, const Scale& scale) {
  const LinearRange range = linear_range(q);
  const Rounding rounding(call.rng_if(q.use_stochastic_rounding));
  std::vector<float> codes(call.x.size());
  for (size_t i = 0; i < codes.size(); ++i)
    codes[i] = rounding(std::clamp(call.x[i] / scale[i], range.low, range.high) - range.shift) + range.shift;
  return codes;
}

Scale linear_scale(const QuantizedLinear& q, const Call& call) {
  if (!q.alpha.is_auto()) {
    Scale scale = fixed_scale(q.alpha, call.dims);
    for_each_scale(scale, [&](float alpha) { return alpha * power_of_two(q.integer - q.bits + q.keep_negative); });
    return scale;
  }
  AutoScale how = auto_scale(q.alpha, q.scale_axis, call);
  if (call.dims.size() == 1) how.extremes = how.squares = call.dims;  // newer than the legacy rule
  const LinearRange range = linear_range(q);
  Scale scale =
      q.keep_negative ? maximum_magnitude(call.x, how.dims, how.extremes) : maximum(call.x, how.dims, how.extremes);
  for_each_scale(scale, [&](float largest) {
    return std::max((q.keep_negative ? 2.0f * largest : largest) / (range.high - range.low), kEps);
  });
  if (!how.power_of_two) return scale;
  round_to_powers(scale, how);
  const int passes = q.bits == 1 && q.keep_negative ? 1 : 5;
  for (int pass = 0; pass < passes; ++pass) {
    const std::vector<float> before = scale.array.values;
    scale = least_squares(call.x, linear_codes(q, call, scale), how);
    if (scale.array.values == before) break;
  }
  return scale;
}

QkerasResult forward(const QuantizedLinear& q, const Call& call) {
  Scale scale = linear_scale(q, call);
  const std::vector<float> codes = linear_codes(q, call, scale);
  QkerasResult result = scaled(std::move(scale), codes);
  add_noise(result.values, q.qnoise_factor, [&](size_t i) { return call.x[i]; });
  return result;
}

// --- quantized_relu ---

float relu_value(const QuantizedRelu& q, const Rounding& rounding, float x) {
  const float s = q.negative_slope, mi = power_of_two(q.integer), m = power_of_two(q.bits - (s != 0.0f));
  const float p = q.use_sigmoid ? hard_sigmoid(x / mi) * m : x * m / mi;
  const float factor = q.use_sigmoid ? 2.0f : 1.0f, offset = q.use_sigmoid ? 1.0f : 0.0f;
  float y = mi * std::clamp(factor * (rounding(p) / m) - offset, 0.0f, 1.0f - 1.0f / m);
  if (s > 0.0f) y += mi * s * std::clamp(factor * (rounding(p * s) * (1.0f / (s * m))) - offset, -1.0f, 0.0f);
  const bool capped = !q.is_quantized_clip && q.relu_upper_bound && *q.relu_upper_bound != 0.0f;
  return capped ? std::min(y, *q.relu_upper_bound) : y;
}

// The relu whose gradient training uses.
float clipped_relu(const QuantizedRelu& q, float x) {
  const float mi = power_of_two(q.integer);
  std::optional<float> bound = q.relu_upper_bound;
  if (q.is_quantized_clip) bound = mi - power_of_two(q.integer - q.bits + (q.negative_slope != 0.0f));
  return bound && x > *bound ? *bound : x > 0.0f ? x : q.negative_slope * x;
}

QkerasResult forward(const QuantizedRelu& q, const Call& call) {
  const Rounding rounding(call.rng_if(q.use_stochastic_rounding), 0.5f);
  QkerasResult result{transformed(call.x, [&](float x) { return relu_value(q, rounding, x); }), {}};
  add_noise(result.values, q.qnoise_factor, [&](size_t i) { return clipped_relu(q, call.x[i]); });
  return result;
}

// --- binary, ternary and their stochastic forms ---

std::vector<float> signs(std::span<const float> x, bool use_01) {
  return transformed(x, [use_01](float v) { return use_01 ? (sgn1(v) + 1.0f) / 2.0f : sgn1(v); });
}

// f r(x / f, 0.125), f = 2 min(1, max|x| per channel).
std::vector<float> stochastically_rounded(const Binary& q, const Call& call) {
  const AutoScale how = auto_scale(q.alpha, {}, call);
  const Scale largest = maximum_magnitude(call.x, call.dims, how.extremes);
  const Rounding rounding(call.rng, 0.125f);
  std::vector<float> x(call.x.begin(), call.x.end());
  for (size_t i = 0; i < x.size(); ++i) {
    const float f = 2.0f * std::min(largest[i], 1.0f);
    x[i] = f > 0.0f ? f * rounding(x[i] / f) : 0.0f;
  }
  return x;
}

QkerasResult forward(const Binary& q, const Call& call) {
  std::vector<float> x(call.x.begin(), call.x.end());
  std::vector<float> codes = signs(x, q.use_01);
  if (call.rng_if(q.use_stochastic_rounding)) {
    x = stochastically_rounded(q, call);
    codes = signs(transformed(x, [&](float v) { return v != 0.0f                   ? v
                                                       : call.rng->uniform() < 0.5 ? -1.0f
                                                                                   : 1.0f; }),
                  q.use_01);
  }
  if (!q.alpha.is_auto()) return scaled(fixed_scale(q.alpha, call.dims), codes);
  AutoScale how = auto_scale(q.alpha, q.scale_axis, call);
  how.min_exponent = q.min_po2_exponent;
  how.max_exponent = q.max_po2_exponent;
  return scaled(least_squares(x, codes, how), codes);
}

// high with probability sigmoid(temperature x / d), else low; the scale is that of the codes without chance.
template <class Stochastic>
QkerasResult sampled(const Stochastic& q, const Call& call, bool use_01) {
  const AutoScale how = auto_scale(q.alpha, {}, call);
  Scale spread(call.dims, {}, 1.0f);
  if (q.alpha.is_auto()) spread = deviation(call, how.extremes);
  std::vector<float> codes(call.x.size());
  for (size_t i = 0; i < codes.size(); ++i) {
    const float d = q.alpha.is_auto() ? spread[i] + kEps : 1.0f, v = q.temperature * call.x[i] / d;
    const float p = q.use_real_sigmoid ? sigmoid(v) : hard_sigmoid(v);
    codes[i] = double{p} < call.rng->uniform() ? (use_01 ? 0.0f : -1.0f) : 1.0f;
  }
  if (!q.alpha.is_auto()) return scaled(fixed_scale(q.alpha, call.dims), codes);
  return scaled(least_squares(call.x, signs(call.x, use_01), how), codes);
}

QkerasResult forward(const StochasticBinary& q, const Call& call) {
  return call.rng ? sampled(q, call, false) : forward(Binary{.alpha = q.alpha}, call);
}

QkerasResult forward(const Bernoulli& q, const Call& call) {
  if (!call.rng) throw ConfigError("random also at inference, so it has no fixed output");
  return sampled(q, call, true);
}

std::vector<float> ternary_codes(std::span<const float> x, const Scale& scale, const Rounding* rounding) {
  std::vector<float> codes(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const float v = rounding ? scale[i] * (*rounding)(x[i] / scale[i]) : x[i];
    codes[i] = std::abs(v) >= scale[i] / 2.0f ? sign(x[i]) : 0.0f;  // scale 0 gives v NaN and code 0
  }
  return codes;
}

// `rounding` null: [|x| >= s / 2].
Codes automatic_ternary(const QkerasAlpha& alpha, int unrolls, const Call& call, const Rounding* rounding) {
  const AutoScale how = auto_scale(alpha, {}, call);
  Codes codes{{}, maximum_magnitude(call.x, call.dims, how.extremes)};
  for_each_scale(codes.scale, [](float largest) { return 2.0f * largest / 3.0f; });
  round_to_powers(codes.scale, how);
  for (int pass = 0; pass < unrolls; ++pass) {
    codes.values = ternary_codes(call.x, codes.scale, rounding);
    codes.scale = least_squares(call.x, codes.values, how);
  }
  return codes;
}

QkerasResult forward(const Ternary& q, const Call& call) {
  if (q.alpha.is_auto()) {
    const Rounding rounding(call.rng_if(q.use_stochastic_rounding), 1.0f / 3.0f);
    Codes codes = automatic_ternary(q.alpha, q.number_of_unrolls, call, &rounding);
    return scaled(std::move(codes.scale), codes.values);
  }
  const float threshold = q.threshold.value_or(0.33f);
  return scaled(fixed_scale(q.alpha, call.dims),
                transformed(call.x, [&](float x) { return std::abs(x) >= threshold ? sign(x) : 0.0f; }));
}

QkerasResult forward(const StochasticTernary& q, const Call& call) {
  if (!call.rng)
    return forward(Ternary{.alpha = q.alpha, .threshold = q.threshold, .number_of_unrolls = q.number_of_unrolls}, call);
  if (!q.alpha.is_auto()) throw ConfigError("alpha: 'auto' or 'auto_po2' in training");
  Scale scale = automatic_ternary(q.alpha, q.number_of_unrolls, call, nullptr).scale;
  const Scale spread = deviation(call, auto_scale(q.alpha, {}, call).extremes);
  const auto draw = [&](float v) {
    const float p = q.use_real_sigmoid ? sigmoid(q.temperature * v) : hard_sigmoid(q.temperature * v);
    return double{p} < call.rng->uniform() ? -1.0f : 1.0f;
  };
  std::vector<float> codes(call.x.size());
  for (size_t i = 0; i < codes.size(); ++i) {
    const float d = spread[i] + kEps, x = call.x[i] / d, threshold = scale[i] / (2.0f * d);
    const float first = draw(x - threshold), second = draw(x + threshold);
    codes[i] = (first + second) / 2.0f;
  }
  return scaled(std::move(scale), codes);
}

// --- tanh, sigmoid, mu-law ---

QkerasResult forward(const QuantizedTanh& q, const Call& call) {
  const float m = power_of_two(q.bits - 1), low = -1.0f + static_cast<float>(q.symmetric) / m;
  const Rounding rounding(call.rng_if(q.use_stochastic_rounding), 0.5f);
  return {transformed(call.x,
                      [&](float x) {
                        const float p = q.use_real_tanh ? std::tanh(x) : 2.0f * hard_sigmoid(x) - 1.0f;
                        return std::clamp(rounding(p * m) / m, low, 1.0f - 1.0f / m);
                      }),
          {}};
}

QkerasResult forward(const QuantizedSigmoid& q, const Call& call) {
  const float m = power_of_two(q.bits), low = static_cast<float>(q.symmetric) / m;
  const Rounding rounding(call.rng_if(q.use_stochastic_rounding), 0.5f);
  return {transformed(call.x,
                      [&](float x) {
                        const float p = q.use_real_sigmoid ? sigmoid(x) : hard_sigmoid(x);
                        return std::clamp(rounding(p * m) / m, low, 1.0f - 1.0f / m);
                      }),
          {}};
}

QkerasResult forward(const QuantizedUlaw& q, const Call& call) {
  const float m = power_of_two(q.bits - 1), mi = power_of_two(q.integer);
  const float low = -1.0f + static_cast<float>(q.symmetric) / m;
  return {transformed(call.x,
                      [&](float x) {
                        const float v = 2.0f * (std::nearbyint(hard_sigmoid(x / mi) * m) / m) - 1.0f;
                        const float law = sign(v) * std::log(1.0f + q.u * std::abs(v)) / std::log(1.0f + q.u);
                        return mi * std::clamp(law, low, 1.0f - 1.0f / m);
                      }),
          {}};
}

// --- powers of two ---

struct ExponentRange {
  float low, high;
};
ExponentRange exponent_range(int bits, const std::optional<float>& max_value, bool quadratic) {
  const bool exponent_sign = !max_value || *max_value > 1.0f;
  const float m = power_of_two(bits - exponent_sign);
  return {-m, quadratic ? 2.0f * std::floor((m - 1.0f) / 2.0f) : m - 1.0f};
}

// One of the two neighbouring exponents, such that the mean of 2^exponent is v.
float stochastic_log2(float v, Rng& rng) {
  const float nearest = std::nearbyint(std::log(v + kEps) / kLn2);
  const float lower = std::exp2(nearest) > v ? nearest - 1.0f : nearest;
  return v < rng.uniform(std::exp2(lower), std::exp2(lower + 1.0f)) ? lower : lower + 1.0f;
}

// The exponent of a magnitude, as QuantizedPo2 and QuantizedReluPo2 share it.
template <class Po2>
float power_of(const Po2& q, const ExponentRange& range, float magnitude, Rng* rng) {
  const auto power = [](float exponent) { return power_of_two(static_cast<int>(std::max(exponent, -1000.0f))); };
  if (magnitude < kEps) return power(range.low);
  if (q.max_value) magnitude = std::min(magnitude, *q.max_value);
  if (q.quadratic_approximation) magnitude = std::sqrt(magnitude);
  float exponent = std::log(magnitude) / kLn2;
  if (q.log2_rounding == "floor")
    exponent = std::floor(exponent);
  else
    exponent = rng ? stochastic_log2(magnitude, *rng) : std::nearbyint(exponent);
  exponent = std::clamp(exponent, range.low, range.high);
  return power(q.quadratic_approximation ? 2.0f * exponent : exponent);
}

QkerasResult forward(const QuantizedPo2& q, const Call& call) {
  const ExponentRange range = exponent_range(q.bits - 1, q.max_value, q.quadratic_approximation);
  Rng* const rng = call.rng_if(q.use_stochastic_rounding);
  QkerasResult result{transformed(call.x, [&](float x) { return sgn1(x) * power_of(q, range, std::abs(x), rng); }), {}};
  add_noise(result.values, q.qnoise_factor, [&](size_t i) { return call.x[i]; });
  return result;
}

QkerasResult forward(const QuantizedReluPo2& q, const Call& call) {
  const ExponentRange range = exponent_range(q.bits, q.max_value, q.quadratic_approximation);
  Rng* const rng = call.rng_if(q.use_stochastic_rounding);
  const float slope = q.negative_slope;
  QkerasResult result{transformed(call.x,
                                  [&](float x) {
                                    return x < 0.0f && slope != 0.0f ? -power_of(q, range, -x * slope, rng)
                                                                     : power_of(q, range, std::max(x, 0.0f), rng);
                                  }),
                      {}};
  add_noise(result.values, q.qnoise_factor, [&](size_t i) {
    const float x = call.x[i];
    return q.max_value && x > *q.max_value ? *q.max_value : x > 0.0f ? x : slope * x;
  });
  return result;
}

// --- the rest ---

QkerasResult forward(const QuantizedHswish& q, const Call& call) {
  const std::vector<float> h = transformed(
      call.x, [&](float x) { return x * std::clamp(x + q.relu_shift, 0.0f, q.relu_upper_bound) / q.relu_upper_bound; });
  return forward(q.base, {h, call.dims, call.options, call.rng});
}

float named_value(const std::string& name, float x) {
  const float smooth = std::clamp(0.1875f * x + 0.5f, 0.0f, 1.0f), hard = hard_sigmoid(x);
  if (name == "hard_sigmoid") return hard;
  if (name == "hard_tanh") return 2.0f * hard - 1.0f;
  if (name == "binary_sigmoid") return std::nearbyint(hard);
  if (name == "binary_tanh") return 2.0f * std::nearbyint(hard) - 1.0f;
  return name == "smooth_sigmoid" ? smooth : 2.0f * smooth - 1.0f;
}

QkerasResult forward(const NamedActivation& q, const Call& call) {
  return {transformed(call.x, [&](float x) { return named_value(q.name, x); }), {}};
}

QkerasResult run(const QkerasQuantizer& quantizer, const Call& call) {
  BW_CHECK(static_cast<int64_t>(call.x.size()) == elements(call.dims));
  try {
    if (const std::string rule = broken_rule(quantizer); !rule.empty()) throw ConfigError(rule);
    return std::visit([&](const auto& q) { return forward(q, call); }, quantizer);
  } catch (const ConfigError& e) {
    throw ConfigError(fmt::format("{}: {}", class_name(quantizer), e.what()));
  }
}

}  // namespace

QkerasResult quantize(const QkerasQuantizer& quantizer, std::span<const float> values, const Dims& dims,
                      const QkerasOptions& options) {
  return run(quantizer, {values, dims, options});
}

std::vector<float> broadcast(const QkerasArray& scale, const Dims& dims) {
  const Scale expanded = given_scale(scale, dims, "scale");
  std::vector<float> values(expanded.positions.size());
  for (size_t i = 0; i < values.size(); ++i) values[i] = expanded[i];
  return values;
}

QkerasResult quantize_training(const QkerasQuantizer& quantizer, std::span<const float> values, const Dims& dims,
                               Rng& rng, const QkerasOptions& options) {
  return run(quantizer, {values, dims, options, &rng});
}

}  // namespace bitwright

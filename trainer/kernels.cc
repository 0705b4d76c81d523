// SPDX-License-Identifier: Apache-2.0
#include "trainer/kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "core/log_variance.h"
#include "core/parameters.h"

// A second copy for AVX2 and FMA, chosen when the program is loaded. The same machine always takes the same one.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
#define BW_HOT __attribute__((target_clones("default", "arch=x86-64-v3")))
#else
#define BW_HOT
#endif
#define BW_INLINE [[gnu::always_inline]] inline

namespace bitwright {
namespace {

BW_INLINE float quantize_level(float y, const Quantizer& q) {
  const float level = std::min(std::max(y * q.inverse_step, q.low), q.high);
  return static_cast<float>(static_cast<int32_t>(level - q.low + 0.5f)) + q.low;
}

// Uniform in [0, 1), 24 bits: the finalizer of MurmurHash3 over a counter.
BW_INLINE float uniform(uint32_t noise, int64_t element) {
  uint32_t h = static_cast<uint32_t>(element) * 0x9e3779b1u + noise;
  h = (h ^ (h >> 16)) * 0x85ebca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2ae35u;
  return static_cast<float>((h ^ (h >> 16)) >> 8) * 0x1p-24f;
}

BW_INLINE float quantize_level_by_chance(float y, const Quantizer& q, float u) {
  const float level = std::min(std::max(y * q.inverse_step, q.low), q.high);
  return static_cast<float>(static_cast<int32_t>(level - q.low + u)) + q.low;
}

// `at`: number of the row's first element in its map.
BW_INLINE void levels_row(const float* __restrict acc, int64_t n, float gain, float offset, const Quantizer& q,
                          int64_t at, float* __restrict out) {
  if (q.noise == 0)
    for (int64_t i = 0; i < n; ++i) out[i] = quantize_level(acc[i] * gain + offset, q);
  else
    for (int64_t i = 0; i < n; ++i)
      out[i] = quantize_level_by_chance(acc[i] * gain + offset, q, uniform(q.noise, at + i));
}

BW_INLINE void quantize_row(const float* __restrict acc, int64_t n, float gain, float offset, const Quantizer& q,
                            int64_t at, float* __restrict out) {
  switch (q.kind) {
    case Quantizer::kNone:
      for (int64_t i = 0; i < n; ++i) out[i] = acc[i] * gain + offset;
      break;
    case Quantizer::kRelu:
      for (int64_t i = 0; i < n; ++i) out[i] = std::max(acc[i] * gain + offset, 0.0f);
      break;
    case Quantizer::kSign:
      for (int64_t i = 0; i < n; ++i) out[i] = acc[i] * gain + offset >= 0.0f ? 1.0f : -1.0f;
      break;
    case Quantizer::kRamp:
      for (int64_t i = 0; i < n; ++i)
        out[i] = std::min(std::max((acc[i] * gain + offset) * q.inverse_step, q.low), q.high);
      break;
    case Quantizer::kLevels: levels_row(acc, n, gain, offset, q, at, out); break;
  }
}

constexpr float kResteFlat = 0.1f, kResteEnd = 1.5f;

// Gradient through a sign at y = gain * acc + offset.
BW_INLINE void sign_gradient_row(const float* __restrict acc, const float* __restrict grad_out, int64_t n, float gain,
                                 float offset, const Quantizer& q, float* __restrict grad_y) {
  const float sharpness = q.sharpness;
  switch (q.surrogate) {
    case Surrogate::kClip:
      for (int64_t i = 0; i < n; ++i) grad_y[i] = std::fabs(acc[i] * gain + offset) <= 1.0f ? grad_out[i] : 0.0f;
      break;
    case Surrogate::kIdentity: std::memcpy(grad_y, grad_out, static_cast<size_t>(n) * sizeof(float)); break;
    case Surrogate::kBiReal:
      for (int64_t i = 0; i < n; ++i)
        grad_y[i] = grad_out[i] * std::max(2.0f - 2.0f * std::fabs(acc[i] * gain + offset), 0.0f);
      break;
    case Surrogate::kReste:
      for (int64_t i = 0; i < n; ++i) {
        const float y = std::fabs(acc[i] * gain + offset);
        const float slope = y < kResteFlat ? std::pow(kResteFlat, 1.0f / sharpness - 1.0f)
                                           : std::pow(y, 1.0f / sharpness - 1.0f) / sharpness;
        grad_y[i] = y <= kResteEnd ? grad_out[i] * slope : 0.0f;
      }
      break;
    case Surrogate::kEde:
      for (int64_t i = 0; i < n; ++i) {
        const float t = std::tanh(sharpness * (acc[i] * gain + offset));
        grad_y[i] = grad_out[i] * std::max(1.0f, sharpness) * (1.0f - t * t);
      }
      break;
  }
}

BW_INLINE void ramp_gradient_row(const float* __restrict acc, const float* __restrict grad_out, int64_t n, float gain,
                                 float offset, const Quantizer& q, float* __restrict grad_y) {
  const bool everywhere = q.surrogate == Surrogate::kIdentity;
  const float low = everywhere ? -INFINITY : q.low, high = everywhere ? INFINITY : q.high;
  for (int64_t i = 0; i < n; ++i) {
    const float level = (acc[i] * gain + offset) * q.inverse_step;
    grad_y[i] = level >= low && level <= high ? grad_out[i] * q.inverse_step : 0.0f;
  }
}

// Gradient at y = gain * acc + offset.
BW_INLINE void straight_through_row(const float* __restrict acc, const float* __restrict grad_out, int64_t n,
                                    float gain, float offset, const Quantizer& q, float* __restrict grad_y) {
  switch (q.kind) {
    case Quantizer::kNone: std::memcpy(grad_y, grad_out, static_cast<size_t>(n) * sizeof(float)); break;
    case Quantizer::kRelu:
      for (int64_t i = 0; i < n; ++i) grad_y[i] = acc[i] * gain + offset > 0.0f ? grad_out[i] : 0.0f;
      break;
    case Quantizer::kSign: sign_gradient_row(acc, grad_out, n, gain, offset, q, grad_y); break;
    case Quantizer::kRamp:
    case Quantizer::kLevels: ramp_gradient_row(acc, grad_out, n, gain, offset, q, grad_y); break;
  }
}

struct Moments {
  double mean = 0.0, variance = 0.0;
};

// Sums run in float32 along a row, around the channel's first value, and in float64 over the rows.
BW_INLINE Moments channel_moments(const Extent& e, const float* acc, int64_t channel) {
  const float shift = acc[channel * e.p];
  double sum = 0.0, squares = 0.0;
  for (int64_t i = 0; i < e.n; ++i) {
    const float* __restrict row = acc + (i * e.c + channel) * e.p;
    float row_sum = 0.0f, row_squares = 0.0f;
    for (int64_t j = 0; j < e.p; ++j) {
      const float v = row[j] - shift;
      row_sum += v;
      row_squares += v * v;
    }
    sum += row_sum;
    squares += row_squares;
  }
  const double count = static_cast<double>(e.n * e.p), mean = sum / count;
  return {mean + shift, std::max(0.0, squares / count - mean * mean)};
}

BW_INLINE void centered_sums_row(const float* __restrict acc, const float* __restrict grad, int64_t n, float mean,
                                 float& sum, float& product) {
  for (int64_t i = 0; i < n; ++i) {
    sum += grad[i];
    product += grad[i] * (acc[i] - mean);
  }
}

}  // namespace

Quantizer make_quantizer(Format activations, double scale, bool relu) {
  if (!is_integer(activations)) return {relu ? Quantizer::kRelu : Quantizer::kNone};
  if (activations == Format::kBinary) return {Quantizer::kSign};
  return {Quantizer::kLevels, static_cast<float>(1.0 / scale), static_cast<float>(min_code(activations)),
          static_cast<float>(max_code(activations))};
}

float surrogate_sharpness(Surrogate surrogate, double progress) {
  if (surrogate == Surrogate::kReste) return static_cast<float>(1.0 + 2.0 * progress);
  if (surrogate == Surrogate::kEde) return static_cast<float>(std::pow(10.0, 2.0 * progress - 1.0));
  return 1.0f;
}

void set_statistics(double mean, double variance, double count, double momentum, ChannelNorm& norm, float& running_mean,
                    float& running_var) {
  const double scale = norm.scale, real_variance = variance * scale * scale;
  running_mean += static_cast<float>(momentum * (mean * scale + norm.bias - running_mean));
  running_var += static_cast<float>(momentum * (real_variance * count / std::max(1.0, count - 1) - running_var));
  norm.mean = static_cast<float>(mean);
  norm.rstd = static_cast<float>(1.0 / std::sqrt(real_variance + kBatchNormEpsilon));
}

BW_HOT double log_step_gradient(Extent e, const float* acc, const float* gain, const float* offset,
                                const float* grad_out, Quantizer q, StepRule rule) {
  double sum = 0.0;
  for (int64_t i = 0; i < e.n; ++i)
    for (int64_t c = 0; c < e.c; ++c) {
      const int64_t row = (i * e.c + c) * e.p;
      float row_sum = 0.0f;
      for (int64_t j = row; j < row + e.p; ++j) {
        const float level = (acc[j] * gain[c] + offset[c]) * q.inverse_step;
        const float inside = quantize_level(acc[j] * gain[c] + offset[c], q) - level;
        const float lsq = level < q.low ? q.low : level > q.high ? q.high : inside;
        row_sum += grad_out[j] * (rule == StepRule::kLsq ? lsq : level > q.high ? q.high : 0.0f);
      }
      sum += row_sum;
    }
  return sum;
}

BW_HOT void batch_norm_forward(Extent e, const float* acc, Quantizer quantizer, double momentum, ChannelNorm* norms,
                               float* running_mean, float* running_var, float* out) {
  const double count = static_cast<double>(e.n * e.p);
  for (int64_t c = 0; c < e.c; ++c) {
    ChannelNorm& norm = norms[c];
    const Moments m = channel_moments(e, acc, c);
    set_statistics(m.mean, m.variance, count, momentum, norm, running_mean[c], running_var[c]);
    const float gain = norm.gamma * norm.rstd * norm.scale, offset = norm.beta - norm.mean * gain;
    for (int64_t i = 0; i < e.n; ++i) {
      const int64_t row = (i * e.c + c) * e.p;
      quantize_row(acc + row, e.p, gain, offset, quantizer, row, out + row);
    }
  }
}

BW_HOT void batch_norm_backward(Extent e, const float* acc, const float* grad_out, Quantizer quantizer,
                                ChannelNorm* norms, float* grad_acc) {
  const double count = static_cast<double>(e.n * e.p);
  for (int64_t c = 0; c < e.c; ++c) {
    ChannelNorm& norm = norms[c];
    const float normalize = norm.rstd * norm.scale, mean = norm.mean;
    const float gain = norm.gamma * normalize, offset = norm.beta - mean * gain;
    double sum = 0.0, product = 0.0;
    for (int64_t i = 0; i < e.n; ++i) {
      const int64_t row = (i * e.c + c) * e.p;
      straight_through_row(acc + row, grad_out + row, e.p, gain, offset, quantizer, grad_acc + row);
      float row_sum = 0.0f, row_product = 0.0f;
      centered_sums_row(acc + row, grad_acc + row, e.p, mean, row_sum, row_product);
      sum += row_sum;
      product += row_product;
    }
    norm.grad_beta = static_cast<float>(sum);
    norm.grad_gamma = static_cast<float>(product * normalize);
    const float constant = static_cast<float>(sum / count);
    const float slope = static_cast<float>(product / count * normalize * normalize);
    for (int64_t i = 0; i < e.n; ++i) {
      const int64_t row = (i * e.c + c) * e.p;
      const float* __restrict x = acc + row;
      float* __restrict grad = grad_acc + row;
      for (int64_t j = 0; j < e.p; ++j) grad[j] = gain * (grad[j] - constant - (x[j] - mean) * slope);
    }
  }
}

BW_HOT void affine_forward(Extent e, const float* acc, const float* gain, const float* offset, Quantizer quantizer,
                           float* out) {
  for (int64_t i = 0; i < e.n; ++i)
    for (int64_t c = 0; c < e.c; ++c) {
      const int64_t row = (i * e.c + c) * e.p;
      quantize_row(acc + row, e.p, gain[c], offset[c], quantizer, row, out + row);
    }
}

BW_HOT void affine_backward(Extent e, const float* acc, const float* gain, const float* offset, const float* grad_out,
                            Quantizer quantizer, float* grad_acc, float* grad_offset) {
  for (int64_t c = 0; c < e.c; ++c) {
    double sum = 0.0;
    for (int64_t i = 0; i < e.n; ++i) {
      const int64_t row = (i * e.c + c) * e.p;
      float* __restrict grad = grad_acc + row;
      straight_through_row(acc + row, grad_out + row, e.p, gain[c], offset[c], quantizer, grad);
      float row_sum = 0.0f;
      for (int64_t j = 0; j < e.p; ++j) {
        row_sum += grad[j];
        grad[j] *= gain[c];
      }
      sum += row_sum;
    }
    grad_offset[c] = static_cast<float>(sum);
  }
}

namespace {

// Windows side by side along a 1-D map, their size known to the compiler: the common case, vectorised.
template <int kSize>
BW_INLINE void max_pool_row(const float* __restrict in, int64_t outputs, float* __restrict out,
                            int32_t* __restrict index) {
  for (int64_t m = 0; m < outputs; ++m) {
    float best = in[m * kSize];
    int32_t at = 0;
    for (int32_t t = 1; t < kSize; ++t) {
      const float v = in[m * kSize + t];
      at = v > best ? t : at;
      best = v > best ? v : best;
    }
    out[m] = best;
    index[m] = static_cast<int32_t>(m) * kSize + at;
  }
}

template <int kSize>
BW_INLINE void max_pool_row_backward(const float* __restrict grad_out, const int32_t* __restrict index, int64_t outputs,
                                     float* __restrict grad_in) {
  for (int64_t m = 0; m < outputs; ++m)
    for (int32_t t = 0; t < kSize; ++t)
      grad_in[m * kSize + t] = index[m] == static_cast<int32_t>(m) * kSize + t ? grad_out[m] : 0.0f;
}

BW_INLINE void max_pool_map(const Pooling& p, const float* in, float* out, int32_t* index) {
  for (int64_t y = 0; y < p.out_h; ++y)
    for (int64_t x = 0; x < p.out_w; ++x) {
      int64_t at = y * p.stride_h * p.w + x * p.stride_w;
      const int64_t corner = at;
      for (int64_t i = 0; i < p.window_h; ++i)
        for (int64_t j = 0; j < p.window_w; ++j)
          if (in[corner + i * p.w + j] > in[at]) at = corner + i * p.w + j;
      *out++ = in[at];
      *index++ = static_cast<int32_t>(at);
    }
}

// A window as runs of contiguous memory: one run where it spans the width of the map.
struct Rows {
  int64_t count, length;
};
BW_INLINE Rows rows_of(const Pooling& p) {
  return p.window_w == p.w ? Rows{1, p.window_h * p.w} : Rows{p.window_h, p.window_w};
}

// 2..4 where max_pool_row applies, else 0.
int side_by_side(const Pooling& p) {
  const bool fits = p.w == 1 && p.window_w == 1 && p.stride_h == p.window_h && p.window_h >= 2 && p.window_h <= 4;
  return fits ? static_cast<int>(p.window_h) : 0;
}

}  // namespace

BW_HOT void max_pool_forward(int64_t maps, const Pooling& p, const float* in, float* out, int32_t* index) {
  const int64_t size = p.h * p.w, outputs = p.out_h * p.out_w;
  const int fast = side_by_side(p);
  for (int64_t m = 0; m < maps; ++m, in += size, out += outputs, index += outputs) {
    switch (fast) {
      case 2: max_pool_row<2>(in, outputs, out, index); break;
      case 3: max_pool_row<3>(in, outputs, out, index); break;
      case 4: max_pool_row<4>(in, outputs, out, index); break;
      default: max_pool_map(p, in, out, index);
    }
  }
}

BW_HOT void max_pool_backward(int64_t maps, const Pooling& p, const float* grad_out, const int32_t* index,
                              float* grad_in) {
  const int64_t size = p.h * p.w, outputs = p.out_h * p.out_w;
  const int fast = side_by_side(p);
  const int64_t covered = fast * outputs;  // the rest of the map is in no window
  for (int64_t m = 0; m < maps; ++m, grad_in += size, grad_out += outputs, index += outputs) {
    std::fill(grad_in + covered, grad_in + size, 0.0f);
    switch (fast) {
      case 2: max_pool_row_backward<2>(grad_out, index, outputs, grad_in); break;
      case 3: max_pool_row_backward<3>(grad_out, index, outputs, grad_in); break;
      case 4: max_pool_row_backward<4>(grad_out, index, outputs, grad_in); break;
      default:
        for (int64_t i = 0; i < outputs; ++i) grad_in[index[i]] += grad_out[i];
    }
  }
}

BW_HOT void sum_pool_forward(int64_t maps, const Pooling& p, const float* in, float* out) {
  const Rows window = rows_of(p);
  for (int64_t m = 0; m < maps; ++m, in += p.h * p.w)
    for (int64_t y = 0; y < p.out_h; ++y)
      for (int64_t x = 0; x < p.out_w; ++x) {
        float sum = 0.0f;
        for (int64_t i = 0; i < window.count; ++i) {
          const float* __restrict row = in + (y * p.stride_h + i) * p.w + x * p.stride_w;
          for (int64_t j = 0; j < window.length; ++j) sum += row[j];
        }
        *out++ = sum;
      }
}

BW_HOT void sum_pool_backward(int64_t maps, const Pooling& p, const float* grad_out, float* grad_in) {
  const Rows window = rows_of(p);
  std::fill(grad_in, grad_in + maps * p.h * p.w, 0.0f);
  for (int64_t m = 0; m < maps; ++m, grad_in += p.h * p.w)
    for (int64_t y = 0; y < p.out_h; ++y)
      for (int64_t x = 0; x < p.out_w; ++x) {
        const float grad = *grad_out++;
        for (int64_t i = 0; i < window.count; ++i) {
          float* __restrict row = grad_in + (y * p.stride_h + i) * p.w + x * p.stride_w;
          for (int64_t j = 0; j < window.length; ++j) row[j] += grad;
        }
      }
}

namespace {

struct Spread {
  double sum = 0.0, variance = 0.0;  // n^2 times the variance
};

// Sums of codes are exact, in whatever order.
Spread spread_of(const float* __restrict row, int64_t n) {
  double sum = 0.0, squares = 0.0;
  for (int64_t i = 0; i < n; ++i) {
    const double x = row[i];
    sum += x;
    squares += x * x;
  }
  return {sum, static_cast<double>(n) * squares - sum * sum};
}

}  // namespace

BW_HOT void log_variance_forward(int64_t maps, int64_t positions, double smallest, const float* in, float* out) {
  for (int64_t m = 0; m < maps; ++m) {
    const double variance = spread_of(in + m * positions, positions).variance;
    out[m] = static_cast<float>(log2_steps(clamped_variance(variance, smallest)));
  }
}

BW_HOT void log_variance_backward(int64_t maps, int64_t positions, double smallest, const float* in,
                                  const float* grad_out, float* grad_in) {
  const auto n = static_cast<double>(positions);
  for (int64_t m = 0; m < maps; ++m) {
    const float* __restrict row = in + m * positions;
    float* __restrict grad = grad_in + m * positions;
    const auto [sum, variance] = spread_of(row, positions);
    const double slope = variance > smallest ? grad_out[m] * 2.0 * log2_steps_slope(variance) : 0.0;
    for (int64_t i = 0; i < positions; ++i) grad[i] = static_cast<float>(slope * (n * row[i] - sum));
  }
}

BW_HOT bool adam_step(int64_t count, int64_t step, double learning_rate, const float* __restrict gradient,
                      float* __restrict parameter, float* __restrict first_moment, float* __restrict second_moment) {
  constexpr float kBeta1 = 0.9f, kBeta2 = 0.999f, kEpsilon = 1e-8f;
  const float rate = static_cast<float>(learning_rate / (1.0 - std::pow(0.9, static_cast<double>(step))));
  const float correction = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(0.999, static_cast<double>(step))));
  uint32_t not_finite = 0;
  for (int64_t i = 0; i < count; ++i) {
    const float g = gradient[i];
    first_moment[i] = kBeta1 * first_moment[i] + (1.0f - kBeta1) * g;
    second_moment[i] = kBeta2 * second_moment[i] + (1.0f - kBeta2) * g * g;
    parameter[i] -= rate * first_moment[i] / (std::sqrt(second_moment[i]) * correction + kEpsilon);
    not_finite |= (std::bit_cast<uint32_t>(parameter[i]) & 0x7f800000u) == 0x7f800000u;
  }
  return not_finite == 0;
}

}  // namespace bitwright

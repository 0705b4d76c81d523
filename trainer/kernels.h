// trainer/kernels.h: the elementwise loops of training, fused so that each map is read as seldom as possible.
// Plain float32 on one thread; no torch type. All maps are contiguous N x C x P: examples, channels, positions.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/format.h"
#include "core/recipe.h"

namespace bitwright {

struct Extent {
  int64_t n = 0, c = 0, p = 0;
  int64_t elements() const { return n * c * p; }
};

// What happens to y = gain * acc + offset, and what is taken for its derivative (v = y / step):
//   kNone    y                                   1
//   kRelu    max(y, 0)                           1 where y > 0
//   kSign    +1 where y >= 0, else -1            Surrogate, below
//   kRamp    clamp(v, low, high)                 1 / step where low <= v <= high; kIdentity: everywhere
//   kLevels  clamp(floor(v + 0.5), low, high)    as kRamp
// Surrogates of kSign, where t and o are `sharpness`:
//   kClip      1 where |y| <= 1                                                  arXiv 1602.02830
//   kIdentity  1                                                                 arXiv 1308.3432
//   kBiReal    2 - 2|y| where |y| <= 1                                           arXiv 1808.00278, eq. 8
//   kReste     |y|^(1/o - 1) / o where 0.1 <= |y| <= 1.5; below, 0.1^(1/o - 1)   arXiv 2308.06689, eq. 8 and 12
//   kEde       max(1/t, 1) t (1 - tanh^2(t y))                                   arXiv 1909.10788, eq. 12
// With `noise` other than 0 kLevels rounds stochastically: floor(v + u), u uniform in [0, 1) from (noise, element), so
// that the mean is v (arXiv 1502.02551).
struct Quantizer {
  enum Kind : uint8_t { kNone, kRelu, kSign, kRamp, kLevels } kind = kNone;
  float inverse_step = 1.0f;
  float low = 0.0f, high = 0.0f;  // codes
  Surrogate surrogate = Surrogate::kClip;
  float sharpness = 1.0f;
  uint32_t noise = 0;
};
Quantizer make_quantizer(Format activations, double scale, bool relu);
// `sharpness` of a surrogate after this share of the training, 0..1: o = 1 + 2 progress, t = 10^(2 progress - 1).
float surrogate_sharpness(Surrogate surrogate, double progress);

// How a learnt step gets its gradient from kLevels and kRamp; the derivative of step * code is
//   kLsq   code - v where low <= v <= high, else low or high     arXiv 1902.08153, eq. 3
//   kPact  high where v > high, else 0                           arXiv 1805.06085, eq. 3 (the clip is high * step)
enum class StepRule : uint8_t { kNone, kLsq, kPact };

// What batch norm knows of one channel: real = scale * acc + bias.
struct ChannelNorm {
  float scale = 1.0f, bias = 0.0f, gamma = 1.0f, beta = 0.0f;
  float mean = 0.0f, rstd = 1.0f;             // set by the forward pass: mean of acc; 1 / sqrt(var(real) + epsilon)
  float grad_gamma = 0.0f, grad_beta = 0.0f;  // set by the backward pass
};

// Sets mean and rstd from the mean and the biased variance of `count` accumulators, and moves the running statistics:
// r += momentum * (new - r), with the unbiased variance.
void set_statistics(double mean, double variance, double count, double momentum, ChannelNorm& norm, float& running_mean,
                    float& running_var);

// Batch norm with the statistics of this batch, then the quantizer. norms: one per channel.
void batch_norm_forward(Extent extent, const float* acc, Quantizer quantizer, double momentum, ChannelNorm* norms,
                        float* running_mean, float* running_var, float* out);
// grad_out: of the codes. grad_acc: of the accumulators, the statistics' share included.
void batch_norm_backward(Extent extent, const float* acc, const float* grad_out, Quantizer quantizer,
                         ChannelNorm* norms, float* grad_acc);
// Of the loss with respect to ln(step), for a quantizer of gain * acc + offset. grad_out: of the codes.
double log_step_gradient(Extent extent, const float* acc, const float* gain, const float* offset, const float* grad_out,
                         Quantizer quantizer, StepRule rule);

// out = quantizer(gain[c] * acc + offset[c]).
void affine_forward(Extent extent, const float* acc, const float* gain, const float* offset, Quantizer quantizer,
                    float* out);
// grad_offset[c]: the sum over examples and positions.
void affine_backward(Extent extent, const float* acc, const float* gain, const float* offset, const float* grad_out,
                     Quantizer quantizer, float* grad_acc, float* grad_offset);

// Windows lie wholly inside the h x w map.
struct Pooling {
  int64_t h = 1, w = 1, out_h = 1, out_w = 1;
  int64_t window_h = 1, window_w = 1, stride_h = 1, stride_w = 1;
};
// maps = N * C. index: position of the largest, the first of equals.
void max_pool_forward(int64_t maps, const Pooling& pooling, const float* in, float* out, int32_t* index);
void max_pool_backward(int64_t maps, const Pooling& pooling, const float* grad_out, const int32_t* index,
                       float* grad_in);
void sum_pool_forward(int64_t maps, const Pooling& pooling, const float* in, float* out);
// Windows that lie side by side make this the upsampling by their size, and sum_pool_forward its gradient.
void sum_pool_backward(int64_t maps, const Pooling& pooling, const float* grad_out, float* grad_in);

// GlobalLogVariance (core/log_variance.h) of `maps` rows of `positions` values, in float64: exact where the values are
// codes. Variances below `smallest` count as that and get no gradient; elsewhere it is straight through the rounding:
// d acc / d x = log2_steps_slope(v) * 2 (n x - sum x).
void log_variance_forward(int64_t maps, int64_t positions, double smallest, const float* in, float* out);
void log_variance_backward(int64_t maps, int64_t positions, double smallest, const float* in, const float* grad_out,
                           float* grad_in);

// One step of Adam (arXiv 1412.6980, alg. 1; beta 0.9 and 0.999, epsilon 1e-8) over flat arrays; step counts from 1.
// False where a parameter is no longer finite.
bool adam_step(int64_t count, int64_t step, double learning_rate, const float* gradient, float* parameter,
               float* first_moment, float* second_moment);

}  // namespace bitwright

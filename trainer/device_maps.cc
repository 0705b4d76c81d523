// SPDX-License-Identifier: Apache-2.0
#include "trainer/device_maps.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/avg_pool2d_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/frexp.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/max_pool2d_with_indices.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <array>
#include <cmath>

#include "core/log_variance.h"
#include "trainer/fixed_point.h"
#include "trainer/torch_threads.h"

namespace bitwright::maps {
namespace {

thread_local bool cpu_maps_on_torch = false;

using Axes = std::array<int64_t, 2>;
constexpr Axes kExamplesAndPositions = {0, 2};

at::Tensor shaped(const at::Tensor& map, const Extent& e) {
  return map.view({e.n, e.c, e.p});
}

at::Tensor flat(const at::Tensor& map) {
  return map.contiguous().view({map.size(0), -1});
}

template <class T>
at::ScalarType scalar_type() {
  return std::is_same_v<T, double> ? at::kDouble : at::kFloat;
}

// One value per channel, to be broadcast over a map of shaped().
template <class T>
at::Tensor per_channel(const std::vector<T>& values, const at::Tensor& map) {
  return at::from_blob(const_cast<T*>(values.data()), {1, std::ssize(values), 1}, scalar_type<T>())
      .to(map.device(), /*non_blocking=*/false, /*copy=*/true);
}

at::Tensor per_channel(std::span<const float> values, const at::Tensor& map) {
  return per_channel(std::vector<float>(values.begin(), values.end()), map);
}

std::vector<double> to_doubles(const at::Tensor& values) {
  const at::Tensor held = values.to(at::kCPU, at::kDouble).contiguous();
  return {held.data_ptr<double>(), held.data_ptr<double>() + held.numel()};
}

// Numbers 0 .. 2^32 - 1 in int64.
at::Tensor low_half(const at::Tensor& h) {
  return h.bitwise_and(int64_t{0xffffffff});
}

at::Tensor mixed(const at::Tensor& h, int64_t shift) {
  return h.bitwise_xor(h.bitwise_right_shift(shift));
}

// The hash of trainer/kernels.cc.
at::Tensor uniform_like(const at::Tensor& y, uint32_t noise) {
  at::Tensor h = at::arange(y.numel(), at::TensorOptions(at::kLong).device(y.device()));
  h = low_half(h.mul(int64_t{0x9e3779b1}).add(int64_t{noise}));
  h = low_half(mixed(h, 16).mul(int64_t{0x85ebca6b}));
  h = low_half(mixed(h, 13).mul(int64_t{0xc2b2ae35}));
  return mixed(h, 16).bitwise_right_shift(8).to(at::kFloat).mul(0x1p-24).view(y.sizes());
}

at::Tensor quantize(const at::Tensor& y, const Quantizer& q) {
  switch (q.kind) {
    case Quantizer::kNone: return y;
    case Quantizer::kRelu: return y.clamp_min(0.0);
    case Quantizer::kSign: return y.ge(0.0).to(at::kFloat).mul(2.0).sub(1.0);
    case Quantizer::kRamp: return y.mul(q.inverse_step).clamp(q.low, q.high);
    case Quantizer::kLevels: break;
  }
  const at::Tensor level = y.mul(q.inverse_step).clamp(q.low, q.high).sub(q.low);
  const at::Tensor raised = q.noise ? level.add(uniform_like(y, q.noise)) : level.add(0.5);
  return raised.floor().add(q.low);
}

at::Tensor sign_slope(const at::Tensor& y, const Quantizer& q) {
  const at::Tensor distance = y.abs();
  const double o = q.sharpness;
  switch (q.surrogate) {
    case Surrogate::kIdentity: return y.mul(0.0).add(1.0);
    case Surrogate::kClip: return distance.le(1.0).to(at::kFloat);
    case Surrogate::kBiReal: return distance.mul(-2.0).add(2.0).clamp_min(0.0);
    case Surrogate::kReste: {
      const at::Tensor curve = distance.clamp_min(0.1).pow(1.0 / o - 1.0).div(o);
      const at::Tensor flat_part = distance.mul(0.0).add(std::pow(0.1, 1.0 / o - 1.0));
      return at::where(distance.lt(0.1), flat_part, curve).mul(distance.le(1.5));
    }
    case Surrogate::kEde: {
      const at::Tensor t = y.mul(o).tanh();
      return t.mul(t).neg().add(1.0).mul(std::max(1.0, o));
    }
  }
  return {};
}

// The incoming gradient, straight through the quantizer at y.
at::Tensor straight_through(const at::Tensor& y, const at::Tensor& grad, const Quantizer& q) {
  if (q.kind == Quantizer::kNone) return grad;
  if (q.kind == Quantizer::kRelu) return grad.mul(y.gt(0.0));
  if (q.kind == Quantizer::kSign) return grad.mul(sign_slope(y, q));
  if (q.surrogate == Surrogate::kIdentity) return grad.mul(q.inverse_step);
  const at::Tensor level = y.mul(q.inverse_step);
  return grad.mul(level.ge(q.low)).mul(level.le(q.high)).mul(q.inverse_step);
}

struct GainAndOffset {
  std::vector<float> gain, offset;
};

GainAndOffset folded(std::span<const ChannelNorm> norms) {
  GainAndOffset out;
  for (const ChannelNorm& norm : norms) {
    out.gain.push_back(norm.gamma * norm.rstd * norm.scale);
    out.offset.push_back(norm.beta - norm.mean * out.gain.back());
  }
  return out;
}

// n^2 times the variance of every channel, n x channels x 1, and what it is made of.
struct Spread {
  at::Tensor values;  // n x channels x positions, as are all in float64
  at::Tensor sum, variance;
};

Spread spread_of(const at::Tensor& in, int64_t channels) {
  Spread s;
  s.values = in.view({in.size(0), channels, -1}).to(at::kDouble);
  s.sum = s.values.sum({2}, /*keepdim=*/true);
  const auto n = static_cast<double>(s.values.size(2));
  s.variance = s.values.mul(s.values).sum({2}, /*keepdim=*/true).mul(n).sub(s.sum.mul(s.sum));
  return s;
}

// clamped_variance.
at::Tensor clamped(const at::Tensor& variance, double smallest) {
  return variance.nan_to_num(smallest).clamp(smallest, kLargestVariance);
}

at::Tensor planes(const at::Tensor& map, int64_t channels, int64_t h, int64_t w) {
  return map.view({map.size(0), channels, h, w});
}

}  // namespace

bool runs_on_torch(const at::Tensor& map) {
  return cpu_maps_on_torch || !map.device().is_cpu();
}

namespace device {

at::Tensor batch_norm_forward(Extent e, const at::Tensor& acc, const Quantizer& quantizer, double momentum,
                              std::span<ChannelNorm> norms, std::span<float> running_mean,
                              std::span<float> running_var) {
  const at::Tensor x = shaped(acc, e), wide = x.to(at::kDouble);
  const auto mean = to_doubles(wide.mean(kExamplesAndPositions));
  const auto variance = to_doubles(wide.var(kExamplesAndPositions, /*unbiased=*/false));
  for (size_t c = 0; c < norms.size(); ++c)
    set_statistics(mean[c], variance[c], static_cast<double>(e.n * e.p), momentum, norms[c], running_mean[c],
                   running_var[c]);
  const GainAndOffset f = folded(norms);
  return flat(quantize(x.mul(per_channel(f.gain, acc)).add(per_channel(f.offset, acc)), quantizer));
}

at::Tensor batch_norm_backward(Extent e, const at::Tensor& acc, const at::Tensor& grad_out, const Quantizer& quantizer,
                               std::span<ChannelNorm> norms) {
  const GainAndOffset f = folded(norms);
  std::vector<float> means, constant, slope;
  for (const ChannelNorm& norm : norms) means.push_back(norm.mean);
  const at::Tensor x = shaped(acc, e), centred = x.sub(per_channel(means, acc)), gain = per_channel(f.gain, acc);
  const at::Tensor grad = straight_through(x.mul(gain).add(per_channel(f.offset, acc)), shaped(grad_out, e), quantizer);
  const auto sum = to_doubles(grad.to(at::kDouble).sum(kExamplesAndPositions));
  const auto product = to_doubles(grad.mul(centred).to(at::kDouble).sum(kExamplesAndPositions));
  const double count = static_cast<double>(e.n * e.p);
  for (size_t c = 0; c < norms.size(); ++c) {
    const double normalize = static_cast<double>(norms[c].rstd) * norms[c].scale;
    norms[c].grad_beta = static_cast<float>(sum[c]);
    norms[c].grad_gamma = static_cast<float>(product[c] * normalize);
    constant.push_back(static_cast<float>(sum[c] / count));
    slope.push_back(static_cast<float>(product[c] / count * normalize * normalize));
  }
  return flat(grad.sub(per_channel(constant, acc)).sub(centred.mul(per_channel(slope, acc))).mul(gain));
}

at::Tensor affine_forward(Extent e, const at::Tensor& acc, std::span<const float> gain, std::span<const float> offset,
                          const Quantizer& quantizer) {
  return flat(quantize(shaped(acc, e).mul(per_channel(gain, acc)).add(per_channel(offset, acc)), quantizer));
}

at::Tensor affine_backward(Extent e, const at::Tensor& acc, std::span<const float> gain, std::span<const float> offset,
                           const at::Tensor& grad_out, const Quantizer& quantizer, std::span<float> grad_offset) {
  const at::Tensor slope = per_channel(gain, acc);
  const at::Tensor grad =
      straight_through(shaped(acc, e).mul(slope).add(per_channel(offset, acc)), shaped(grad_out, e), quantizer);
  const auto sums = to_doubles(grad.to(at::kDouble).sum(kExamplesAndPositions));
  for (size_t c = 0; c < sums.size(); ++c) grad_offset[c] = static_cast<float>(sums[c]);
  return flat(grad.mul(slope));
}

double log_step_gradient(Extent e, const at::Tensor& acc, std::span<const float> gain, std::span<const float> offset,
                         const at::Tensor& grad_out, const Quantizer& quantizer, StepRule rule) {
  Quantizer nearest = quantizer;
  nearest.noise = 0;
  const at::Tensor y = shaped(acc, e).mul(per_channel(gain, acc)).add(per_channel(offset, acc));
  const at::Tensor level = y.mul(quantizer.inverse_step), above = level.gt(quantizer.high);
  at::Tensor slope = above.to(at::kFloat).mul(quantizer.high);
  if (rule == StepRule::kLsq) {
    const at::Tensor below = level.lt(quantizer.low), inside = quantize(y, nearest).sub(level);
    slope = slope.add(below.to(at::kFloat).mul(quantizer.low)).add(inside.mul(above.logical_or(below).logical_not()));
  }
  return shaped(grad_out, e).mul(slope).to(at::kDouble).sum().item<double>();
}

at::Tensor exact_epilogue(const Network& network, int index, const Affine& affine, double scale, Extent e,
                          const at::Tensor& acc) {
  const LayerSpec& layer = network.layers[index];
  const Epilogue kind = epilogue(network, index);
  const at::Tensor x = shaped(acc, e);
  if (kind == Epilogue::kRaw) {
    const auto bias = raw_bias(affine, accumulator_bound(network, index));
    return flat(x.add(per_channel(std::vector<float>(bias.begin(), bias.end()), acc)));
  }
  Quantizer q = make_quantizer(layer.activations, scale, layer.relu);
  if (kind == Epilogue::kFloat) {
    const std::vector<float> a(affine.a.begin(), affine.a.end()), b(affine.b.begin(), affine.b.end());
    const at::Tensor y = x.mul(per_channel(a, acc)).add(per_channel(b, acc));
    if (q.kind != Quantizer::kLevels) return flat(quantize(y, q));
    return flat(y.mul(q.inverse_step).add(0.5).floor().clamp(q.low, q.high));
  }
  const at::Tensor y = x.to(at::kDouble).mul(per_channel(affine.a, acc)).add(per_channel(affine.b, acc));
  if (q.kind == Quantizer::kSign) return flat(quantize(y, q));
  return flat(y.div(scale).add(0.5).floor().clamp(q.low, q.high).to(at::kFloat));
}

MaxPooled max_pool_forward(const at::Tensor& in, int64_t channels, const Pooling& p) {
  auto [out, largest] =
      at::max_pool2d_with_indices(planes(in, channels, p.h, p.w), {p.window_h, p.window_w}, {p.stride_h, p.stride_w});
  return {flat(out), flat(largest.to(at::kInt))};
}

at::Tensor max_pool_backward(const at::Tensor& grad_out, const at::Tensor& largest, int64_t channels,
                             const Pooling& p) {
  const int64_t n = grad_out.size(0), outputs = p.out_h * p.out_w;
  return flat(
      at::zeros({n, channels, p.h * p.w}, grad_out.options())
          .scatter_add(2, largest.view({n, channels, outputs}).to(at::kLong), grad_out.view({n, channels, outputs})));
}

at::Tensor sum_pool_forward(const at::Tensor& in, int64_t channels, const Pooling& p) {
  return flat(at::avg_pool2d(planes(in, channels, p.h, p.w), {p.window_h, p.window_w}, {p.stride_h, p.stride_w}, 0,
                             /*ceil_mode=*/false, /*count_include_pad=*/false, /*divisor_override=*/1));
}

at::Tensor sum_pool_backward(const at::Tensor& grad_out, int64_t channels, const Pooling& p) {
  const at::Tensor shape_of = at::empty({grad_out.size(0), channels, p.h, p.w}, grad_out.options());
  return flat(at::avg_pool2d_backward(planes(grad_out, channels, p.out_h, p.out_w), shape_of, {p.window_h, p.window_w},
                                      {p.stride_h, p.stride_w}, 0, /*ceil_mode=*/false, /*count_include_pad=*/false,
                                      /*divisor_override=*/1));
}

at::Tensor log_variance_forward(const at::Tensor& in, int64_t channels, double smallest) {
  const auto [mantissa, exponent] = at::frexp(clamped(spread_of(in, channels).variance, smallest));
  return flat(mantissa.mul(2.0).sub(1.0).mul(kLogSteps).floor().add(exponent.sub(1).mul(kLogSteps)).to(at::kFloat));
}

at::Tensor log_variance_backward(const at::Tensor& in, const at::Tensor& grad_out, int64_t channels, double smallest) {
  const Spread s = spread_of(in, channels);
  const at::Tensor grad = grad_out.view({in.size(0), channels, 1}).to(at::kDouble);
  const at::Tensor exponent = std::get<1>(at::frexp(clamped(s.variance, smallest))).sub(1);
  const at::Tensor slope =
      grad.mul(2.0 * kLogSteps).mul(s.variance.gt(smallest)).mul(exponent.neg().to(at::kDouble).exp2());
  const auto n = static_cast<double>(s.values.size(2));
  return flat(s.values.mul(n).sub(s.sum).mul(slope).to(at::kFloat));
}

}  // namespace device
}  // namespace bitwright::maps

namespace bitwright {

void run_cpu_maps_on_torch(bool on) {
  maps::cpu_maps_on_torch = on;
}

}  // namespace bitwright

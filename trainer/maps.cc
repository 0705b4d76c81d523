// SPDX-License-Identifier: Apache-2.0
#include "trainer/maps.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/from_blob.h>

#include <cstring>

#include "trainer/device_maps.h"
#include "trainer/exact_epilogue.h"

namespace bitwright::maps {
namespace {

const float* data(const at::Tensor& t) {
  return t.data_ptr<float>();
}

at::Tensor like(const at::Tensor& map, int64_t elements) {
  return empty(map.size(0), elements, map.device());
}

int64_t area(int64_t h, int64_t w, int64_t channels) {
  return channels * h * w;
}

}  // namespace

at::Tensor empty(int64_t n, int64_t elements, at::Device device) {
  return at::empty({n, elements}, at::TensorOptions(at::kFloat).device(device));
}

at::Tensor from_host(std::span<const float> values, int64_t n, at::Device device) {
  const at::Tensor view = at::from_blob(const_cast<float*>(values.data()), {n, std::ssize(values) / n}, at::kFloat);
  return device.is_cpu() ? view : view.to(device);
}

void to_host(const at::Tensor& map, std::span<float> values) {
  const at::Tensor held = map.to(at::kCPU).contiguous();
  std::memcpy(values.data(), data(held), values.size_bytes());
}

at::Tensor batch_norm_forward(Extent extent, const at::Tensor& acc, const Quantizer& quantizer, double momentum,
                              std::span<ChannelNorm> norms, std::span<float> running_mean,
                              std::span<float> running_var) {
  if (runs_on_torch(acc))
    return device::batch_norm_forward(extent, acc, quantizer, momentum, norms, running_mean, running_var);
  at::Tensor out = like(acc, acc.size(1));
  bitwright::batch_norm_forward(extent, data(acc), quantizer, momentum, norms.data(), running_mean.data(),
                                running_var.data(), out.data_ptr<float>());
  return out;
}

at::Tensor batch_norm_backward(Extent extent, const at::Tensor& acc, const at::Tensor& grad_out,
                               const Quantizer& quantizer, std::span<ChannelNorm> norms) {
  if (runs_on_torch(acc)) return device::batch_norm_backward(extent, acc, grad_out, quantizer, norms);
  at::Tensor out = like(acc, acc.size(1));
  bitwright::batch_norm_backward(extent, data(acc), data(grad_out), quantizer, norms.data(), out.data_ptr<float>());
  return out;
}

at::Tensor affine_forward(Extent extent, const at::Tensor& acc, std::span<const float> gain,
                          std::span<const float> offset, const Quantizer& quantizer) {
  if (runs_on_torch(acc)) return device::affine_forward(extent, acc, gain, offset, quantizer);
  at::Tensor out = like(acc, acc.size(1));
  bitwright::affine_forward(extent, data(acc), gain.data(), offset.data(), quantizer, out.data_ptr<float>());
  return out;
}

at::Tensor affine_backward(Extent extent, const at::Tensor& acc, std::span<const float> gain,
                           std::span<const float> offset, const at::Tensor& grad_out, const Quantizer& quantizer,
                           std::span<float> grad_offset) {
  if (runs_on_torch(acc)) return device::affine_backward(extent, acc, gain, offset, grad_out, quantizer, grad_offset);
  at::Tensor out = like(acc, acc.size(1));
  bitwright::affine_backward(extent, data(acc), gain.data(), offset.data(), data(grad_out), quantizer,
                             out.data_ptr<float>(), grad_offset.data());
  return out;
}

double log_step_gradient(Extent extent, const at::Tensor& acc, std::span<const float> gain,
                         std::span<const float> offset, const at::Tensor& grad_out, const Quantizer& quantizer,
                         StepRule rule) {
  if (runs_on_torch(acc)) return device::log_step_gradient(extent, acc, gain, offset, grad_out, quantizer, rule);
  return bitwright::log_step_gradient(extent, data(acc), gain.data(), offset.data(), data(grad_out), quantizer, rule);
}

at::Tensor exact_epilogue(const Network& network, int index, const Affine& affine, double scale, Extent extent,
                          const at::Tensor& acc) {
  if (runs_on_torch(acc)) return device::exact_epilogue(network, index, affine, scale, extent, acc);
  at::Tensor out = like(acc, acc.size(1));
  bitwright::exact_epilogue(network, index, affine, scale, extent, data(acc), out.data_ptr<float>());
  return out;
}

MaxPooled max_pool_forward(const at::Tensor& in, int64_t channels, const Pooling& p) {
  if (runs_on_torch(in)) return device::max_pool_forward(in, channels, p);
  const int64_t elements = area(p.out_h, p.out_w, channels);
  MaxPooled pooled{like(in, elements), at::empty({in.size(0), elements}, at::kInt)};
  bitwright::max_pool_forward(in.size(0) * channels, p, data(in), pooled.out.data_ptr<float>(),
                              pooled.largest.data_ptr<int32_t>());
  return pooled;
}

at::Tensor max_pool_backward(const at::Tensor& grad_out, const at::Tensor& largest, int64_t channels,
                             const Pooling& p) {
  if (runs_on_torch(grad_out)) return device::max_pool_backward(grad_out, largest, channels, p);
  at::Tensor out = like(grad_out, area(p.h, p.w, channels));
  bitwright::max_pool_backward(grad_out.size(0) * channels, p, data(grad_out), largest.data_ptr<int32_t>(),
                               out.data_ptr<float>());
  return out;
}

at::Tensor sum_pool_forward(const at::Tensor& in, int64_t channels, const Pooling& p) {
  if (runs_on_torch(in)) return device::sum_pool_forward(in, channels, p);
  at::Tensor out = like(in, area(p.out_h, p.out_w, channels));
  bitwright::sum_pool_forward(in.size(0) * channels, p, data(in), out.data_ptr<float>());
  return out;
}

at::Tensor sum_pool_backward(const at::Tensor& grad_out, int64_t channels, const Pooling& p) {
  if (runs_on_torch(grad_out)) return device::sum_pool_backward(grad_out, channels, p);
  at::Tensor out = like(grad_out, area(p.h, p.w, channels));
  bitwright::sum_pool_backward(grad_out.size(0) * channels, p, data(grad_out), out.data_ptr<float>());
  return out;
}

at::Tensor log_variance_forward(const at::Tensor& in, int64_t channels, double smallest) {
  if (runs_on_torch(in)) return device::log_variance_forward(in, channels, smallest);
  at::Tensor out = like(in, channels);
  bitwright::log_variance_forward(in.size(0) * channels, in.size(1) / channels, smallest, data(in),
                                  out.data_ptr<float>());
  return out;
}

at::Tensor log_variance_backward(const at::Tensor& in, const at::Tensor& grad_out, int64_t channels, double smallest) {
  if (runs_on_torch(in)) return device::log_variance_backward(in, grad_out, channels, smallest);
  at::Tensor out = like(in, in.size(1));
  bitwright::log_variance_backward(in.size(0) * channels, in.size(1) / channels, smallest, data(in), data(grad_out),
                                   out.data_ptr<float>());
  return out;
}

at::Tensor convolve(DirectConvolution& convolution, const at::Tensor& in, const at::Tensor& weights) {
  at::Tensor out = like(in, convolution.shape().out_elements());
  convolution.forward(in.size(0), data(in), data(weights), out.data_ptr<float>());
  return out;
}

ConvolutionGradients convolve_backward(DirectConvolution& convolution, const at::Tensor& in, const at::Tensor& weights,
                                       const at::Tensor& grad_out, bool wants_input) {
  ConvolutionGradients grads{{}, at::empty_like(weights)};
  if (wants_input) grads.of_input = like(in, convolution.shape().in_elements());
  convolution.backward(in.size(0), data(in), data(weights), data(grad_out),
                       wants_input ? grads.of_input.data_ptr<float>() : nullptr, grads.of_weights.data_ptr<float>());
  return grads;
}

at::Tensor transposed(const at::Tensor& map, int64_t rows, int64_t columns) {
  if (rows == 1 || columns == 1) return map;
  if (runs_on_torch(map)) return map.view({-1, rows, columns}).transpose(1, 2).contiguous().view({map.size(0), -1});
  at::Tensor out = like(map, rows * columns);
  const float* in = data(map);
  float* to = out.data_ptr<float>();
  for (int64_t i = 0; i < map.size(0); ++i, in += rows * columns, to += rows * columns)
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c) to[c * rows + r] = in[r * columns + c];
  return out;
}

}  // namespace bitwright::maps

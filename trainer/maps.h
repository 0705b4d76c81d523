// trainer/maps.h: what happens to feature maps between and inside layers, as torch tensors on any device: on the CPU
// the loops of trainer/kernels.h, elsewhere torch's own operators (trainer/device_maps.cc). Only trainer/*.cc includes
// it.
//
// A map is a contiguous float32 tensor of n x (c * p) elements: examples, channels, positions. What belongs to a
// channel or a layer stays on the host.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

#include "trainer/affine.h"
#include "trainer/convolution.h"
#include "trainer/kernels.h"

namespace bitwright::maps {

// Not initialised.
at::Tensor empty(int64_t n, int64_t elements, at::Device device);
// values: n x elements of them; on the CPU a view, which must not outlive them.
at::Tensor from_host(std::span<const float> values, int64_t n, at::Device device);
void to_host(const at::Tensor& map, std::span<float> values);

// As the functions of the same name in trainer/kernels.h and trainer/exact_epilogue.h.
at::Tensor batch_norm_forward(Extent extent, const at::Tensor& acc, const Quantizer& quantizer, double momentum,
                              std::span<ChannelNorm> norms, std::span<float> running_mean,
                              std::span<float> running_var);
at::Tensor batch_norm_backward(Extent extent, const at::Tensor& acc, const at::Tensor& grad_out,
                               const Quantizer& quantizer, std::span<ChannelNorm> norms);
at::Tensor affine_forward(Extent extent, const at::Tensor& acc, std::span<const float> gain,
                          std::span<const float> offset, const Quantizer& quantizer);
at::Tensor affine_backward(Extent extent, const at::Tensor& acc, std::span<const float> gain,
                           std::span<const float> offset, const at::Tensor& grad_out, const Quantizer& quantizer,
                           std::span<float> grad_offset);
double log_step_gradient(Extent extent, const at::Tensor& acc, std::span<const float> gain,
                         std::span<const float> offset, const at::Tensor& grad_out, const Quantizer& quantizer,
                         StepRule rule);
at::Tensor exact_epilogue(const Network& network, int index, const Affine& affine, double scale, Extent extent,
                          const at::Tensor& acc);

struct MaxPooled {
  at::Tensor out;
  at::Tensor largest;  // int32, of each output: position in its map
};
// channels: of the map; the result has n x (channels * out_h * out_w) elements.
MaxPooled max_pool_forward(const at::Tensor& in, int64_t channels, const Pooling& pooling);
at::Tensor max_pool_backward(const at::Tensor& grad_out, const at::Tensor& largest, int64_t channels,
                             const Pooling& pooling);
at::Tensor sum_pool_forward(const at::Tensor& in, int64_t channels, const Pooling& pooling);
at::Tensor sum_pool_backward(const at::Tensor& grad_out, int64_t channels, const Pooling& pooling);

// n x (channels * positions) -> n x channels.
at::Tensor log_variance_forward(const at::Tensor& in, int64_t channels, double smallest);
at::Tensor log_variance_backward(const at::Tensor& in, const at::Tensor& grad_out, int64_t channels, double smallest);

// Only on the CPU. weights: in torch's order.
at::Tensor convolve(DirectConvolution& convolution, const at::Tensor& in, const at::Tensor& weights);
struct ConvolutionGradients {
  at::Tensor of_input;  // undefined unless wanted
  at::Tensor of_weights;
};
ConvolutionGradients convolve_backward(DirectConvolution& convolution, const at::Tensor& in, const at::Tensor& weights,
                                       const at::Tensor& grad_out, bool wants_input);

// n x (rows * columns) -> n x (columns * rows).
at::Tensor transposed(const at::Tensor& map, int64_t rows, int64_t columns);

}  // namespace bitwright::maps

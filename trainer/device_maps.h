// trainer/device_maps.h: trainer/maps.h in torch's own operators, for maps that do not lie in the CPU's memory. Same
// results as the CPU's loops but for the order of sums. Only trainer/*.cc includes it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "trainer/maps.h"

namespace bitwright::maps {

// Whether a map is worked on by torch's operators: where it is not in the CPU's memory, or a test asks for it
// (run_cpu_maps_on_torch of trainer/torch_threads.h).
bool runs_on_torch(const at::Tensor& map);

namespace device {

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
MaxPooled max_pool_forward(const at::Tensor& in, int64_t channels, const Pooling& pooling);
at::Tensor max_pool_backward(const at::Tensor& grad_out, const at::Tensor& largest, int64_t channels,
                             const Pooling& pooling);
at::Tensor sum_pool_forward(const at::Tensor& in, int64_t channels, const Pooling& pooling);
at::Tensor sum_pool_backward(const at::Tensor& grad_out, int64_t channels, const Pooling& pooling);
at::Tensor log_variance_forward(const at::Tensor& in, int64_t channels, double smallest);
at::Tensor log_variance_backward(const at::Tensor& in, const at::Tensor& grad_out, int64_t channels, double smallest);

}  // namespace device
}  // namespace bitwright::maps

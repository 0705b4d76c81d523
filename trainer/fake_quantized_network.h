// trainer/fake_quantized_network.h: a Network on float32 maps, with what it learns and the gradients of that.
//
// Between layers flow integer codes held as floats (real values where the format is float32), and the real units per
// code beside them; weights enter as codes too. So the accumulators are the integer model's own, the scales meet them
// in the epilogue, and evaluation differs from the integer model by no rounding as long as accumulators stay below
// 2^24. Gradients: straight through the quantizers (trainer/kernels.h); a latent weight gets the gradient of the real
// weight scale * code, its scale taken as constant, where binary and ternary latents lie in [-1, 1], and everywhere
// for wider weights.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "core/network.h"
#include "core/parameters.h"
#include "core/rng.h"

namespace bitwright {

enum class Phase {
  kTrain,     // batch norm with the statistics of the batch, which move the running ones; backward may follow
  kEvaluate,  // batch norm with the running statistics, rounded as the export does
};

class FakeQuantizedNetwork {
 public:
  // input_scale: real units per input code.
  FakeQuantizedNetwork(const Network& network, double input_scale, double batch_norm_momentum);
  ~FakeQuantizedNetwork();

  // Latents of 1- and 2-bit layers uniform in +-latent_init, others in +-sqrt(3 / fan_in); gamma 1, the rest 0.
  void initialize(double latent_init, Rng& rng);
  void set_parameters(const Parameters& parameters);
  Parameters parameters() const;

  // Everything gradients move, in one array; after changing it, call update().
  std::span<float> learned();
  std::span<const float> gradients() const;
  // Clamps binary and ternary latents to [-1, 1] and quantizes all weights anew.
  void update();

  // codes: `count` examples in C x H x W order; they must outlive backward().
  // Gives the outputs in real units, [count][elements in HWC order], valid until the next call.
  std::span<const float> forward(std::span<const float> codes, int64_t count, Phase phase);
  // Sets gradients() from those of the last forward pass's outputs.
  void backward(std::span<const float> output_gradients);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bitwright

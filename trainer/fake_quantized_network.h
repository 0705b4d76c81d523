// trainer/fake_quantized_network.h: a Network on float32 maps, with what it learns and the gradients of that.
//
// Between layers flow integer codes held as floats (real values where the format is float32), and the real units per
// code beside them; weights enter as codes too. So the accumulators are the integer model's own, the scales meet them
// in the epilogue, and evaluation differs from the integer model by no rounding as long as accumulators stay below
// 2^24. Gradients: straight through the quantizers (trainer/kernels.h); a latent weight gets the gradient of the real
// weight scale * code, where binary and ternary latents lie in [-1, 1] and latents with learnt steps in their range,
// and everywhere for the others. Learnt steps are learnt as their logarithms, so that Adam moves them by a share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/network.h"
#include "core/parameters.h"
#include "core/recipe.h"
#include "core/rng.h"

namespace bitwright {

enum class Phase {
  kTrain,     // batch norm with the statistics of the batch, which move the running ones; backward may follow
  kEvaluate,  // batch norm with the running statistics, everything quantized, rounded as the export does
};

class FakeQuantizedNetwork {
 public:
  // input_scale: real units per input code. Of the recipe it takes quantizers, momentum, initialisation and device.
  FakeQuantizedNetwork(const Network& network, double input_scale, const Recipe& recipe);
  FakeQuantizedNetwork(FakeQuantizedNetwork&&) noexcept;
  ~FakeQuantizedNetwork();

  // Latents of 1- and 2-bit layers uniform in +-latent_init, others in +-sqrt(3 / fan_in); gamma 1, the rest 0; steps
  // of weights 2 mean|w| / sqrt(max_code) (arXiv 1902.08153, sec. 2.1), of activations those of the network.
  void initialize(Rng& rng);
  void set_parameters(const Parameters& parameters);
  Parameters parameters() const;

  // Everything gradients move, in one array; after changing it, call update().
  std::span<float> learned();
  std::span<const float> gradients() const;
  // Means and variances of batch norm, layer by layer, in one array.
  std::vector<float> running_statistics() const;
  void set_running_statistics(std::span<const float> values);
  // Clamps binary and ternary latents to [-1, 1] and quantizes all weights anew.
  void update();
  // Where the training stands, 0..1: surrogates sharpen, float phases end. `noise` seeds stochastic rounding.
  void set_progress(double progress, uint32_t noise);

  // codes: `count` examples in C x H x W order; they must outlive backward().
  // Gives the outputs in real units, [count][elements in HWC order], valid until the next call.
  std::span<const float> forward(std::span<const float> codes, int64_t count, Phase phase);
  // Sets gradients() from those of the last forward pass's outputs.
  void backward(std::span<const float> output_gradients);
  // Output of layer `index` in the last forward pass, real units, [count][elements in CHW order].
  std::vector<float> layer_output(int index) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bitwright

// experiments/bench/plain_torch_network.h: the training that Bitwright's is timed against: what a user of libtorch
// writes for the same network, from torch::nn modules, straight-through estimators composed of tensor operations,
// autograd and torch::optim::Adam. No torch type here: torch/torch.h is in the .cc alone.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "core/dataset.h"
#include "core/network.h"
#include "core/parameters.h"

namespace bitwright {

// Same function as the trainer's network while it trains: batch norm over the batch, weights quantized as in
// core/quantize.h, max-pooling of accumulators, mean cross entropy. Values are real numbers where the trainer has
// codes, so that losses agree to float32 rounding and not to the bit. Runs on one thread.
class PlainTorchTraining {
 public:
  // `network` has passed infer_shapes; `data` is copied. The learning rate stays as given.
  PlainTorchTraining(const Network& network, const Dataset& data, double learning_rate);
  ~PlainTorchTraining();

  // Latent weights, biases, gamma and beta; the running statistics have no part in a training step.
  void set_parameters(const Parameters& parameters);
  // Gathers the batch, runs forward, backward and Adam, clamps 1- and 2-bit latents; gives the loss before the step.
  double step(std::span<const int64_t> examples);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bitwright

// trainer/trainer.h: quantization-aware training of one network. The only way into libtorch; no torch type crosses it.
//
// Determinism: same network, data, recipe and seed on one thread of the same machine give the same bytes. All
// randomness comes from the seed; the global torch generator is never touched.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/dataset.h"
#include "core/network.h"
#include "core/parameters.h"
#include "core/recipe.h"
#include "core/trial.h"

namespace bitwright {

struct TrainOutcome {
  Parameters parameters;             // of the best epoch by validation accuracy (the latest of equals)
  std::vector<EpochRecord> epochs;
  double validation_accuracy = 0.0;  // fake-quantized, of `parameters`
  double train_accuracy = 0.0;       // likewise, on the training set
  double cpu_seconds = 0.0;
  std::string failure;               // empty, or one line why there is no result: "loss is not finite at epoch 3"
};

// Called after every epoch; returning false stops the training, whose result is then that of the epochs so far.
using EpochCallback = std::function<bool(const EpochRecord&)>;

// `network` has passed infer_shapes and ends in one output per class; train is not empty.
TrainOutcome train(const Network& network, const TrainingData& data, const Recipe& recipe, uint64_t seed,
                   const EpochCallback& on_epoch = {});

// Share of examples whose largest fake-quantized output (the first of equals) is at the label.
double fake_quantized_accuracy(const Network& network, const Parameters& parameters, const Dataset& data);
// Outputs of the fake-quantized network, in real units, example by example.
std::vector<float> fake_quantized_outputs(const Network& network, const Parameters& parameters, const Dataset& data);

// GFLOP/s of a 256 x 256 x 256 float32 matrix product: below about 15 the reference BLAS is linked, not OpenBLAS.
double matmul_gflops();

}  // namespace bitwright

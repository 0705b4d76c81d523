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
#include "trainer/checkpoint.h"

namespace bitwright {

struct TrainOutcome {
  Parameters parameters;  // of the best epoch by validation score (the latest of equals)
  std::vector<EpochRecord> epochs;
  double validation_accuracy = 0.0;  // Metrics::accuracy of the fake-quantized network with `parameters`
  double train_accuracy = 0.0;       // likewise, on the training set; -1 where it cannot be scored (one class)
  double cpu_seconds = 0.0;          // of this call; teacher included
  bool stopped = false;              // by on_epoch or on_checkpoint: the result is that of the epochs so far
  std::string failure;               // empty, or one line why there is no result: "loss is not finite at epoch 3"
};

// Called after every epoch; returning false stops the training.
using EpochCallback = std::function<bool(const EpochRecord&)>;
// Called after every `checkpoint_steps` steps and after every epoch; returning false stops the training.
using CheckpointCallback = std::function<bool(const TrainingState&)>;

// A network trained before; layers of equal name, operator and parameter sizes hand on what they learnt.
struct Parent {
  Network network;
  Parameters parameters;
};

struct TrainOptions {
  EpochCallback on_epoch;
  CheckpointCallback on_checkpoint;
  int64_t checkpoint_steps = 0;  // 0: only after epochs
  // Goes on from here: in the middle of a training to the same bytes; from the end of a shorter one (a rung: the same
  // recipe with fewer epochs) with the schedule of the longer. Throws StructureError if it is another training's.
  const TrainingState* resume = nullptr;
  const Parent* parent = nullptr;  // weight inheritance; not together with resume
};

// `network` has passed infer_shapes and its output is what the task asks for (core/dataset.h).
// What data and recipe do not allow is a failure, before any step: a class without example, one example, a batch larger
// than the set, a label out of range, a constant channel, an output of another size than the task's.
TrainOutcome train(const Network& network, const TrainingData& data, const Recipe& recipe, uint64_t seed,
                   const TrainOptions& options);
TrainOutcome train(const Network& network, const TrainingData& data, const Recipe& recipe, uint64_t seed,
                   const EpochCallback& on_epoch = {});

// Outputs of the fake-quantized network, in real units, HWC, example by example.
std::vector<float> fake_quantized_outputs(const Network& network, const Parameters& parameters, const Dataset& data,
                                          Device device = Device::kAuto);
// Metrics::accuracy of these outputs; for anomalies without a threshold.
double fake_quantized_accuracy(const Network& network, const Parameters& parameters, const Dataset& data);
// Outputs of every layer, real units, channel first (C x H x W), for calibration and debugging: [layer][example *
// size].
std::vector<std::vector<float>> fake_quantized_layers(const Network& network, const Parameters& parameters,
                                                      const Dataset& data);

// GFLOP/s of a 256 x 256 x 256 float32 matrix product: below about 8 the reference BLAS is linked, not OpenBLAS.
double matmul_gflops();

}  // namespace bitwright

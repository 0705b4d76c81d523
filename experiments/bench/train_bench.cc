// One epoch of quantization-aware training: items are training windows.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include "core/rng.h"
#include "trainer/trainer.h"

namespace bitwright {
namespace {

// About 0.17 M multiply-accumulates: 16-channel strided 8-bit convolution, then two of the weights given.
Network small_network(Format weights, Format activations) {
  Network network{.name = "bench", .input = {600, 1, 1}};
  append(network, {.name = "conv1",
                   .op = Conv2d{.out_channels = 16, .kernel = {.h = 16, .stride_h = 8}, .padding = Padding::kZero},
                   .weights = Format::kInt8,
                   .batch_norm = true,
                   .activations = activations});
  append(network, {.name = "conv2",
                   .op = Conv2d{.out_channels = 16, .kernel = {.h = 5}, .padding = Padding::kZero},
                   .weights = weights,
                   .pool = Window{.h = 2, .stride_h = 2},
                   .batch_norm = true,
                   .activations = activations});
  append(network, {.name = "conv3",
                   .op = Conv2d{.out_channels = 32, .kernel = {.h = 3}, .padding = Padding::kZero},
                   .weights = weights,
                   .batch_norm = true,
                   .activations = activations});
  append(network, {.name = "pool", .op = GlobalAvgPool{}, .activations = Format::kInt8});
  append(network, {.name = "head", .op = Dense{.units = 4}, .weights = Format::kInt8, .bias = true});
  return network;
}

Dataset noise(int windows, uint64_t seed) {
  Dataset data;
  data.front_end.output = {600, 1, 1};
  data.front_end.input_scale = 4.0 / 127.0;
  data.classes = {"a", "b", "c", "d"};
  Rng rng(seed);
  for (int i = 0; i < windows; ++i) {
    for (int t = 0; t < 600; ++t) data.codes.push_back(static_cast<int16_t>(rng.below(255)) - 127);
    data.labels.push_back(i % 4);
  }
  return data;
}

void BM_TrainEpoch(benchmark::State& state, Format weights, Format activations) {
  const Network network = small_network(weights, activations);
  const TrainingData data{noise(2048, 1), noise(64, 2)};
  for (auto _ : state) benchmark::DoNotOptimize(train(network, data, {.epochs = 1}, 1));
  state.SetItemsProcessed(state.iterations() * 2048);
}
BENCHMARK_CAPTURE(BM_TrainEpoch, w1a1, Format::kBinary, Format::kBinary)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_TrainEpoch, ternary, Format::kTernary, Format::kTernary)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_TrainEpoch, w4a4, Format::kInt4, Format::kUint4)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace bitwright

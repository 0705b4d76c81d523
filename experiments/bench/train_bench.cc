// Training speed: every network of networks.json by Bitwright's trainer and by plain libtorch, one thread each.
// The Time column is one training window: thread CPU time of whole steps of 64 windows (gathering, forward, loss,
// backward, Adam) divided by their windows; wall_us is the same by the wall clock.
//   bitwright-train-bench [NETWORKS.json] [--benchmark_...]
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "core/rng.h"
#include "experiments/bench/bench_networks.h"
#include "experiments/bench/plain_torch_network.h"
#include "trainer/trainer.h"

namespace bitwright {
namespace {

constexpr int64_t kBatch = 64, kBatches = 8;  // of an epoch
constexpr int kEpochs = 5;                    // the first of which warms up
constexpr int64_t kTimedWindows = kBatch * kBatches * (kEpochs - 1);

double seconds(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// Between the end of the first epoch and that of the last.
class EpochTimer {
 public:
  void end_of_epoch(int epoch) {
    if (epoch == 1) cpu_ = seconds(CLOCK_THREAD_CPUTIME_ID), wall_ = seconds(CLOCK_MONOTONIC);
    if (epoch != kEpochs) return;
    cpu_ = seconds(CLOCK_THREAD_CPUTIME_ID) - cpu_;
    wall_ = seconds(CLOCK_MONOTONIC) - wall_;
  }
  void report(benchmark::State& state) const {
    state.SetIterationTime(cpu_ / kTimedWindows);
    state.counters["wall_us"] = wall_ / kTimedWindows * 1e6;
  }

 private:
  double cpu_ = 0.0, wall_ = 0.0;
};

// The validation of one window per class after each epoch is timed too: about one window in a hundred.
void time_bitwright(benchmark::State& state, const Network& network) {
  TrainingData data{noise_for(network, kBatch * kBatches, 1), {}, {}};
  data.validation = noise_for(network, std::ssize(data.train.classes), 2);
  for (auto _ : state) {
    EpochTimer timer;
    const TrainOutcome outcome = train(network, data, {.epochs = kEpochs}, 1, [&](const EpochRecord& epoch) {
      timer.end_of_epoch(epoch.epoch);
      return true;
    });
    if (!outcome.failure.empty()) return state.SkipWithError(outcome.failure.c_str());
    timer.report(state);
  }
}

void time_plain_torch(benchmark::State& state, const Network& network) {
  const Dataset data = noise_for(network, kBatch * kBatches, 1);
  for (auto _ : state) {
    PlainTorchTraining training(network, data, 1e-3);
    std::vector<int64_t> order(static_cast<size_t>(data.size()));
    std::iota(order.begin(), order.end(), 0);
    Rng rng(1);
    EpochTimer timer;
    for (int epoch = 1; epoch <= kEpochs; ++epoch) {
      rng.shuffle(order);
      for (size_t i = 0; i < kBatches; ++i) training.step(std::span(order).subspan(i * kBatch, kBatch));
      timer.end_of_epoch(epoch);
    }
    timer.report(state);
  }
}

void add_benchmarks(const std::vector<Network>& networks) {
  const auto add = [](const Network& network, const char* by, auto time) {
    benchmark::RegisterBenchmark((network.name + "/" + by).c_str(), time, network)
        ->UseManualTime()
        ->Iterations(1)
        ->Unit(benchmark::kMicrosecond);
  };
  for (const Network& network : networks) {
    add(network, "bitwright", time_bitwright);
    add(network, "plain_torch", time_plain_torch);
  }
}

}  // namespace
}  // namespace bitwright

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  try {
    bitwright::add_benchmarks(bitwright::load_bench_networks(argc > 1 ? argv[1] : BITWRIGHT_BENCH_NETWORKS));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bitwright-train-bench: %s\n", error.what());
    return 2;
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

// What a question about a trained study takes: bitwright front, from the store to the answer.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include "experiments/what_if.h"
#include "tests/experiments/trained_study.h"

namespace bitwright {
namespace {

void BM_WhatIfOfAStoreOfTrials(benchmark::State& state) {
  const TrainedStudy study({}, state.range(0));
  for (auto _ : state)
    benchmark::DoNotOptimize(what_if(study.store(), {.limits = {"ram=8KiB"}, .boards = {"nucleo-f411re"}}));
}
BENCHMARK(BM_WhatIfOfAStoreOfTrials)->Arg(5000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace bitwright

// What the controller does per candidate: propose, decode, check, estimate.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include "constraints/constraints.h"
#include "core/embedded.h"
#include "core/io/board_yaml.h"
#include "core/io/network_yaml.h"
#include "estimators/estimate.h"
#include "search/space.h"

namespace bitwright {
namespace {

SpaceSpec space_spec() {
  SpaceSpec spec;
  spec.max_blocks = 4;
  spec.block.kind = {"conv", "depthwise_separable"};
  spec.block.channels = {8, 16, 24, 32};
  spec.block.kernel = {3, 5, 9};
  spec.block.stride = {1, 2};
  spec.block.pool = {1, 2};
  spec.block.weights = {Format::kBinary, Format::kTernary, Format::kInt4};
  spec.block.activations = {Format::kBinary, Format::kTernary, Format::kUint4};
  spec.head = {"flatten_dense", "global_pool_dense"};
  spec.hidden = {0};
  spec.head_weights = {Format::kInt8, Format::kBinary};
  return spec;
}

void BM_ProposeCheckEstimate(benchmark::State& state) {
  const SearchSpace space(space_spec(), {600, 1, 1}, Format::kInt8, 10, "bench");
  const Board board = load_board("nucleo-l476rg");
  Rng rng(1);
  for (auto _ : state) {
    const Candidate candidate = space.sample(rng);
    if (check_structure(candidate.network).empty())
      benchmark::DoNotOptimize(check_budgets(estimate(candidate.network, board), {}, board));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_ProposeCheckEstimate)->Unit(benchmark::kMicrosecond);

void BM_EstimateGoldenBearing(benchmark::State& state) {
  const Network network =
      network_from_yaml(std::string(*embedded_file("configs/networks/bearing_golden.yaml")), "bearing_golden.yaml");
  const Board board = load_board("nucleo-l476rg");
  for (auto _ : state) benchmark::DoNotOptimize(estimate(network, board));
}
BENCHMARK(BM_EstimateGoldenBearing)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace bitwright

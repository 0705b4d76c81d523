// Integer inference on the host, per window.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include "core/embedded.h"
#include "core/io/network_yaml.h"
#include "deploy/reference.h"
#include "tests/support/random_network.h"

namespace bitwright {
namespace {

void BM_ReferenceOutputsGoldenBearing(benchmark::State& state) {
  const Network network =
      network_from_yaml(std::string(*embedded_file("configs/networks/bearing_golden.yaml")), "bearing_golden.yaml");
  const QuantizedModel model = testing::random_model(network, 1);
  Dataset data;
  data.front_end.output = network.input;
  data.classes.resize(9);
  constexpr int kWindows = 64;
  for (int i = 0; i < kWindows; ++i) {
    const auto input = testing::random_input(network, static_cast<uint64_t>(i));
    data.codes.insert(data.codes.end(), input.begin(), input.end());
    data.labels.push_back(0);
  }
  for (auto _ : state) benchmark::DoNotOptimize(reference_outputs(model, data));
  state.SetItemsProcessed(state.iterations() * kWindows);
}
BENCHMARK(BM_ReferenceOutputsGoldenBearing)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace bitwright

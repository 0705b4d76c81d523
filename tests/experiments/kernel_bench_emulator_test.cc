// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "core/kernel.h"
#include "experiments/bench/kernels/kernel_figures.h"
#include "experiments/bench/kernels/network_figures.h"

namespace bitwright {
namespace {

// A case small enough for a test: 8 samples, 8 channels.
KernelCase tiny_case(Format format) {
  LayerSpec layer;
  layer.name = "tiny_layer";
  layer.op = Conv2d{8, {3, 1, 1, 1}, Padding::kZero};
  layer.weights = layer.activations = format;
  Network network;
  network.name = "tiny";
  network.input = {8, 1, 8};
  network.input_format = format;
  append(network, layer);
  return {"tiny", std::string(format_name(format)), network};
}

// A case given twice has the same figures, but for the few instructions of memcpy that depend on addresses.
TEST(KernelBench, MeasuresEveryKernelThatCanRunACase) {
  const std::vector<KernelCase> cases = {tiny_case(Format::kBinary), tiny_case(Format::kInt8),
                                         tiny_case(Format::kBinary)};
  const std::vector<KernelFigure> figures = measure_kernels("cortex-m4", cases);
  const size_t binary = kernels_for(cases[0].network, 0).size(), int8 = kernels_for(cases[1].network, 0).size();
  ASSERT_EQ(figures.size(), binary + int8 + binary);
  for (const KernelFigure& f : figures) {
    EXPECT_EQ(f.macs, 8 * 8 * 3 * 8);
    EXPECT_GT(f.instructions, 0) << f.kernel;
    EXPECT_GE(*f.cycles, f.instructions) << f.kernel;  // the Cortex-M4 issues one instruction a cycle
  }
  EXPECT_EQ(std::count_if(figures.begin(), figures.end(), [](const KernelFigure& f) { return f.chosen; }), 3);
  for (size_t i = 0; i < binary; ++i) {
    EXPECT_NEAR(figures[i].instructions / figures[binary + int8 + i].instructions, 1.0, 1e-3);
    EXPECT_NEAR(*figures[i].cycles / *figures[binary + int8 + i].cycles, 1.0, 1e-3);
  }
}

TEST(KernelBench, MeasuresAWholeNetworkLayerByLayerAndStreamed) {
  const QuantizedModel model = model_to_measure("bearing_golden", "");
  for (Execution execution : {Execution::kLayers, Execution::kStream}) {
    const NetworkFigure f = measure_network("cortex-m4", model, 2, {execution, false, 0}).value();
    EXPECT_EQ(f.windows, 2);
    EXPECT_EQ(f.different, 0);
    EXPECT_GE(*f.cycles, f.instructions);
    EXPECT_EQ(f.input_bytes, 600);
    EXPECT_EQ(f.state_bytes > 0, execution == Execution::kStream);
    EXPECT_GE(f.arena_bytes, f.input_bytes + f.state_bytes);
    EXPECT_GT(f.stack_bytes, 0);
    EXPECT_GT(f.code_bytes, 0);
  }
}

}  // namespace
}  // namespace bitwright

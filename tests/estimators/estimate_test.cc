// SPDX-License-Identifier: Apache-2.0
#include "estimators/estimate.h"

#include <gtest/gtest.h>

#include "core/execution.h"
#include "core/kernel.h"
#include "estimators/choose_execution.h"
#include "estimators/choose_kernels.h"
#include "estimators/cost_table.h"
#include "estimators/kernel_costs.h"
#include "tests/core/networks.h"

namespace bitwright {
namespace {

Board board(const std::string& core) {
  Board b;
  b.name = "test";
  b.core = core;
  b.clock_hz = 100'000'000;
  b.supply_v = 3.3;
  b.current_ua_per_mhz = 100;
  return b;
}

// Two convolutions and a classifier on 60 samples.
Network small_network() {
  Network n;
  n.input = {60, 1, 1};
  LayerSpec conv1{.name = "conv1", .op = Conv2d{8, {5, 1}, Padding::kValid}};
  conv1.weights = Format::kInt8;
  conv1.batch_norm = true;
  conv1.activations = Format::kBinary;
  append(n, conv1);
  LayerSpec conv2 = conv1;
  conv2.name = "conv2";
  conv2.weights = Format::kBinary;
  conv2.pool = Window{4, 1, 4, 1};
  append(n, conv2);
  append(n, {.name = "flatten", .op = Flatten{}});
  LayerSpec dense{.name = "dense", .op = Dense{4}};
  dense.weights = Format::kBinary;
  append(n, dense);
  return n;
}

Kernels kernels_of(const Estimates& estimates) {
  Kernels kernels;
  for (const LayerEstimate& layer : estimates.layers) kernels.push_back(layer.kernel);
  return kernels;
}

TEST(Estimate, MemoryIsThatOfThePlanAndThePackedConstants) {
  const Network n = small_network();
  const Estimates e = estimate(n, board("cortex-m4"));
  const Kernels kernels = kernels_of(e);
  EXPECT_EQ(e.constant_bytes, constant_bytes(n, kernels));
  EXPECT_EQ(e.arena_bytes, plan_execution(n, kernels, Execution::kLayers).memory.arena_bytes);
  EXPECT_EQ(e.flash_bytes, e.code_bytes + e.constant_bytes);
  EXPECT_EQ(e.ram_bytes, e.arena_bytes + e.stack_bytes);
  EXPECT_EQ(e.macs, macs(n));
}

TEST(Estimate, IsOfTheChosenKernels) {
  Board small = board("cortex-m4");
  EXPECT_EQ(kernels_of(estimate(small_network(), small)), choose_kernels(small_network(), small));
  const Limits tight{.flash_bytes = 1, .ram_bytes = 1};
  EXPECT_EQ(kernels_of(estimate(small_network(), small, tight)), choose_kernels(small_network(), small, tight));
}

TEST(Estimate, OfAStreamTakesItsPlansMemory) {
  const Network n = testing::bearing_network();
  for (const char* core : {"cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33"}) {
    const Estimates layers = estimate(n, board(core)), stream = estimate(n, board(core), {}, Execution::kStream);
    const ExecutionPlan plan =
        plan_execution(n, choose_kernels(n, board(core), {}, Execution::kStream), Execution::kStream);
    ASSERT_TRUE(plan.stream);
    EXPECT_EQ(stream.arena_bytes, plan.memory.arena_bytes) << core;
    EXPECT_EQ(stream.constant_bytes, constant_bytes(n, plan.kernels) + 20 * 4) << core;  // four stages
    EXPECT_LT(stream.ram_bytes, layers.ram_bytes) << core;
    EXPECT_GT(stream.cycles, layers.cycles) << core;
    EXPECT_LT(stream.cycles, 1.25 * layers.cycles) << core;
  }
}

TEST(Estimate, AutoStreamsWhereLayersExceedTheLimits) {
  const Network n = testing::bearing_network();
  const Board m4 = board("cortex-m4");
  const int64_t ram = estimate(n, m4).ram_bytes;
  EXPECT_EQ(choose_execution(n, m4, {}, Execution::kAuto), Execution::kLayers);
  EXPECT_EQ(choose_execution(n, m4, {.ram_bytes = ram / 2}, Execution::kAuto), Execution::kStream);
  EXPECT_EQ(estimate(n, m4, {.ram_bytes = ram / 2}, Execution::kAuto).ram_bytes,
            estimate(n, m4, {.ram_bytes = ram / 2}, Execution::kStream).ram_bytes);
  EXPECT_EQ(choose_execution(n, m4, {.ram_bytes = ram / 2}, Execution::kLayers), Execution::kLayers);
  EXPECT_EQ(choose_execution(n, board("cortex-m55"), {.ram_bytes = 1}, Execution::kAuto), Execution::kLayers);
}

TEST(Estimate, AutoHoldsTheAveragePowerOfADutyCycleAgainstItsLimit) {
  const Network n = testing::bearing_network();
  const Board m4 = board("cortex-m4");
  const DutyCycle duty{.inferences_per_hour = 3600, .sleep_current_ua = 1};
  const double of_layers = estimate(n, m4, {}, Execution::kLayers, duty).average_power_uw;
  const Limits kept{.average_power_uw = 1.01 * of_layers}, broken{.average_power_uw = 0.99 * of_layers};
  EXPECT_EQ(choose_execution(n, m4, kept, Execution::kAuto, duty), Execution::kLayers);
  EXPECT_EQ(choose_execution(n, m4, broken, Execution::kAuto, duty), Execution::kStream);  // neither: less RAM
  EXPECT_EQ(estimate(n, m4, broken, Execution::kAuto, duty).average_power_uw,
            estimate(n, m4, {}, Execution::kStream, duty).average_power_uw);
}

TEST(Estimate, OfAStreamIsThatOfLayersWhereNoneCanRun) {
  Network n{"one", {1, 1, 16}, Format::kInt8, {}};
  append(n, {.name = "dense", .op = Dense{4}, .weights = Format::kInt8});
  EXPECT_EQ(estimate(n, board("cortex-m4"), {}, Execution::kStream).cycles, estimate(n, board("cortex-m4")).cycles);
}

TEST(Estimate, LayersAddUpToTheNetwork) {
  const Estimates e = estimate(small_network(), board("cortex-m4"));
  const CoreCosts& costs = core_costs("cortex-m4");
  ASSERT_EQ(e.layers.size(), 4u);
  double instructions = costs.glue_instructions(3), cycles = costs.glue_cycles(3);
  for (const LayerEstimate& layer : e.layers) {
    instructions += layer.instructions;
    cycles += layer.cycles;
  }
  EXPECT_DOUBLE_EQ(e.instructions, instructions);
  EXPECT_DOUBLE_EQ(e.cycles, cycles);
  EXPECT_EQ(e.layers[2].cycles, 0);
}

TEST(Estimate, LatencyAndEnergyFollowFromCycles) {
  const Estimates e = estimate(small_network(), board("cortex-m7"));
  EXPECT_DOUBLE_EQ(e.latency_us, e.cycles / 100);
  // 100 uA/MHz at 100 MHz is 10 mA; times 3.3 V, 33 mW.
  EXPECT_NEAR(e.energy_uj, e.latency_us * 33e-3, 1e-9 * e.energy_uj);
  Board silent = board("cortex-m7");
  silent.current_ua_per_mhz = 0;
  EXPECT_EQ(estimate(small_network(), silent).energy_uj, 0);
}

TEST(Estimate, AWiderLayerCostsMoreOnEveryCore) {
  for (const char* core : {"cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33"}) {
    Network wide = small_network();
    std::get<Conv2d>(wide.layers[1].op).out_channels = 16;
    const Estimates a = estimate(small_network(), board(core)), b = estimate(wide, board(core));
    EXPECT_GT(b.cycles, a.cycles) << core;
    EXPECT_GT(b.constant_bytes, a.constant_bytes) << core;
    EXPECT_EQ(b.code_bytes == a.code_bytes,
              choose_kernels(wide, board(core)) == choose_kernels(small_network(), board(core)))
        << core;
  }
}

TEST(Estimate, OnACoreWithoutMeasurementsIsRefused) {
  EXPECT_THROW(estimate(small_network(), board("cortex-m55")), MissingCost);
}

}  // namespace
}  // namespace bitwright

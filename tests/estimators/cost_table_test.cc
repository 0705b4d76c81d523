// SPDX-License-Identifier: Apache-2.0
#include "estimators/cost_table.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "experiments/calibrate/calibration_models.h"
#include "experiments/calibrate/stream_calibration.h"

namespace bitwright {
namespace {

CoreCosts small_table() {
  CoreCosts costs;
  costs.core = "cortex-m4";
  costs.compiler = "gcc 12";
  costs.flags = "-O2";
  costs.runtime = "abc";
  costs.library_bytes = {{"lib_a-memcpy.o", 28}};
  KernelCost add;
  add.samples = 7;
  add.instructions.coefficients[0] = 12.5;
  add.instructions.mean_error = 0.001;
  add.cycles.coefficients[3] = 2.25;
  add.cycles.branches = {{8.0, {{{Feature::kRows, 1.0}}}, {{{Feature::kPositions, 1.0}, {Feature::kRows, -1.0}}}}};
  add.stack_bytes = {{"raw", 64}, {"requantize", 96}};
  add.file_bytes = {{"bw_add.c", 300}};
  add.library = {"lib_a-memcpy.o"};
  costs.kernels["add"] = add;
  costs.glue_bytes = {40, 12, 10, 8, 3};
  costs.glue_stack_bytes = 8;
  costs.stream = {{900, 200, 20, 7, 0.01},
                  {1000, 300, 15, 10, 0.02},
                  195,
                  118,
                  {{"bw_stream.c", 388}},
                  80,
                  {{"part_a8w1", {{-300, -37.5, 5.5, 0.03}, {-500, -47.25, 8, 0.04}, 972}}}};
  return costs;
}

TEST(CostTable, ReadsBackWhatItWrites) {
  const std::string text = cost_table_text(small_table());
  const CoreCosts read = parse_cost_table(text, "table.yaml");
  EXPECT_EQ(cost_table_text(read), text);
  EXPECT_EQ(read.kernel("add").instructions.coefficients[0], 12.5);
  EXPECT_EQ(read.kernel("add").cycles.coefficients[3], 2.25);
  EXPECT_EQ(read.glue_bytes(2), 64);
  EXPECT_EQ(read.glue_bytes(2, 1), 82);
  const PartCost& part = read.stream->parts.at("part_a8w1");
  EXPECT_EQ(part.cycles({.part_runs = 2, .part_sums = 8, .part_codes = 10}), -2 * 500 - 8 * 47.25 + 10 * 8);
  EXPECT_EQ(read.stream->instructions({.runs = 5, .checks = 10, .moved_words = 2}), 900 + 5 * 200 + 10 * 20 + 2 * 7);
  EXPECT_EQ(read.kernel("add").library, std::vector<std::string>{"lib_a-memcpy.o"});
}

// Two rows of five pixels: a loop over a row's pixels goes back four times and on once.
TEST(CostTable, ABranchCostsEachTimeItGoesTheRarerWay) {
  FeatureVector features{};
  features[static_cast<size_t>(Feature::kRows)] = 2;
  features[static_cast<size_t>(Feature::kPositions)] = 10;
  const LinearCost cycles = parse_cost_table(cost_table_text(small_table()), "table.yaml").kernel("add").cycles;
  EXPECT_EQ(cycles(features), 8.0 * 2 + 2.25 * features[3]);
  features[static_cast<size_t>(Feature::kPositions)] = 3;  // one turn and a half
  EXPECT_EQ(cycles(features), 8.0 * 1 + 2.25 * features[3]);
  features[static_cast<size_t>(Feature::kPositions)] = 1;  // never less than nothing
  EXPECT_EQ(cycles(features), 2.25 * features[3]);
}

TEST(CostTable, StackIsThatOfTheLayersCallPathElseTheDeepest) {
  Network n;
  n.input = {1, 1, 4};
  for (int i = 0; i < 2; ++i) {
    LayerSpec layer{.name = "depth" + std::to_string(i), .op = DepthwiseConv2d{}};
    layer.activations = Format::kInt8;
    append(n, layer);
  }
  LayerSpec sum{.name = "sum", .op = Add{0}};
  sum.activations = Format::kInt8;
  append(n, sum);
  EXPECT_EQ(call_path(n, 2, "add"), "requantize");
  EXPECT_EQ(small_table().stack_bytes(n, 2, "add"), 96);
  n.layers[2].activations = Format::kAccumulator;
  EXPECT_EQ(small_table().stack_bytes(n, 2, "add"), 64);
  n.layers[2].activations = Format::kTernary;  // not measured
  EXPECT_EQ(small_table().stack_bytes(n, 2, "add"), 96);
}

TEST(CostTable, AKernelThatWasNotMeasuredIsMissing) {
  try {
    small_table().kernel("conv2d_a1w1");
    FAIL();
  } catch (const MissingCost& error) {
    EXPECT_STREQ(error.what(), "kernel conv2d_a1w1 has no measured cost on cortex-m4");
  }
}

TEST(CostTable, ACoreThatWasNotMeasuredIsMissing) {
  EXPECT_THROW(core_costs("cortex-m55"), MissingCost);
}

TEST(CostTable, OtherTextIsRefusedWithItsPlace) {
  EXPECT_THROW(parse_cost_table("core: [", "table.yaml"), ConfigError);
  EXPECT_THROW(parse_cost_table("core: cortex-m4\n", "table.yaml"), ConfigError);
}

// A changed kernel has changed costs: the table must be measured again (bitwright-calibrate).
TEST(CostTable, EveryCoresTableWasMeasuredOnTheseKernels) {
  for (const char* core : {"cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33"}) {
    const CoreCosts& costs = core_costs(core);
    EXPECT_EQ(costs.core, core);
    EXPECT_EQ(costs.runtime, runtime_digest()) << core;
    std::vector<std::string> measured;
    for (const auto& [kernel, cost] : costs.kernels) measured.push_back(kernel);
    EXPECT_EQ(measured, all_kernels()) << core;
    ASSERT_TRUE(costs.stream) << core;
    for (const std::string& part : part_kernels()) EXPECT_GT(costs.stream->parts.at(part).file_bytes, 0) << core;
  }
}

// Integer kernels have static trip counts: their fits must be close. The Cortex-M7 predicts branches.
TEST(CostTable, IntegerKernelsFitClosely) {
  for (const char* core : {"cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33"})
    for (const auto& [name, kernel] : core_costs(core).kernels) {
      if (name.ends_with("f32")) continue;
      EXPECT_LT(kernel.instructions.mean_error, 0.015) << core << " " << name;
      EXPECT_LT(kernel.cycles.mean_error, core == std::string("cortex-m7") ? 0.025 : 0.02) << core << " " << name;
    }
}

}  // namespace
}  // namespace bitwright

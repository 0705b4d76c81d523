// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/error.h"
#include "core/io/model_json.h"
#include "experiments/bench/kernels/cmsis_nn.h"
#include "experiments/bench/kernels/kernel_table.h"
#include "experiments/calibrate/calibration_models.h"
#include "experiments/training_request.h"
#include "tests/support/compiled_packages.h"

namespace bitwright {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// 100 multiply-accumulates, so that 25 cycles are 0.25 each.
KernelFigure figure(const std::string& core, const std::string& shape, const std::string& pair,
                    const std::string& kernel, double cycles, bool chosen = true) {
  return {core, shape, pair, kernel, chosen, 100, 20.0, cycles, 0};
}

Verdict verdict_on(const std::vector<Verdict>& verdicts, const std::string& core, const std::string& what) {
  for (const Verdict& v : verdicts)
    if (v.core == core && v.what == what) return v;
  ADD_FAILURE() << core << " " << what;
  return {};
}

TEST(KernelCases, AreAllShapesTimesAllPairs) {
  const std::vector<KernelCase> cases = kernel_cases();
  EXPECT_EQ(cases.size(), kernel_shapes().size() * format_pairs().size());
  std::set<std::string> names;
  for (const KernelCase& c : cases) names.insert(c.network.name);
  EXPECT_EQ(names.size(), cases.size());
}

TEST(KernelCases, MeasureTheNamedOperatorInTheNamedFormats) {
  for (const KernelCase& c : kernel_cases({}, {"W4A8", "float"})) {
    EXPECT_NO_THROW(infer_shapes(c.network)) << c.network.name;
    const bool in_float = computes_in_float(c.network, static_cast<int>(c.network.layers.size()) - 1);
    EXPECT_EQ(in_float, c.pair == "float") << c.network.name;
    EXPECT_EQ(op_name(c.network.layers.back().op), c.shape.substr(0, c.shape.find_first_of("_2"))) << c.network.name;
  }
}

// 600 samples x 32 channels x 5 taps x 32 channels; 2048 x 64.
TEST(KernelCases, CountTheMeasuredLayerAlone) {
  EXPECT_EQ(measured_macs(kernel_cases({"conv_k5"}, {"W1A1"}).front().network), 3'072'000);
  EXPECT_EQ(measured_macs(kernel_cases({"dense"}, {"float"}).front().network), 131'072);
}

TEST(KernelCases, AnUnknownNameIsRefusedWithTheKnownOnes) {
  try {
    kernel_cases({}, {"W9A9"});
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "--pair = W9A9: must be one of W1A1, WtA1, WtAt, W1Au8, W1As8, W1A16, W2A2, W4A4, W8A8, W4A8, W2A8, "
                 "float");
  }
}

TEST(KernelTable, HasARowPerKernelAndAStarAtTheChosenOne) {
  const std::vector<KernelFigure> figures = {
      figure("cortex-m4", "conv_k5", "W1A1", "conv2d_a1w1", 45, false),
      figure("cortex-m4", "conv_k5", "W1A1", "conv2d_a1w1_poly5", 25),
      figure("cortex-m4", "dense", "W1A1", "conv2d_a1w1", 39),
      figure("cortex-m0plus", "conv_k5", "W1A1", "conv2d_a1w1", 65),
  };
  EXPECT_EQ(kernel_table(figures, {"cortex-m0plus", "cortex-m4"}),
            "Instructions (exact) and cycles (estimated, zero wait states) per multiply-accumulate;\n"
            "* the kernel that is chosen on that core\n"
            "shape    pair  kernel             m0plus insn  m0plus cyc  m4 insn  m4 cyc\n"
            "conv_k5  W1A1  conv2d_a1w1              0.20*        0.65    0.20     0.45\n"
            "conv_k5  W1A1  conv2d_a1w1_poly5            -           -    0.20*    0.25\n"
            "dense    W1A1  conv2d_a1w1                  -           -    0.20*    0.39\n");
}

TEST(KernelTable, ACoreWithoutACycleModelShowsInstructionsOnly) {
  KernelFigure m55 = figure("cortex-m55", "conv_k5", "W8A8", "conv2d_a16w8", 0);
  m55.cycles.reset();
  EXPECT_FALSE(has_cycle_model("cortex-m55"));
  EXPECT_THAT(kernel_table({m55}, {"cortex-m55"}), HasSubstr("conv2d_a16w8     0.20*        -\n"));
  EXPECT_FALSE(kernel_json({m55})[0].contains("cycles"));
}

TEST(KernelTable, JsonHoldsTheWholeLayerAndTheRatio) {
  const auto json = kernel_json({figure("cortex-m4", "dense", "W1A1", "conv2d_a1w1", 39)});
  EXPECT_EQ(json[0]["cycles"], 39.0);
  EXPECT_EQ(json[0]["cycles_per_mac"], 0.39);
  EXPECT_EQ(json[0]["macs"], 100);
  EXPECT_EQ(json[0]["chosen"], true);
}

TEST(CmsisNn, IsComparedByTheChosenKernelsCycles) {
  const std::vector<KernelFigure> ours = {figure("cortex-m4", "conv_k5", "W1A1", "slow", 81, false),
                                          figure("cortex-m4", "conv_k5", "W1A1", "fast", 27)};
  const std::vector<KernelFigure> peer = {figure("cortex-m4", "conv_k5", "W8A8", "arm_convolve_wrapper_s8", 243)};
  EXPECT_DOUBLE_EQ(times_as_fast(ours[1], peer[0]), 9.0);
  EXPECT_THAT(peer_table(ours, peer), HasSubstr("m4    conv_k5  arm_convolve_wrapper_s8  0.20  2.43  9.00\n"));
  EXPECT_TRUE(verdict_on(check_kernels(ours, peer), "cortex-m4", "conv_k5 W1A1, times CMSIS-NN's int8").met());
}

// operation, h, w, c, out_h, out_w, out_c, kernel_h, kernel_w, before_h, before_w: a signal lies along w.
TEST(CmsisNn, IsGivenTheSameShapes) {
  EXPECT_EQ(cmsis_nn_layers(kernel_cases({"conv_k5", "conv2d_3x3", "dense", "depthwise_3x3"}, {"W8A8"})),
            "{CONV, 1, 600, 32, 1, 600, 32, 1, 5, 0, 2},\n"
            "{CONV, 24, 25, 32, 24, 25, 32, 3, 3, 1, 1},\n"
            "{DENSE, 1, 1, 2048, 1, 1, 64, 1, 1, 0, 0},\n"
            "{DEPTHWISE, 24, 25, 32, 24, 25, 32, 3, 3, 1, 1},\n");
}

TEST(CmsisNn, AFolderThatIsNoCheckoutIsRefused) {
  const testing::TemporaryFolder folder;
  try {
    measure_cmsis_nn("cortex-m4", folder.path(), kernel_cases({"dense"}, {"W8A8"}));
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.what(),
              "--cmsis-nn = " + folder.path() + ": must be a checkout of CMSIS-NN: no Source/ConvolutionFunctions");
  }
}

TEST(Limits, AreMetUpToTheLimitItself) {
  const auto verdict = [](double cycles) {
    return verdict_on(check_kernels({figure("cortex-m4", "conv_k5", "W1A1", "k", cycles)}, {}), "cortex-m4",
                      "conv_k5 W1A1, cycles per MAC");
  };
  EXPECT_TRUE(verdict(25.0).met());
  EXPECT_FALSE(verdict(25.1).met());
}

TEST(Limits, OfWhatWasNotMeasuredAreNeitherMetNorBroken) {
  const std::vector<Verdict> verdicts = check_kernels({figure("cortex-m0plus", "dense", "W1A1", "k", 55)}, {});
  EXPECT_TRUE(all_met(verdicts));
  EXPECT_THAT(verdict_table(verdicts), HasSubstr("not measured"));
  EXPECT_THAT(verdict_table(verdicts), Not(HasSubstr("NOT MET")));
  EXPECT_FALSE(all_met(check_kernels({}, {})));
}

TEST(Limits, JudgeTheChosenKernel) {
  const std::vector<Verdict> verdicts = check_kernels(
      {figure("cortex-m4", "conv_k5", "W1A1", "fast", 20, false), figure("cortex-m4", "conv_k5", "W1A1", "slow", 40)},
      {});
  EXPECT_FALSE(all_met(verdicts));
}

NetworkFigure bearing_figure() {
  NetworkFigure f;
  f.core = "cortex-m7";
  f.form = {Execution::kStream, true, 2560};
  f.windows = 3;
  f.instructions = 900'000;
  f.cycles = 960'000;
  f.arena_bytes = 2100;
  f.input_bytes = 600;
  f.state_bytes = 1084;
  f.stack_bytes = 400;
  f.code_bytes = 3000;
  return f;
}

// 480 MHz / 0.96 M cycles = 500; 500 / 1.15 = 434.8.
TEST(NetworkFigures, TheGoldenBearingNetworkStandsBesideItsPublishedSpeed) {
  const Network golden = network_argument("bearing_golden");
  EXPECT_THAT(
      network_table(golden, {bearing_figure()}),
      HasSubstr("m7 stream, specialised at 480 MHz: 435..500 inferences a second; published for this network: 72\n"));
  EXPECT_EQ(bearing_figure().ram_bytes(), 2500);
  EXPECT_TRUE(all_met(check_network(golden, {bearing_figure()})));
  EXPECT_FALSE(
      verdict_on(check_network(golden, {bearing_figure()}), "cortex-m4", "bearing_golden streamed, cycles").measured);
}

TEST(NetworkFigures, AnotherNetworkHasNoLimits) {
  const Network other = network_argument("bearing_tiny");
  EXPECT_THAT(network_table(other, {bearing_figure()}), Not(HasSubstr("published")));
  EXPECT_TRUE(check_network(other, {bearing_figure()}).empty());
}

TEST(NetworkFigures, WeightsComeFromAnExportedModelOrAreDrawn) {
  const QuantizedModel drawn = model_to_measure("bearing_tiny", "");
  const testing::TemporaryFolder folder;
  const std::string path = folder.path() + "/model.json";
  std::ofstream(path) << nlohmann::json{{"schema", 1}, {"model", drawn}};
  EXPECT_EQ(model_to_measure("", path), drawn);
  EXPECT_EQ(model_to_measure("bearing_tiny", path), drawn);
  EXPECT_THROW(model_to_measure("bearing_golden", path), ConfigError);
}

}  // namespace
}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "core/op_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/core/networks.h"

namespace bitwright {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::Pair;

using Operations = std::map<std::string, int64_t>;

// Published on the slides of Pau, tinyML Summit 2022, for QKeras 0.9.0.
TEST(OpProfile, CountsTheBearingNetworkAsPublished) {
  const OpProfile p = op_profile(bearing_network());
  EXPECT_EQ(p.operations, (Operations{{"sfmult_1_32", 305152}, {"smult_8_8", 95360}, {"sxor_1_1", 3204096}}));
  std::vector<std::pair<int64_t, int>> weights;
  for (const LayerProfile& layer : p.layers) weights.emplace_back(layer.weights, layer.bits);
  EXPECT_THAT(weights, ElementsAre(Pair(160, 8), Pair(5120, 1), Pair(1024, 1), Pair(305152, 1)));
  EXPECT_EQ(p.total_bits, 312576);
}

TEST(OpProfile, CountsTheApplianceNetworkAsPublished) {
  EXPECT_EQ(op_profile(appliance_network()).operations, (Operations{{"smult_8_8", 276768}, {"sxor_1_1", 7831008}}));
}

// Published are 16-bit input, channels 1-8-8-8-1, kernel 5 and the sums; lengths are not. Any with 180 positions in the
// first layer and 8 (p2 + p3) + p4 = 152 in the others has them: here 180, 10 (pooled to 8), 8, 8.
TEST(OpProfile, CountsTheAutoEncoderAsPublished) {
  const auto layer = [](const char* name, int channels, Format activations) {
    return conv(name, channels, 5, 1, Padding::kZero, Format::kBinary, activations);
  };
  Network n{"auto_encoder", {180, 1, 1}, Format::kInt16, {}};
  append(n, layer("c1", 8, Format::kBinary));
  LayerSpec c2 = layer("c2", 8, Format::kBinary);
  std::get<Conv2d>(c2.op).kernel.stride_h = 18;
  c2.pool = Window{3, 1, 1, 1};
  append(n, c2);
  append(n, layer("c3", 8, Format::kBinary));
  append(n, layer("c4", 1, Format::kAccumulator));
  const OpProfile p = op_profile(n);
  EXPECT_EQ(p.operations, (Operations{{"smux_1_16", 7200}, {"sxor_1_1", 6080}}));
  EXPECT_EQ(p.total_bits, 720);
}

// The text that print_qstats gives for the bearing network, each line followed by our percent column.
TEST(OpProfile, PrintsLikePrintQstats) {
  EXPECT_EQ(qstats_text(op_profile(bearing_network())),
            "Number of operations in model:\n"
            "    conv2d_1                      : 95360 (smult_8_8)       2.6 %\n"
            "    conv2d_2                      : 3051520 (sxor_1_1)       84.7 %\n"
            "    q_conv2d                      : 152576 (sxor_1_1)        4.2 %\n"
            "    q_dense                       : 305152 (sfmult_1_32)     8.5 %\n"
            "\n"
            "Number of operation types in model:\n"
            "    sfmult_1_32                   : 305152       8.5 %\n"
            "    smult_8_8                     : 95360        2.6 %\n"
            "    sxor_1_1                      : 3204096     88.9 %\n"
            "\n"
            "Weight profiling:\n"
            "    conv2d_1_weights               : 160   (8-bit unit)    0.4 %\n"
            "    conv2d_1_bias                  : 0     (32-bit unit)   0.0 %\n"
            "    conv2d_2_weights               : 5120  (1-bit unit)    1.6 %\n"
            "    conv2d_2_bias                  : 0     (32-bit unit)   0.0 %\n"
            "    q_conv2d_weights               : 1024  (1-bit unit)    0.3 %\n"
            "    q_conv2d_bias                  : 0     (32-bit unit)   0.0 %\n"
            "    q_dense_weights                : 305152 (1-bit unit)   97.6 %\n"
            "    q_dense_bias                   : 0     (32-bit unit)   0.0 %\n"
            "    ----------------------------------------\n"
            "    Total Bits                     : 312576\n");
}

// Rows and columns of QKeras's table of operations, for the modes that our formats have.
TEST(OpProfile, ChoosesTheOperationByTheModesOfWeightAndInput) {
  const std::vector<Format> formats = {Format::kInt4, Format::kTernary, Format::kBinary};
  const char* expected[3][3] = {{"smult_4_4", "smux_4_2", "smux_4_1"},
                                {"smux_2_4", "smux_2_2", "smux_2_1"},
                                {"smux_1_4", "smux_1_2", "sxor_1_1"}};
  for (int w = 0; w < 3; ++w)
    for (int x = 0; x < 3; ++x) {
      Network n{"one", {1, 1, 8}, formats[x], {}};
      append(n, dense("d", 2, formats[w], Format::kAccumulator));
      EXPECT_THAT(op_profile(n).operations, ElementsAre(Pair(expected[w][x], 16)));
    }
}

TEST(OpProfile, AnUnsignedInputKeepsItsBits) {
  Network n{"one", {1, 1, 8}, Format::kUint5, {}};
  append(n, dense("d", 2, Format::kInt3, Format::kAccumulator));
  EXPECT_THAT(op_profile(n).operations, ElementsAre(Pair("smult_3_5", 16)));
}

TEST(OpProfile, OutputsWithoutQuantizerCountAsFloat) {
  Network n{"two", {1, 1, 8}, Format::kInt8, {}};
  append(n, dense("a", 4, Format::kInt4, Format::kAccumulator));
  append(n, dense("b", 2, Format::kInt4, Format::kAccumulator));
  EXPECT_EQ(op_profile(n).operations, (Operations{{"smult_4_8", 32}, {"sfmult_4_32", 8}}));
}

TEST(OpProfile, PoolingUpsamplingFlattenAndAddPassOnTheModeOfTheirFirstInput) {
  Network n{"passing", {8, 1, 4}, Format::kInt8, {}};
  const int a = append(n, conv("a", 4, 1, 1, Padding::kValid, Format::kInt8, Format::kTernary));
  append(n, conv("b", 4, 1, 1, Padding::kValid, Format::kInt8, Format::kInt4));
  LayerSpec sum = plain("sum", Add{}, Format::kAccumulator);
  sum.op = Add{a};
  append(n, sum);
  append(n, plain("pool", MaxPool2d{{2, 1, 2, 1}}));
  append(n, plain("average", AvgPool2d{{2, 1, 2, 1}}));
  append(n, plain("up", Upsample2d{2, 1}));
  append(n, plain("flatten", Flatten{}));
  append(n, dense("d", 1, Format::kInt2, Format::kAccumulator));
  EXPECT_EQ(op_profile(n).layers.back().operation, "smult_2_4");
}

TEST(OpProfile, DoesNotCountAnUpsampling) {
  const OpProfile p = op_profile(auto_encoder());
  EXPECT_EQ(p.layers.size(), 4u);
  EXPECT_EQ(p.layers.back().operation, "smux_8_1");
  EXPECT_EQ(p.layers.back().operations, 512 * 5 * 8);
}

TEST(OpProfile, AnActivationQuantizerOfPoolingOrAddCounts) {
  Network n{"quantizing", {8, 1, 4}, Format::kInt8, {}};
  append(n, plain("average", AvgPool2d{{2, 1, 2, 1}}, Format::kInt8));
  append(n, plain("again", GlobalAvgPool{}, Format::kBinary));
  append(n, dense("d", 1, Format::kBinary, Format::kAccumulator));
  EXPECT_EQ(op_profile(n).layers.back().operation, "sxor_1_1");
}

TEST(OpProfile, FloatWeightsAreAPlainLayerAndNotCounted) {
  Network n{"plain", {1, 1, 8}, Format::kBinary, {}};
  append(n, dense("a", 4, Format::kFloat32, Format::kFloat32));
  EXPECT_TRUE(op_profile(n).layers.empty());
  EXPECT_EQ(op_profile(n).total_bits, 0);
}

// print_qstats multiplies the weights of a depthwise kernel by its channels; kept so that its figures compare.
TEST(OpProfile, DepthwiseWeightsAreOvercountedAsInQkeras) {
  Network n{"depthwise", {10, 1, 6}, Format::kInt8, {}};
  LayerSpec layer = plain("d", DepthwiseConv2d{{3, 1, 1, 1}, Padding::kValid}, Format::kBinary);
  layer.weights = Format::kInt4;
  append(n, layer);
  const OpProfile p = op_profile(n);
  EXPECT_EQ(p.operations.at("smult_4_8"), 3 * 8 * 6);
  EXPECT_EQ(p.layers[0].weights, 3 * 6 * 6);
  EXPECT_NE(layer_table(n).find("144       18\n"), std::string::npos) << layer_table(n);
}

TEST(OpProfile, BiasesCountThirtyTwoBits) {
  Network n{"biased", {1, 1, 8}, Format::kInt8, {}};
  LayerSpec layer = dense("d", 3, Format::kBinary, Format::kAccumulator);
  layer.bias = true;
  append(n, layer);
  EXPECT_EQ(op_profile(n).total_bits, 24 + 3 * 32);
}

TEST(OpProfile, RefusesANetworkThatDoesNotClose) {
  EXPECT_THROW(op_profile(Network{}), StructureError);
}

TEST(LayerTable, ShowsShapesFormatsAndSums) {
  Network n{"tiny", {4, 1, 2}, Format::kInt8, {}};
  append(n, conv("c", 3, 2, 1, Padding::kValid, Format::kBinary, Format::kUint4));
  append(n, plain("f", Flatten{}));
  append(n, dense("d", 2, Format::kInt8, Format::kAccumulator));
  EXPECT_EQ(layer_table(n),
            "layer  op       input  output  formats                  MACs  weights\n"
            "c      conv     4x1x2  3x1x3   w binary x int8 y uint4    36       12\n"
            "f      flatten  3x1x3  1x1x9   x uint4 y uint4             0        0\n"
            "d      dense    1x1x9  1x1x2   w int8 x uint4 y int32     18       18\n"
            "total                                                     54       30\n");
}

}  // namespace
}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "core/network.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "core/error.h"
#include "core/log_variance.h"
#include "tests/core/networks.h"

namespace bitwright {
namespace {

using namespace testing;
using ::testing::HasSubstr;

std::string error_of(const Network& network) {
  try {
    infer_shapes(network);
  } catch (const StructureError& e) {
    return e.what();
  }
  return "";
}

// A network of one layer over `input`.
Network one(Shape input, Format format, LayerSpec layer) {
  Network n{"one", input, format, {}};
  append(n, std::move(layer));
  return n;
}

// Start positions of windows that fit, counted one by one.
int fitting_windows(int n, int window, int stride) {
  int count = 0;
  for (int at = 0; at + window <= n; at += stride) ++count;
  return count;
}

TEST(Shapes, ValidPaddingCountsTheWindowsThatFit) {
  for (int n = 1; n <= 12; ++n)
    for (int window = 1; window <= 6; ++window)
      for (int stride = 1; stride <= 4; ++stride)
        EXPECT_EQ(padded_outputs(n, window, stride, Padding::kValid), fitting_windows(n, window, stride));
}

// TensorFlow's 'same': windows start at stride multiples less the leading border, and every position is covered by
// one window or lies in the gap that a stride beyond the window leaves.
TEST(Shapes, SamePaddingSplitsTheBorderAsTensorFlow) {
  struct Case {
    int n, window, stride, outputs, before;
  };
  for (const Case& c : {Case{5, 3, 1, 5, 1}, Case{5, 3, 2, 3, 1}, Case{6, 3, 2, 3, 0}, Case{4, 5, 1, 4, 2},
                        Case{7, 2, 1, 7, 0}, Case{5, 1, 2, 3, 0}, Case{224, 7, 2, 112, 2}, Case{10, 4, 3, 4, 1}}) {
    EXPECT_EQ(padded_outputs(c.n, c.window, c.stride, Padding::kZero), c.outputs);
    EXPECT_EQ(padding_before(c.n, c.window, c.stride, Padding::kZero), c.before) << c.n << " " << c.window;
    EXPECT_EQ(padding_before(c.n, c.window, c.stride, Padding::kValid), 0);
  }
}

TEST(Shapes, TheBearingNetworkHasItsPublishedShapes) {
  const auto shapes = infer_shapes(bearing_network());
  EXPECT_EQ(shapes[0].output, (Shape{596, 1, 32}));
  EXPECT_EQ(shapes[1].accumulators, (Shape{596, 1, 32}));
  EXPECT_EQ(shapes[1].output, (Shape{149, 1, 32}));
  EXPECT_EQ(shapes[3].output, (Shape{1, 1, 4768}));
  EXPECT_EQ(shapes[5].output, (Shape{1, 1, 9}));
}

TEST(Shapes, TheApplianceNetworkHasItsPublishedShapes) {
  const auto shapes = infer_shapes(appliance_network());
  EXPECT_EQ(shapes[0].output, (Shape{31, 31, 32}));
  EXPECT_EQ(shapes[1].accumulators, (Shape{29, 29, 32}));
  EXPECT_EQ(shapes[1].output, (Shape{9, 9, 32}));
}

TEST(Shapes, EveryOperatorHasItsClosedForm) {
  const Shape in{10, 7, 4};
  LayerSpec conv2 = conv("c", 6, 3, 2, Padding::kZero, Format::kInt4, Format::kInt4);
  std::get<Conv2d>(conv2.op).kernel = {3, 2, 3, 2};
  EXPECT_EQ(infer_shapes(one(in, Format::kInt8, conv2))[0].output, (Shape{4, 4, 6}));
  const LayerSpec depthwise = plain("d", DepthwiseConv2d{{3, 2, 1, 1}, Padding::kValid}, Format::kInt4);
  EXPECT_EQ(infer_shapes(one(in, Format::kInt8, depthwise))[0].output, (Shape{8, 6, 4}));
  EXPECT_EQ(infer_shapes(one(in, Format::kInt8, plain("m", MaxPool2d{{2, 3, 2, 3}})))[0].output, (Shape{5, 2, 4}));
  EXPECT_EQ(infer_shapes(one(in, Format::kInt8, plain("a", AvgPool2d{{4, 4, 3, 3}})))[0].output, (Shape{3, 2, 4}));
  EXPECT_EQ(infer_shapes(one(in, Format::kInt8, plain("g", GlobalAvgPool{})))[0].output, (Shape{1, 1, 4}));
  EXPECT_EQ(infer_shapes(one(in, Format::kInt8, plain("v", GlobalLogVariance{}, Format::kInt8)))[0].output,
            (Shape{1, 1, 4}));
  EXPECT_EQ(infer_shapes(one(in, Format::kInt8, plain("f", Flatten{})))[0].output, (Shape{1, 1, 280}));
  EXPECT_EQ(infer_shapes(one(in, Format::kInt8, plain("u", Upsample2d{3, 2})))[0].output, (Shape{30, 14, 4}));
}

// What each strided convolution takes from a signal, an upsampling by its stride gives back.
TEST(Shapes, ADecoderReturnsToTheShapeOfItsInput) {
  const Network n = auto_encoder();
  const auto shapes = infer_shapes(n);
  EXPECT_EQ(shapes[1].output, (Shape{32, 1, 16}));
  EXPECT_EQ(shapes.back().output, n.input);
}

TEST(Shapes, AnUpsamplingHasNoWeightsAndNoMultiplications) {
  const Network n = one({4, 4, 8}, Format::kInt8, plain("u", Upsample2d{2, 2}));
  EXPECT_EQ(parameter_count(n), 0);
  EXPECT_EQ(macs(n), 0);
}

TEST(Shapes, MacsCountEveryProductOfAWindowThatIsMoved) {
  Network n{"counted", {9, 8, 3}, Format::kInt8, {}};
  LayerSpec c = conv("c", 5, 3, 2, Padding::kValid, Format::kInt4, Format::kInt4);
  c.pool = Window{2, 2, 2, 2};
  append(n, c);
  int64_t products = 0;
  for (int y = 0; y + 3 <= 9; ++y)
    for (int x = 0; x + 2 <= 8; ++x) products += 3 * 2 * 3 * 5;
  EXPECT_EQ(macs(n), products);
}

TEST(Shapes, ParametersAreWeightsBiasesAndFoldedPairs) {
  Network n{"counted", {9, 1, 3}, Format::kInt8, {}};
  LayerSpec c = conv("c", 5, 2, 1, Padding::kValid, Format::kInt4, Format::kInt4);
  c.bias = c.batch_norm = true;
  append(n, c);
  EXPECT_EQ(parameter_count(n), 5 * 2 * 3 + 5 + 2 * 5);
}

TEST(Structure, EveryRefusalNamesTheLayerAndTheRule) {
  const auto refuses = [](LayerSpec layer, const char* rule, Shape input = {8, 1, 2}, Format format = Format::kInt8) {
    EXPECT_THAT(error_of(one(input, format, std::move(layer))), HasSubstr(rule));
  };
  const LayerSpec c = conv("c", 4, 3, 1, Padding::kValid, Format::kInt4, Format::kInt4);
  refuses(conv("c", 4, 9, 1, Padding::kValid, Format::kInt4, Format::kInt4),
          "layer c: a window of 9x1 does not fit into its input of 8x1x2");
  refuses(conv("c", 0, 3, 1, Padding::kValid, Format::kInt4, Format::kInt4), "channels must be at least 1");
  refuses(conv("c", 4, 3, 1, Padding::kPlusOne, Format::kInt4, Format::kInt4), "needs a binary or ternary input");
  refuses(conv("c", 4, 3, 1, Padding::kValid, Format::kUint4, Format::kInt4), "weights cannot be uint4");
  refuses(conv("c", 4, 3, 1, Padding::kValid, Format::kInt4, Format::kInt32), "activations cannot be int32");
  refuses(dense("d", 4, Format::kInt4, Format::kInt4), "dense reads a flat input, not 8x1x2: add a flatten");
  refuses(dense("D", 4, Format::kInt4, Format::kInt4), "layer \"D\": a name is [a-z][a-z0-9_]*", {1, 1, 8});
  LayerSpec changed = c;
  changed.relu = true;
  refuses(changed, "relu needs float32 activations");
  changed = c;
  changed.range_log2 = 9;
  refuses(changed, "range_log2 must be in -8..8");
  changed = c;
  changed.batch_norm = true;
  changed.activations = Format::kAccumulator;
  refuses(changed, "batch_norm needs an activation format");
  changed = plain("m", MaxPool2d{{2, 1, 2, 1}});
  changed.batch_norm = true;
  refuses(changed, "max_pool takes no pool, bias, batch_norm or relu");
  refuses(plain("u", Upsample2d{0, 1}), "layer u: size must be in 1..64");
  refuses(plain("u", Upsample2d{1, 65}), "layer u: size must be in 1..64");
  refuses(plain("u", Upsample2d{64, 64}), "layer u: more than 2^24 elements", {4096, 1, 2});
  changed = plain("u", Upsample2d{2, 1});
  changed.relu = true;
  refuses(changed, "upsample takes no pool, bias, batch_norm or relu");
  const LayerSpec variance = plain("v", GlobalLogVariance{}, Format::kInt8);
  refuses(plain("v", GlobalLogVariance{}), "layer v: needs an activation format");
  refuses(variance, "layer v: 2049 positions of codes up to 32768: their product exceeds 2^26", {2049, 1, 1},
          Format::kInt16);
  Network biased = one({8, 1, 2}, Format::kInt8, dense("flat", 2, Format::kInt8, Format::kAccumulator));
  biased.layers[0].op = Conv2d{2, {1, 1}};
  biased.layers[0].bias = true;
  append(biased, variance);
  EXPECT_EQ(error_of(biased), "layer v: reads accumulators with a bias, which no variance sees: leave the bias out");
  EXPECT_NO_THROW(infer_shapes(one({2048, 1, 1}, Format::kInt16, variance)));
  refuses(c, "input format cannot be float32", {8, 1, 2}, Format::kFloat32);
  refuses(c, "input shape must be at least 1x1x1", {8, 0, 2});
}

TEST(Structure, RefusesALayerThatReadsALaterOne) {
  Network n = bearing_network();
  n.layers[1].from = 1;
  EXPECT_THAT(error_of(n), HasSubstr("layer conv2d_2: reads a layer that does not come before it"));
}

TEST(Structure, RefusesANameUsedTwice) {
  Network n = bearing_network();
  n.layers[1].name = n.layers[0].name;
  EXPECT_THAT(error_of(n), HasSubstr("the name is used twice"));
}

TEST(Structure, RefusesAccumulatorsBeyondTwoToTheThirty) {
  const auto wide = [](int inputs) {
    return one({1, 1, inputs}, Format::kInt16, dense("d", 1, Format::kInt8, Format::kAccumulator));
  };
  EXPECT_EQ(error_of(wide(256)), "");  // 256 x 128 x 32768 = 2^30
  EXPECT_THAT(error_of(wide(257)), HasSubstr("accumulators may exceed 2^30"));
}

TEST(Structure, AddNeedsEqualShapesAndKnownScales) {
  Network n{"add", {8, 1, 2}, Format::kInt8, {}};
  append(n, conv("a", 2, 1, 1, Padding::kValid, Format::kInt4, Format::kInt4));
  append(n, conv("b", 2, 1, 1, Padding::kValid, Format::kInt4, Format::kInt4));
  LayerSpec sum = plain("sum", Add{0}, Format::kInt4);
  append(n, sum);
  EXPECT_EQ(error_of(n), "");
  n.layers[0].range_log2 = 8;
  n.layers[1].range_log2 = -5;
  EXPECT_THAT(error_of(n), HasSubstr("differ by more than 2^12"));
  n.layers[1].range_log2 = 8;
  n.layers[1].activations = Format::kAccumulator;
  EXPECT_THAT(error_of(n), HasSubstr("add needs quantized activations on both sides"));
  n.layers[1] = conv("b", 3, 1, 1, Padding::kValid, Format::kInt4, Format::kInt4);
  n.layers[1].from = 0;
  EXPECT_THAT(error_of(n), HasSubstr("adds 8x1x2 to 8x1x3"));
}

// Shapes were once inferred anew through both sides of every add: 2^60 steps.
TEST(Structure, ALongChainOfResidualsIsCheckedAtOnce) {
  Network n{"residuals", {8, 1, 2}, Format::kInt8, {}};
  append(n, conv("first", 2, 1, 1, Padding::kValid, Format::kInt4, Format::kInt4));
  append(n, conv("second", 2, 1, 1, Padding::kValid, Format::kInt4, Format::kInt4));
  for (int i = 0; i < 60; ++i) append(n, plain(fmt::format("sum{}", i), Add{i}, Format::kInt4));
  EXPECT_EQ(infer_shapes(n).back().output, (Shape{8, 1, 2}));
}

// Sizes once overflowed: a network read from a file may say anything.
TEST(Structure, RefusesSizesThatOverflow) {
  const int huge = INT32_MAX;
  const auto wide = [&](int h, int w, int stride) {
    LayerSpec layer = conv("c", 1, h, w, Padding::kZero, Format::kBinary, Format::kBinary);
    std::get<Conv2d>(layer.op).kernel = {h, w, stride, stride};
    return layer;
  };
  EXPECT_NE(error_of(one({8, 8, 1}, Format::kBinary, wide(huge, huge, 1))), "");
  EXPECT_NE(error_of(one({8, 8, 1}, Format::kBinary, wide(1, 1, huge))), "");
  EXPECT_NE(error_of(one({huge, huge, huge}, Format::kBinary, wide(1, 1, 1))), "");
  EXPECT_NE(error_of(one({1, 1, 64}, Format::kBinary, dense("d", huge, Format::kBinary, Format::kBinary))), "");
  LayerSpec many = conv("c", huge, 1, 1, Padding::kValid, Format::kBinary, Format::kBinary);
  EXPECT_NE(error_of(one({2000, 2000, 1}, Format::kBinary, many)), "");
}

TEST(Accumulators, TheBoundIsReachedByExtremeCodesAndNeverExceeded) {
  for (const Format w : {Format::kBinary, Format::kTernary, Format::kInt2, Format::kInt3, Format::kInt8})
    for (const Format x : {Format::kBinary, Format::kTernary, Format::kInt2, Format::kUint3, Format::kInt16}) {
      const Network n = one({1, 1, 6}, x, dense("d", 1, w, Format::kAccumulator));
      int64_t most = 0;
      for (const int64_t weight : {min_code(w), max_code(w)})
        for (const int64_t input : {min_code(x), max_code(x)}) most = std::max(most, std::abs(6 * weight * input));
      EXPECT_EQ(accumulator_bound(n, 0), most) << format_name(w) << " " << format_name(x);
    }
}

TEST(Accumulators, TheBoundFollowsTheKernelOfEachOperator) {
  const Shape in{6, 5, 3};
  EXPECT_EQ(accumulator_bound(
                one(in, Format::kInt8, conv("c", 2, 3, 2, Padding::kZero, Format::kTernary, Format::kBinary)), 0),
            3 * 2 * 3 * 128);
  LayerSpec depthwise = plain("d", DepthwiseConv2d{{3, 2, 1, 1}, Padding::kValid}, Format::kBinary);
  depthwise.weights = Format::kBinary;
  EXPECT_EQ(accumulator_bound(one(in, Format::kInt8, depthwise), 0), 3 * 2 * 128);
  EXPECT_EQ(accumulator_bound(one(in, Format::kUint4, plain("g", GlobalAvgPool{}, Format::kBinary)), 0), 6 * 5 * 15);
  EXPECT_EQ(accumulator_bound(one(in, Format::kUint4, plain("a", AvgPool2d{{2, 2, 2, 2}}, Format::kBinary)), 0), 60);
}

// Half of the codes at either end: the variance is the square of the largest code, so the bound is reached.
TEST(Accumulators, ALogVarianceIsBoundedByThatOfCodesAtBothEnds) {
  const LayerSpec variance = plain("v", GlobalLogVariance{}, Format::kInt8);
  EXPECT_EQ(accumulator_bound(one({6, 5, 3}, Format::kInt8, variance), 0), log2_steps(std::pow(30.0 * 128.0, 2)));
  EXPECT_EQ(accumulator_bound(one({2048, 1, 1}, Format::kInt16, variance), 0), 52 * kLogSteps);
}

TEST(LogVariance, StepsAreLinearBetweenPowersOfTwoAndRoundedDown) {
  EXPECT_EQ(log2_steps(1.0), 0);
  EXPECT_EQ(log2_steps(2.0), kLogSteps);
  EXPECT_EQ(log2_steps(3.0), kLogSteps * 3 / 2);
  EXPECT_EQ(log2_steps(1.0 + 1.0 / kLogSteps), 1);
  EXPECT_EQ(log2_steps(std::nextafter(1.0 + 1.0 / kLogSteps, 0.0)), 0);
  EXPECT_EQ(log2_steps(0x1p52), 52 * kLogSteps);
  EXPECT_EQ(log2_steps(0x1p52 - 1.0), 52 * kLogSteps - 1);
  EXPECT_EQ(log2_steps(0x1p-32), -32 * kLogSteps);
  for (double v = 1.0; v < 1e15; v *= 1.37) {
    EXPECT_LE(log2_steps(v), kLogSteps * std::log2(v));
    EXPECT_GE(log2_steps(v) + 1, kLogSteps * (std::log2(v) - 0.0861));
  }
}

TEST(Accumulators, AnUpsamplingPassesOnTheBoundOfItsCodes) {
  Network n = one({8, 1, 4}, Format::kInt8, conv("c", 4, 1, 1, Padding::kValid, Format::kInt8, Format::kUint3));
  append(n, plain("u", Upsample2d{4, 1}));
  append(n, conv("d", 2, 3, 1, Padding::kZero, Format::kBinary, Format::kBinary));
  EXPECT_EQ(accumulator_bound(n, 2), 3 * 4 * 7);
}

// Codes of scale 2^-2 (int4, range 2) and 2^-6 (int8, range 2): the first are shifted left by 4.
TEST(Accumulators, AnAddAlignsTheScales) {
  Network n{"add", {8, 1, 2}, Format::kInt8, {}};
  append(n, conv("a", 2, 1, 1, Padding::kValid, Format::kInt4, Format::kInt4));
  append(n, conv("b", 2, 1, 1, Padding::kValid, Format::kInt4, Format::kInt8));
  append(n, plain("sum", Add{0}, Format::kBinary));
  EXPECT_EQ(scale_log2(n, 0), -2);
  EXPECT_EQ(scale_log2(n, 1), -6);
  EXPECT_EQ(accumulator_bound(n, 2), 128 + (8 << 4));
}

TEST(Storage, AccumulatorsTakeTheNarrowestWholeType) {
  const auto storage = [](int inputs, bool last) {
    Network n = one({1, 1, inputs}, Format::kBinary, dense("d", 4, Format::kBinary, Format::kAccumulator));
    if (!last) append(n, dense("next", 2, Format::kBinary, Format::kBinary));
    return storage_format(n, 0);
  };
  EXPECT_EQ(storage(127, false), Format::kInt8);
  EXPECT_EQ(storage(128, false), Format::kInt16);
  EXPECT_EQ(storage(32767, false), Format::kInt16);
  EXPECT_EQ(storage(32768, false), Format::kInt32);
  EXPECT_EQ(storage(127, true), Format::kInt32);
}

TEST(Storage, ABiasedAccumulatorIsInt32) {
  Network n = one({1, 1, 8}, Format::kBinary, dense("d", 4, Format::kBinary, Format::kAccumulator));
  n.layers[0].bias = true;
  append(n, dense("next", 2, Format::kBinary, Format::kBinary));
  EXPECT_EQ(storage_format(n, 0), Format::kInt32);
}

TEST(Storage, FlattenPoolingAndUpsamplingKeepTheFormatOfTheirInput) {
  Network n = one({8, 1, 4}, Format::kInt8, conv("c", 4, 1, 1, Padding::kValid, Format::kInt8, Format::kUint3));
  append(n, plain("m", MaxPool2d{{2, 1, 2, 1}}));
  append(n, plain("u", Upsample2d{3, 2}));
  append(n, plain("f", Flatten{}));
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(storage_format(n, i), Format::kUint3);
    EXPECT_EQ(scale_log2(n, i), scale_log2(n, 0));
    EXPECT_EQ(epilogue(n, i), Epilogue::kNone);
  }
  EXPECT_EQ(storage_format(n, kNetworkInput), Format::kInt8);
}

TEST(Storage, FloatWeightsOrFloatInputComputeInFloat) {
  Network n = one({1, 1, 8}, Format::kInt8, dense("a", 4, Format::kFloat32, Format::kAccumulator));
  append(n, dense("b", 4, Format::kInt8, Format::kInt4));
  append(n, dense("c", 4, Format::kInt8, Format::kInt4));
  EXPECT_TRUE(computes_in_float(n, 0));
  EXPECT_TRUE(computes_in_float(n, 1));
  EXPECT_FALSE(computes_in_float(n, 2));
  EXPECT_EQ(storage_format(n, 0), Format::kFloat32);
}

TEST(Epilogues, FollowTheOutputFormat) {
  const auto of = [](Format activations, Format weights = Format::kInt8) {
    return epilogue(one({1, 1, 8}, Format::kInt8, dense("d", 4, weights, activations)), 0);
  };
  EXPECT_EQ(of(Format::kAccumulator), Epilogue::kRaw);
  for (Format f : {Format::kBinary, Format::kTernary, Format::kInt2, Format::kInt4, Format::kUint4})
    EXPECT_EQ(of(f), Epilogue::kThreshold);
  for (Format f : {Format::kInt5, Format::kUint5, Format::kInt8, Format::kUint8, Format::kInt16})
    EXPECT_EQ(of(f), Epilogue::kRequantize);
  EXPECT_EQ(of(Format::kFloat32), Epilogue::kFloat);
  EXPECT_EQ(of(Format::kBinary, Format::kFloat32), Epilogue::kFloat);
  EXPECT_EQ(epilogue(one({8, 1, 1}, Format::kInt8, plain("f", Flatten{})), 0), Epilogue::kNone);
}

TEST(Scales, CoverTheRangeWithEveryCode) {
  for (int range = -8; range <= 8; ++range) {
    EXPECT_EQ(activation_scale(Format::kUint4, range) * 16, std::ldexp(1.0, range));
    EXPECT_EQ(activation_scale(Format::kInt4, range) * 8, std::ldexp(1.0, range));
    EXPECT_EQ(activation_scale(Format::kInt16, range) * 32768, std::ldexp(1.0, range));
    EXPECT_EQ(activation_scale(Format::kBinary, range), 1.0);
  }
}

// Every change that alters what is computed alters the text; names and meaningless fields do not.
TEST(Hash, ChangesWithEveryFieldThatHasAMeaning) {
  Network n{"hashed", {16, 1, 2}, Format::kInt8, {}};
  LayerSpec a = conv("a", 2, 3, 1, Padding::kZero, Format::kInt4, Format::kInt4);
  a.pool = Window{2, 1, 2, 1};
  a.bias = a.batch_norm = true;
  append(n, a);
  append(n, conv("b", 2, 3, 1, Padding::kZero, Format::kInt4, Format::kInt4));
  append(n, plain("sum", Add{0}, Format::kInt4));
  append(n, plain("average", AvgPool2d{{2, 1, 2, 1}}, Format::kFloat32));
  append(n, plain("up", Upsample2d{2, 3}));
  using Change = std::function<void(Network&)>;
  const std::vector<Change> changes = {
      [](Network& m) { m.input.h = 17; },
      [](Network& m) { m.input_format = Format::kUint8; },
      [](Network& m) { m.layers.pop_back(); },
      [](Network& m) { std::get<Conv2d>(m.layers[0].op).out_channels = 3; },
      [](Network& m) { std::get<Conv2d>(m.layers[0].op).kernel.h = 5; },
      [](Network& m) { std::get<Conv2d>(m.layers[0].op).kernel.w = 5; },
      [](Network& m) { std::get<Conv2d>(m.layers[0].op).kernel.stride_h = 2; },
      [](Network& m) { std::get<Conv2d>(m.layers[0].op).kernel.stride_w = 2; },
      [](Network& m) { std::get<Conv2d>(m.layers[0].op).padding = Padding::kValid; },
      [](Network& m) {
        m.layers[0].op = DepthwiseConv2d{{3, 1, 1, 1}, Padding::kZero};
      },
      [](Network& m) { m.layers[0].weights = Format::kInt5; },
      [](Network& m) { m.layers[0].bias = false; },
      [](Network& m) { m.layers[0].batch_norm = false; },
      [](Network& m) { m.layers[0].pool.reset(); },
      [](Network& m) { m.layers[0].pool->h = 3; },
      [](Network& m) { m.layers[0].pool->stride_w = 3; },
      [](Network& m) { m.layers[0].activations = Format::kUint4; },
      [](Network& m) { m.layers[0].range_log2 = 2; },
      [](Network& m) { m.layers[1].from = kNetworkInput; },
      [](Network& m) { m.layers[2].op = Add{1}; },
      [](Network& m) { m.layers[3].relu = true; },
      [](Network& m) {
        m.layers[4].op = Upsample2d{3, 2};
      },
      [](Network& m) {
        m.layers[4].op = Upsample2d{2, 2};
      },
  };
  std::vector<std::string> texts = {canonical_text(n)};
  for (const Change& change : changes) {
    Network changed = n;
    change(changed);
    texts.push_back(canonical_text(changed));
  }
  for (size_t i = 0; i < texts.size(); ++i)
    for (size_t j = 0; j < i; ++j) EXPECT_NE(texts[i], texts[j]) << i << " " << j;
}

TEST(Hash, IgnoresNamesAndFieldsWithoutMeaning) {
  Network n = bearing_network();
  const std::string hash = network_hash(n);
  n.name = "other";
  for (LayerSpec& layer : n.layers) layer.name += "_renamed";
  n.layers[0].range_log2 = 5;              // binary codes have scale 1
  n.layers[3].weights = Format::kTernary;  // flatten has none
  n.layers[3].activations = Format::kInt4;
  EXPECT_EQ(network_hash(n), hash);
  EXPECT_EQ(hash.size(), 32u);
}

}  // namespace
}  // namespace bitwright

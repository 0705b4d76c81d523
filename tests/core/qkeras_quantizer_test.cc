// SPDX-License-Identifier: Apache-2.0
#include "core/qkeras_quantizer.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "core/error.h"
#include "core/qkeras_text.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;

// --- Every vector that was computed outside this program ---

// Largest distance between what we compute and what is expected, or infinity where shapes differ.
double distance(const std::vector<float>& ours, const nlohmann::json& expected) {
  if (ours.size() != expected.size()) return INFINITY;
  double largest = 0.0;
  for (size_t i = 0; i < ours.size(); ++i)
    largest = std::max(largest, std::abs(double{ours[i]} - expected[i].get<double>()));
  return largest;
}

// Empty, or how the case differs. Numbers are equal as float32 where the tolerance is 0.
std::string difference(const nlohmann::json& c, bool kernel, const QkerasOptions& options) {
  const std::string text = c["quantizer"].get<std::string>();
  QkerasQuantizer quantizer = parse_qkeras_quantizer(text);
  if (kernel) quantizer = with_kernel_rule(quantizer);
  const std::vector<float> input = c["input"].get<std::vector<float>>();
  const Dims dims = c.value("shape", Dims{static_cast<int64_t>(input.size())});
  const QkerasResult result = quantize(quantizer, input, dims, options);
  const double tolerance = c["tolerance"].get<double>();
  const std::string name = fmt::format("{} {}", text, c.value("tensor", ""));
  if (const double d = distance(result.values, c["output"]); !(d <= tolerance))
    return fmt::format("{}: values differ by {}\n", name, d);
  if (!c.contains("scale")) return "";
  if (result.scale.shape != c["scale_shape"].get<Dims>())
    return fmt::format("{}: the scale has shape [{}]\n", name, fmt::join(result.scale.shape, ", "));
  const double d = distance(result.scale.values, c["scale"]);
  return d <= tolerance ? "" : fmt::format("{}: scales differ by {}\n", name, d);
}

// This case of the file knows no negative slope, which QKeras has as the third argument since July 2020:
// NegativeSlopeOfReluPo2 below holds it to the formula instead.
constexpr const char* kWithoutItsSlope = "quantized_relu_po2(4,4,0.5)";

TEST(QkerasVectors, AgreeAtTheirTolerance) {
  const std::string path = shared_folder_of_tests() + "/models/quantizer_vectors/quantizer_vectors.json";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "skipped: models/quantizer_vectors (set BITWRIGHT_SHARED)";
  const nlohmann::json vectors = nlohmann::json::parse(std::ifstream(path));
  int agree = 0, contradicted = 0, all = 0;
  for (const char* group : {"activation", "kernel", "kernel_legacy_until_0_9_tag"})
    for (const nlohmann::json& c : vectors.at(group)) {
      const QkerasOptions options{.legacy_auto_scale = group == std::string("kernel_legacy_until_0_9_tag")};
      const std::string found = difference(c, group != std::string("activation"), options);
      ++all;
      if (c["quantizer"] == kWithoutItsSlope && !found.empty()) {
        ++contradicted;
        continue;
      }
      EXPECT_EQ(found, "") << group;
      agree += found.empty();
    }
  fmt::print("{} of {} vectors; {} left out: {} is there without its slope\n", agree, all, contradicted,
             kWithoutItsSlope);
  EXPECT_EQ(agree + contradicted, all);
  EXPECT_LE(contradicted, 1);
  EXPECT_GE(all, 173);
}

// --- Worked by hand, in no need of files ---

struct Example {
  const char* quantizer;
  std::vector<float> input, output;
};

// Half-way cases go to the even code, saturation to the ends of the range.
const std::vector<Example> kExamples = {
    {"quantized_bits(4,0,1)", {-1, -0.0625, 0.0625, 0.1875, 0.3125, 0.93}, {-0.875, 0, 0, 0.25, 0.25, 0.875}},
    {"quantized_bits(4,0,0)", {-1.2, -0.9, 0.9}, {-1, -0.875, 0.875}},
    {"quantized_bits(8,7,alpha=1)", {-200, 0.5, 1.5, 2.5, 127.4}, {-128, 0, 2, 2, 127}},
    {"quantized_bits(2,1,1,alpha=1)", {-0.6, -0.5, 0.5, 0.51, 3}, {-1, 0, 0, 1, 1}},
    {"quantized_bits(1,0,alpha=1)", {-0.1, 0, 0.1}, {-1, 1, 1}},
    {"quantized_bits(1,0,keep_negative=False)", {0.25, 0.26, 3}, {0, 0.5, 0.5}},
    {"quantized_linear(8,3)", {0.04, 9}, {0.0625, 7.9375}},
    {"quantized_linear(1,1)", {-3, -0.1, 0.1, 3}, {-1, -1, 1, 1}},
    {"quantized_relu(4,2)", {-1, 0.125, 0.126, 0.375, 3.9}, {0, 0, 0.25, 0.5, 3.75}},
    {"quantized_relu(3,1)", {0.125, 0.3, 1.76}, {0, 0.25, 1.75}},
    {"quantized_relu(1,1)", {0.9, 3}, {1, 1}},
    {"quantized_relu(4,2,0,0.25)", {-16, -2, -1, 3.4, 9}, {-1, -0.5, 0, 3.5, 3.5}},
    {"quantized_relu(4,2,1)", {-1, 0.5, 3, 4}, {0, 0.5, 3, 3.75}},
    // p = hs(-2 / 4) 8 = 2: 2 rne(0.5) / 2 - 1 = -1, so -1/4 of 4; at 2 p = 6: 4 (2 6/8 - 1) = 2.
    {"quantized_relu(4,2,1,0.25)", {-2, 2}, {-1, 2}},
    {"quantized_relu(4,2,relu_upper_bound=2,is_quantized_clip=False)", {1.5, 3}, {1.5, 2}},
    {"ternary(alpha=1)", {-0.33, -0.32, 0.33}, {-1, 0, 1}},
    {"quantized_tanh(4)", {-1, 0.0625, 0.1875, 2}, {-1, 0, 0.25, 0.875}},
    {"quantized_sigmoid(4)", {-1, 0, 0.125, 2}, {0, 0.5, 0.5625, 0.9375}},
    {"quantized_ulaw(4,0,1)", {0.13, 0.5, -0.5}, {0.752101, 0.875, -0.875}},
    {"quantized_po2(4)", {0, 0.35, 0.36, -0.7, 3, 20}, {0.0625, 0.25, 0.5, -0.5, 4, 8}},
    {"quantized_po2(4,1)", {0.0001, 0.72, 9}, {0x1p-8, 1, 1}},
    {"quantized_po2(4,log2_rounding='floor')", {0.7, 3.9}, {0.5, 2}},
    {"quantized_relu_po2(4,4)", {-3, 2.7, 2.9, 9}, {0x1p-8, 2, 4, 4}},
    {"quantized_relu_po2(4,4,0.5)", {-6, -1}, {-4, -0.5}},
    // h(-1) = -1/3, h(1) = 2/3, h(6) = 6: steps of 1/8.
    {"quantized_hswish(4)", {-4, -1, 1, 6}, {0, -0.375, 0.625, 0.875}},
    {"hard_tanh", {-3, -0.25, 0.5, 2}, {-1, -0.25, 0.5, 1}},
    {"hard_sigmoid", {-3, 0.5, 2}, {0, 0.75, 1}},
    {"binary_tanh", {-0.1, 0, 0.1}, {-1, -1, 1}},
    {"binary_sigmoid", {-0.1, 0, 0.1}, {0, 0, 1}},
    {"smooth_sigmoid", {-3, 1, 3}, {0, 0.6875, 1}},
    {"smooth_tanh", {-3, 1, 3}, {-1, 0.375, 1}},
};

std::vector<float> quantized(const std::string& text, const std::vector<float>& x) {
  return quantize(parse_qkeras_quantizer(text), x, {static_cast<int64_t>(x.size())}).values;
}

TEST(QkerasQuantizer, GivesTheValuesWorkedByHand) {
  for (const Example& e : kExamples)
    EXPECT_THAT(quantized(e.quantizer, e.input), Pointwise(FloatNear(1e-6f), e.output)) << e.quantizer;
}

// -2^e of |x| / 2, e = rne(log2 min(|x| / 2, 4)) in [-8, 7], over four decades; above 0 as without a slope.
TEST(QkerasQuantizer, NegativeSlopeOfReluPo2) {
  std::vector<float> x, expected;
  for (float v = 1e-3f; v < 20.0f; v *= 1.3f) {
    x.push_back(-v);
    const double e = std::clamp(std::nearbyint(std::log2(std::min(double{v} / 2.0, 4.0))), -8.0, 7.0);
    expected.push_back(static_cast<float>(-std::exp2(e)));
  }
  EXPECT_EQ(quantized(kWithoutItsSlope, x), expected);
  EXPECT_EQ(quantized(kWithoutItsSlope, {0, 0.3f, 2.9f, 9}), quantized("quantized_relu_po2(4,4)", {0, 0.3f, 2.9f, 9}));
}

// Four inputs, two channels.
const std::vector<float> kKernel = {0.9f, -0.2f, -0.4f, 0.1f, 0.05f, -0.35f, -0.7f, 0.15f};

struct KernelExample {
  const char* quantizer;
  std::vector<float> scale, output;
  bool legacy = false;
};

TEST(QkerasQuantizer, GivesTheAutomaticScalesWorkedByHand) {
  const float third = 2.0f / 3.0f, seventh = 0.2333333f;
  const std::vector<KernelExample> examples = {
      {"quantized_bits(4,0,alpha='auto')",
       {1.0285714f, 0.4f},
       {0.9f, -0.2f, -0.3857143f, 0.1f, 0, -0.35f, -0.6428571f, 0.15f}},
      {"quantized_bits(4,0,alpha='auto_po2')",
       {1, 0.5f},
       {0.875f, -0.1875f, -0.375f, 0.125f, 0, -0.375f, -0.75f, 0.125f}},
      {"quantized_bits(4,0,alpha='auto_po2')",
       {1, 0.25f},
       {0.875f, -0.1875f, -0.375f, 0.09375f, 0, -0.21875f, -0.75f, 0.15625f},
       true},
      {"binary(alpha='auto')", {0.5125f, 0.2f}, {0.5125f, -0.2f, -0.5125f, 0.2f, 0.5125f, -0.2f, -0.5125f, 0.2f}},
      {"binary(alpha='auto_po2')", {0.5f, 0.25f}, {0.5f, -0.25f, -0.5f, 0.25f, 0.5f, -0.25f, -0.5f, 0.25f}},
      {"ternary(alpha='auto')", {third, seventh}, {third, -seventh, -third, 0, 0, -seventh, -third, seventh}},
      {"ternary(alpha='auto_po2')", {0.5f, 0.25f}, {0.5f, -0.25f, -0.5f, 0, 0, -0.25f, -0.5f, 0.25f}},
      {"quantized_linear(4,0,alpha='auto')",
       {0.1285714f, 0.05f},
       {0.9f, -0.2f, -0.3857143f, 0.1f, 0, -0.35f, -0.6428571f, 0.15f}},
  };
  for (const KernelExample& e : examples) {
    const QkerasResult result =
        quantize(parse_qkeras_quantizer(e.quantizer), kKernel, {4, 2}, {.legacy_auto_scale = e.legacy});
    EXPECT_THAT(result.values, Pointwise(FloatNear(2e-6f), e.output)) << e.quantizer;
    EXPECT_THAT(result.scale.values, Pointwise(FloatNear(2e-6f), e.scale)) << e.quantizer;
    EXPECT_THAT(result.scale.shape, ElementsAre(1, 2)) << e.quantizer;
  }
}

// The case that QKeras's own tests hold.
TEST(QkerasQuantizer, AgreesWithTheTestOfQkerasOnPowersOfTwo) {
  const std::vector<float> x = {.23f, 2.76f, .1f, .33f, .53f, .16f, .3f, 1.43f};
  const QkerasResult result = quantize(parse_qkeras_quantizer("quantized_bits(4,2,alpha='auto_po2')"), x, {2, 4});
  EXPECT_THAT(result.values, ElementsAre(.25f, 3.f, .09375f, .25f, .4375f, 0.f, .21875f, 1.5f));
  EXPECT_THAT(result.scale.values, ElementsAre(.125f, 1.f, .0625f, .5f));
}

TEST(QkerasQuantizer, ScalesTheAxesThatItIsTold) {
  const QkerasQuantizer rows = parse_qkeras_quantizer("binary(alpha='auto',scale_axis=0)");
  const QkerasResult result = quantize(rows, kKernel, {4, 2});
  EXPECT_THAT(result.scale.shape, ElementsAre(4, 1));
  EXPECT_THAT(result.scale.values, Pointwise(FloatNear(1e-6f), {0.55f, 0.25f, 0.2f, 0.425f}));
  EXPECT_FLOAT_EQ(result.values[1], -result.scale.values[0]);
}

TEST(QkerasQuantizer, BroadcastsAnArrayOfAlpha) {
  const QkerasQuantizer quantizer = parse_qkeras_quantizer("binary(alpha=[[0.5, 2]])");
  EXPECT_THAT(quantize(quantizer, kKernel, {4, 2}).values, ElementsAre(.5f, -2, -.5f, 2, .5f, -2, -.5f, 2));
  EXPECT_EQ(error_of<ConfigError>([&] {
              quantize(quantizer, kKernel, {2, 4});
            }),
            "binary: alpha of shape [1, 2]: does not broadcast to [2, 4]");
}

TEST(QkerasQuantizer, TakesThePostTrainingScaleInPlaceOfTheTensors) {
  const QkerasQuantizer quantizer =
      parse_qkeras_quantizer("quantized_bits(4,0,alpha='auto_po2',post_training_scale=[[2, 0.25]])");
  const QkerasResult result = quantize(quantizer, kKernel, {4, 2});
  EXPECT_THAT(result.scale.values, ElementsAre(2, 0.25f));
  EXPECT_THAT(result.values, ElementsAre(1, -.1875f, -.5f, .09375f, 0, -.21875f, -.75f, .15625f));
}

TEST(QkerasQuantizer, BoundsPowersOfTwoByTheirExponents) {
  const QkerasQuantizer quantizer =
      parse_qkeras_quantizer("binary(alpha='auto_po2',min_po2_exponent=-1,max_po2_exponent=0)");
  EXPECT_THAT(quantize(quantizer, kKernel, {4, 2}).scale.values, ElementsAre(0.5f, 0.5f));
}

// A dead channel must not turn into NaN.
TEST(QkerasQuantizer, LeavesAChannelOfZerosFinite) {
  const std::vector<float> zeros(6, 0.0f);
  for (const char* text : {"quantized_bits(4,0,alpha='auto')", "quantized_bits(4,0,alpha='auto_po2')",
                           "quantized_linear(4,0,alpha='auto_po2')", "binary(alpha='auto')", "ternary(alpha='auto')",
                           "ternary(alpha='auto_po2')"})
    for (float value : quantize(parse_qkeras_quantizer(text), zeros, {3, 2}).values)
      EXPECT_NEAR(value, 0.0f, 1e-6f) << text;
}

TEST(QkerasQuantizer, KernelRuleReplacesANullAlphaAlone) {
  EXPECT_EQ(with_kernel_rule(parse_qkeras_quantizer("quantized_bits(4)")),
            parse_qkeras_quantizer("quantized_bits(4,0,1,alpha='auto_po2')"));
  EXPECT_EQ(with_kernel_rule(parse_qkeras_quantizer("bernoulli")), parse_qkeras_quantizer("bernoulli('auto_po2')"));
  for (const char* text : {"quantized_bits(4,alpha=1)", "ternary(alpha='auto')", "quantized_po2(4)"})
    EXPECT_EQ(with_kernel_rule(parse_qkeras_quantizer(text)), parse_qkeras_quantizer(text));
}

TEST(QkerasQuantizer, RefusesWhatHasNoFixedOutput) {
  const std::vector<float> x = {1.0f};
  EXPECT_EQ(error_of<ConfigError>([&] { quantize(Bernoulli{}, x, {1}); }),
            "bernoulli: random also at inference, so it has no fixed output");
  EXPECT_EQ(error_of<ConfigError>([&] { quantize(with_kernel_rule(QuantizedBits{.bits = 1}), x, {1}); }),
            "quantized_bits: bits = 1: at least 2 with an automatic alpha, whose scale has no level");
  EXPECT_EQ(error_of<ConfigError>([&] { quantize(with_kernel_rule(Ternary{.threshold = 0.5f}), x, {1}); }),
            "ternary: threshold = 0.5: null with an automatic alpha");
  EXPECT_EQ(error_of<ConfigError>([&] {
              quantize(QuantizedBits{.alpha = {AlphaRule::kAuto, {}}, .scale_axis = {2}}, kKernel, {4, 2});
            }),
            "quantized_bits: scale_axis = 2: the tensor has 2 axes");
}

// --- Gradients ---

struct Surrogate {
  const char* quantizer;
  std::function<double(double)> function;
  std::vector<double> points;  // away from its kinks
};

double clip(double x, double low, double high) {
  return std::clamp(x, low, high);
}
double identity(double x) {
  return x;
}
double zero(double) {
  return 0.0;
}
double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}
double hswish(double x) {
  return x * clip(x + 3.0, 0.0, 6.0) / 6.0;
}
// mi law(x / mi), of which the quantizer's v is a rounded point.
double mu_law(double x) {
  return std::copysign(2.0 * std::log1p(255.0 * std::abs(x / 2.0)) / std::log1p(255.0), x);
}

const std::vector<double> kPoints = {-9.3, -3.2, -1.7, -1.03, -0.62, -0.11, 0.07, 0.45, 0.81, 1.3, 2.6, 3.4, 4.2, 8.8};

const std::vector<Surrogate> kSurrogates = {
    {"quantized_bits(4,0,1)", identity, kPoints},
    {"quantized_bits(4,0,alpha='auto')", identity, kPoints},
    {"quantized_bits(4,qnoise_factor=0.25)", identity, kPoints},
    {"quantized_bits(4,qnoise_factor=0.25,use_ste=False)", [](double x) { return 0.75 * x; }, kPoints},
    {"quantized_linear(4,1)", [](double x) { return clip(x, -1.75, 1.75); }, kPoints},
    {"quantized_linear(4,1,0,alpha=2)", [](double x) { return clip(x, -4, 3.5); }, kPoints},
    {"quantized_linear(4,1,keep_negative=False)", [](double x) { return clip(x, 0, 1.875); }, kPoints},
    {"quantized_linear(1,1)", [](double x) { return clip(x, -1, 1); }, kPoints},
    {"quantized_linear(4,1,qnoise_factor=0.25)", [](double x) { return 0.75 * x + 0.25 * clip(x, -1.75, 1.75); },
     kPoints},
    {"quantized_relu(4,2)", [](double x) { return clip(x, 0, 3.75); }, kPoints},
    {"quantized_relu(4,1,0,0.25)", [](double x) { return x > 0 ? std::min(x, 1.75) : 0.25 * x; }, kPoints},
    {"quantized_relu(4,2,1)", [](double x) { return clip(x, 0, 3.75); }, kPoints},
    {"quantized_relu(4,2,relu_upper_bound=2.5,is_quantized_clip=False)", [](double x) { return clip(x, 0, 2.5); },
     kPoints},
    {"quantized_relu(4,2,is_quantized_clip=False)", [](double x) { return std::max(x, 0.0); }, kPoints},
    {"quantized_relu(4,2,qnoise_factor=0.5,use_ste=False)", [](double x) { return 0.5 * clip(x, 0, 3.75); }, kPoints},
    {"binary", [](double x) { return std::tanh(x); }, kPoints},
    {"binary(alpha=1)", identity, kPoints},
    {"binary(alpha='auto')", identity, kPoints},
    {"stochastic_binary", identity, kPoints},
    {"bernoulli", identity, kPoints},
    {"ternary", [](double x) { return std::tanh(x); }, kPoints},
    {"ternary(alpha=1)", identity, kPoints},
    {"stochastic_ternary(alpha='auto')", identity, kPoints},
    // The outer clip closes where the rounded value passes 1 - 1/8, that is from 15/16 on.
    {"quantized_tanh(4)", [](double x) { return clip(x, -1, 0.9375); }, kPoints},
    {"quantized_tanh(4,symmetric=True)", [](double x) { return clip(x, -0.9375, 0.9375); }, kPoints},
    {"quantized_tanh(4,use_real_tanh=True)", [](double x) { return std::tanh(x); }, {-1.7, -1, -.1, .5, 1, 1.6}},
    {"quantized_tanh(4,use_real_tanh=True)", zero, {1.8, 3.0, 9.0}},  // tanh(1.8) = 0.947
    {"quantized_sigmoid(4)", [](double x) { return 0.5 * clip(x, -1, 0.9375); }, kPoints},
    {"quantized_sigmoid(4,use_real_sigmoid=True)", sigmoid, {-5.0, -1.3, 0.4, 2.2, 3.4}},
    {"quantized_sigmoid(4,use_real_sigmoid=True)", zero, {3.5, 7.0}},  // sigmoid(3.5) = 0.971
    {"quantized_ulaw(4,1)", mu_law, {-1.5, -1.0, -0.5, 0.5}},  // points of its grid, where rounding moves nothing
    {"quantized_ulaw(4,1)", zero, {-2.5, 1.0, 2.5, 7.0}},      // law(0.5) = 0.8756 is past 7/8
    {"quantized_po2(4)", identity, kPoints},
    {"quantized_po2(4,qnoise_factor=0.5,use_ste=False)", [](double x) { return 0.5 * x; }, kPoints},
    {"quantized_relu_po2(4,4)", [](double x) { return clip(x, 0, 4); }, kPoints},
    {"quantized_relu_po2(4,4,0.5)", [](double x) { return x > 0 ? std::min(x, 4.0) : 0.5 * x; }, kPoints},
    {"quantized_relu_po2(4)", [](double x) { return std::max(x, 0.0); }, kPoints},
    {"quantized_hswish(4)", hswish, kPoints},
    {"hard_tanh", [](double x) { return clip(x, -1, 1); }, kPoints},
    {"hard_sigmoid", [](double x) { return clip(0.5 * x + 0.5, 0, 1); }, kPoints},
    {"binary_tanh", [](double x) { return clip(x, -1, 1); }, kPoints},
    {"binary_sigmoid", [](double x) { return clip(0.5 * x + 0.5, 0, 1); }, kPoints},
    {"smooth_sigmoid", [](double x) { return clip(0.1875 * x + 0.5, 0, 1); }, kPoints},
    {"smooth_tanh", [](double x) { return 2.0 * clip(0.1875 * x + 0.5, 0, 1) - 1.0; }, kPoints},
};

TEST(QkerasGradient, IsTheSlopeOfTheSurrogate) {
  constexpr double h = 1e-4;
  for (const Surrogate& s : kSurrogates) {
    const std::vector<float> x(s.points.begin(), s.points.end());
    const std::vector<float> gradient =
        surrogate_gradient(parse_qkeras_quantizer(s.quantizer), x, {static_cast<int64_t>(x.size())});
    for (size_t i = 0; i < x.size(); ++i) {
      const double slope = (s.function(double{x[i]} + h) - s.function(double{x[i]} - h)) / (2.0 * h);
      EXPECT_NEAR(gradient[i], slope, 1e-5 + 1e-4 * std::abs(slope)) << s.quantizer << " at " << x[i];
    }
  }
}

TEST(QkerasGradient, EveryClassHasASurrogate) {
  std::set<size_t> alternatives;
  for (const Surrogate& s : kSurrogates) alternatives.insert(parse_qkeras_quantizer(s.quantizer).index());
  EXPECT_EQ(alternatives.size(), std::variant_size_v<QkerasQuantizer>);
}

// The clip is that of the scale in use: 7 codes of 1/16, or by channel of 1/8 and 1/16.
TEST(QkerasGradient, OfAutomaticLinearTakesTheScaleOfTheTensor) {
  const QkerasQuantizer fixed = parse_qkeras_quantizer("quantized_linear(4,-1)");
  EXPECT_THAT(surrogate_gradient(fixed, kKernel, {4, 2}), ElementsAre(0, 1, 1, 1, 1, 1, 0, 1));
  const QkerasQuantizer automatic = parse_qkeras_quantizer("quantized_linear(4,-1,alpha='auto_po2')");
  EXPECT_THAT(surrogate_gradient(automatic, kKernel, {4, 2}), ElementsAre(0, 1, 1, 1, 1, 1, 1, 1));
}

TEST(QkerasGradient, OfMuLawIsZeroAtZero) {
  EXPECT_THAT(surrogate_gradient(QuantizedUlaw{}, std::vector<float>{0.0f}, {1}), ElementsAre(0.0f));
}

// --- Training ---

TEST(QkerasTraining, NoiseFactorBlendsSurrogateAndQuantized) {
  // 0.93: q = 0.875; 9: clipped relu 3.75, q = 3.75; -3: q = 0 and the surrogate 0.
  EXPECT_THAT(quantized("quantized_bits(4,0,1,qnoise_factor=0.5)", {0.93f}), ElementsAre(FloatNear(0.9025f, 1e-6f)));
  EXPECT_THAT(quantized("quantized_bits(4,0,1,qnoise_factor=0.5,use_ste=False)", {0.93f}),
              ElementsAre(FloatNear(0.9025f, 1e-6f)));
  EXPECT_THAT(quantized("quantized_relu(4,2,qnoise_factor=0)", {-3, 0.3f, 9}), ElementsAre(0, 0.3f, 3.75f));
  EXPECT_THAT(quantized("quantized_linear(8,3,qnoise_factor=0.5)", {9}), ElementsAre(FloatNear(8.46875f, 1e-6f)));
  EXPECT_THAT(quantized("quantized_po2(4,qnoise_factor=0.5)", {3}), ElementsAre(3.5f));
  EXPECT_THAT(quantized("quantized_relu_po2(4,4,qnoise_factor=0.5)", {3, 9}), ElementsAre(3.5f, 4));
}

TEST(QkerasTraining, IsInferenceForWhatHasNoChance) {
  Rng rng(3);
  for (const char* text : {"quantized_bits(4)", "quantized_relu(4,2)", "binary", "ternary(alpha='auto')"}) {
    const QkerasQuantizer quantizer = parse_qkeras_quantizer(text);
    EXPECT_EQ(quantize_training(quantizer, kKernel, {4, 2}, rng).values, quantize(quantizer, kKernel, {4, 2}).values);
  }
  EXPECT_EQ(rng.next(), Rng(3).next());
}

struct Moments {
  double mean = 0.0, error = 0.0;  // error: standard error of the mean
  std::set<float> values;
};

// Of n draws of one element, `x` repeated over a tensor of one axis.
Moments draw(const std::string& text, float x, uint64_t seed) {
  constexpr int n = 40000;
  Rng rng(seed);
  const std::vector<float> input(n, x);
  const std::vector<float> y = quantize_training(parse_qkeras_quantizer(text), input, {n}, rng).values;
  Moments m{0.0, 0.0, {y.begin(), y.end()}};
  for (float v : y) m.mean += v / double{n};
  double variance = 0.0;
  for (float v : y) variance += (v - m.mean) * (v - m.mean) / double{n};
  m.error = std::sqrt(variance / n);
  return m;
}

// Stochastic rounding takes the two neighbours on its grid, whose step is r's precision in codes (half a code for relu,
// tanh and sigmoid), and keeps the mean of what it rounds.
TEST(QkerasTraining, StochasticRoundingKeepsTheMean) {
  struct Case {
    const char* text;
    float x, low, high;
    double mean;
  };
  const std::vector<Case> cases = {
      {"quantized_bits(4,0,1,use_stochastic_rounding=True)", 0.3f, 0.25f, 0.375f, 0.3},
      {"quantized_bits(4,0,1,use_stochastic_rounding=True)", -0.72f, -0.75f, -0.625f, -0.72},
      {"quantized_linear(4,0,use_stochastic_rounding=True)", 0.3f, 0.25f, 0.375f, 0.3},
      {"quantized_relu(4,2,use_stochastic_rounding=True)", 0.3f, 0.25f, 0.375f, 0.3},
      {"quantized_relu(4,0,0,0.25,use_stochastic_rounding=True)", -0.4f, -0.125f, -0.0625f, -0.1},
      {"quantized_tanh(4,use_stochastic_rounding=True)", 0.3f, 0.25f, 0.3125f, 0.3},
      {"quantized_sigmoid(4,use_stochastic_rounding=True)", 0.3f, 0.625f, 0.65625f, 0.65},
      {"quantized_po2(4,use_stochastic_rounding=True)", 2.7f, 2, 4, 2.7},
      {"quantized_po2(4,use_stochastic_rounding=True)", -0.3f, -0.5f, -0.25f, -0.3},
      {"quantized_relu_po2(4,use_stochastic_rounding=True)", 5.5f, 4, 8, 5.5},
  };
  uint64_t seed = 100;
  for (const Case& c : cases) {
    const Moments m = draw(c.text, c.x, ++seed);
    EXPECT_NEAR(m.mean, c.mean, 4.5 * m.error) << c.text;
    EXPECT_THAT(m.values, ElementsAre(c.low, c.high)) << c.text;
  }
}

TEST(QkerasTraining, SamplesHaveTheMeanOfTheirProbability) {
  const double p = 1.0 / (1.0 + std::exp(-6.0 * 0.2));
  const Moments sign = draw("stochastic_binary", 0.2f, 7);
  EXPECT_NEAR(sign.mean, 2.0 * p - 1.0, 4.5 * sign.error);
  EXPECT_THAT(sign.values, ElementsAre(-1.0f, 1.0f));
  const Moments bit = draw("bernoulli(alpha=2)", 0.2f, 8);
  EXPECT_NEAR(bit.mean, 2.0 * p, 4.5 * bit.error);
  EXPECT_THAT(bit.values, ElementsAre(0.0f, 2.0f));
  const Moments hard = draw("bernoulli(temperature=2,use_real_sigmoid=False)", 0.2f, 9);
  EXPECT_NEAR(hard.mean, 0.5 * 0.4 + 0.5, 4.5 * hard.error);
}

// Two channels of +-a: standard deviation a, scale a, the mean of a code at +a is 2 sigmoid(6) - 1.
TEST(QkerasTraining, SamplesAreNormalisedPerChannel) {
  constexpr int rows = 20000;
  std::vector<float> x;
  for (int i = 0; i < rows; ++i)
    for (float a : {0.25f, 3.0f}) x.push_back(i % 2 ? -a : a);
  Rng rng(21);
  const QkerasResult result =
      quantize_training(parse_qkeras_quantizer("stochastic_binary('auto',0.5)"), x, {rows, 2}, rng);
  EXPECT_THAT(result.scale.values, ElementsAre(FloatNear(0.25f, 1e-6f), FloatNear(3.0f, 1e-5f)));
  for (size_t c = 0; c < 2; ++c) {
    double mean = 0.0;
    for (size_t i = c; i < x.size(); i += 4) mean += result.values[i] / result.scale.values[c] / (rows / 2.0);
    EXPECT_NEAR(mean, 2.0 * sigmoid(0.5) - 1.0, 4.5 / std::sqrt(rows / 2.0));
  }
}

// One channel +-1, 0: by hand s = 2/3, then the mean of |x| above 1/3, which is 1. d = sqrt(2/3).
TEST(QkerasTraining, StochasticTernarySumsTwoSigns) {
  constexpr int n = 30000;
  std::vector<float> x;
  for (int i = 0; i < n; ++i) x.push_back(static_cast<float>(i % 3 - 1));
  Rng rng(22);
  const QkerasResult result =
      quantize_training(parse_qkeras_quantizer("stochastic_ternary('auto',temperature=1)"), x, {n, 1}, rng);
  EXPECT_THAT(result.scale.values, ElementsAre(FloatNear(1.0f, 1e-5f)));
  const double d = std::sqrt(2.0 / 3.0);
  const auto mean_sign = [&](double v) { return 2.0 * sigmoid(v) - 1.0; };
  for (int value : {-1, 0, 1}) {
    double mean = 0.0;
    for (int i = value + 1; i < n; i += 3) mean += result.values[static_cast<size_t>(i)] / (n / 3.0);
    EXPECT_NEAR(mean, 0.5 * (mean_sign((value - 0.5) / d) + mean_sign((value + 0.5) / d)), 4.5 / std::sqrt(n / 3.0));
  }
  EXPECT_EQ(error_of<ConfigError>([&] {
              quantize_training(StochasticTernary{}, x, {n, 1}, rng);
            }),
            "stochastic_ternary: alpha: 'auto' or 'auto_po2' in training");
}

// max|x| = 1, so f = 2: 0.1 lies 0.4 of the way from 0 to 0.25. 0 then draws its sign: mean 0.4 + 0.6 * 0.
TEST(QkerasTraining, StochasticBinaryRoundingMovesSmallWeights) {
  constexpr int n = 40000;
  std::vector<float> x(n, 0.1f);
  x[0] = 1.0f;
  Rng rng(23);
  const std::vector<float> y =
      quantize_training(parse_qkeras_quantizer("binary(alpha=1,use_stochastic_rounding=True)"), x, {n, 1}, rng).values;
  EXPECT_EQ(y[0], 1.0f);
  EXPECT_NEAR(std::accumulate(y.begin(), y.end(), 0.0) / n, 0.4, 4.5 / std::sqrt(double{n}));
}

// One channel of 0.2 and 1: s settles at 1 without chance (0.2 rounds to 0); rounding thirds lifts some 0.2 to 1/3 s,
// still below s / 2, so codes stay 0 and 1 and the scale 1.
TEST(QkerasTraining, StochasticTernaryRoundingTakesThirds) {
  std::vector<float> x;
  for (int i = 0; i < 2000; ++i) x.push_back(i % 2 ? 0.2f : 1.0f);
  const QkerasQuantizer quantizer = parse_qkeras_quantizer("ternary(alpha='auto',use_stochastic_rounding=True)");
  Rng rng(24);
  const QkerasResult result = quantize_training(quantizer, x, {2000, 1}, rng);
  EXPECT_EQ(result.values, quantize(quantizer, x, {2000, 1}).values);
  // Some of 0.4 reach 2/3 s and become 1: the scale is the mean of all that did.
  for (size_t i = 1; i < x.size(); i += 2) x[i] = 0.4f;
  const QkerasResult moved = quantize_training(quantizer, x, {2000, 1}, rng);
  const auto lifted = std::count_if(moved.values.begin(), moved.values.end(), [](float v) { return v != 0.0f; }) - 1000;
  const double expected = (1000.0 + 0.4 * static_cast<double>(lifted)) / (1000.0 + static_cast<double>(lifted));
  EXPECT_GT(lifted, 50);
  EXPECT_NEAR(moved.scale.values[0], expected, 1e-5);
}

}  // namespace
}  // namespace bitwright

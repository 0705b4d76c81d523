// SPDX-License-Identifier: Apache-2.0
#include "trainer/post_training.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/quantize.h"
#include "core/rng.h"
#include "deploy/reference.h"
#include "tests/core/networks.h"
#include "tests/support/random_network.h"
#include "trainer/equalization.h"
#include "trainer/export.h"
#include "trainer/real_layer.h"

namespace bitwright {
namespace {

using testing::appliance_network;
using testing::bearing_network;
using ::testing::DoubleNear;
using ::testing::Pointwise;

// ---- networks, parameters, data

LayerSpec float_layer(const char* name, Op op, bool relu) {
  return {
      .name = name, .op = std::move(op), .weights = Format::kFloat32, .activations = Format::kFloat32, .relu = relu};
}

LayerSpec with_norm(LayerSpec layer) {
  layer.batch_norm = true;
  return layer;
}

LayerSpec with_bias(LayerSpec layer) {
  layer.bias = true;
  return layer;
}

LayerSpec output_layer(int units) {
  LayerSpec layer = with_bias(float_layer("out", Dense{units}, false));
  layer.activations = Format::kAccumulator;
  return layer;
}

// Every operator that a chain can have; odd sizes, borders, strides, both kinds of offset and none.
Network chain_network() {
  Network n{"chain", {13, 11, 2}, Format::kInt8, {}};
  LayerSpec first = with_norm(float_layer("conv1", Conv2d{8, {3, 3, 1, 1}, Padding::kZero}, true));
  first.pool = Window{2, 2, 2, 2};
  append(n, first);
  append(n, with_norm(float_layer("depthwise", DepthwiseConv2d{{3, 3, 1, 1}, Padding::kZero}, true)));
  append(n, with_bias(float_layer("conv2", Conv2d{12, {3, 2, 2, 1}}, true)));
  append(n, {.name = "pool", .op = MaxPool2d{{1, 2, 1, 1}}});
  append(n, float_layer("average", AvgPool2d{{2, 1, 1, 1}}, false));
  append(n, {.name = "flat", .op = Flatten{}});
  append(n, float_layer("hidden", Dense{10}, true));
  append(n, output_layer(4));
  return n;
}

// Two paths and their sum; a linear layer with batch norm before it.
Network residual_network() {
  Network n{"residual", {24, 1, 1}, Format::kInt8, {}};
  const int stem = append(n, with_norm(float_layer("stem", Conv2d{6, {5, 1, 2, 1}, Padding::kZero}, true)));
  append(n, with_norm(float_layer("branch", Conv2d{6, {3, 1, 1, 1}, Padding::kZero}, false)));
  append(n, float_layer("sum", Add{stem}, true));
  append(n, float_layer("mean", GlobalAvgPool{}, false));
  append(n, output_layer(3));
  return n;
}

// Pixels repeated, and the power of each channel.
Network power_network() {
  Network n{"power", {9, 4, 2}, Format::kInt8, {}};
  append(n, with_norm(float_layer("conv", Conv2d{5, {3, 3, 1, 1}, Padding::kZero}, true)));
  append(n, {.name = "up", .op = Upsample2d{2, 3}});
  append(n, with_bias(float_layer("filters", Conv2d{6, {5, 2, 2, 1}}, false)));
  append(n, with_norm(float_layer("power", GlobalLogVariance{}, false)));
  append(n, output_layer(3));
  return n;
}

// About unit variance everywhere; the sizes of channels differ by a factor of about ten.
Parameters trained_like(const Network& network, uint64_t seed) {
  Rng rng(seed);
  Parameters out;
  const auto shapes = infer_shapes(network);
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const LayerSpec& layer = network.layers[i];
    const int64_t channels = shapes[i].output.c, count = weight_count(layer, shapes[i]), row = count / channels;
    LayerParameters p;
    for (int64_t c = 0; c < channels && count > 0; ++c) {
      const double size = std::exp(rng.uniform(-1.2, 1.2)) / std::sqrt(static_cast<double>(row));
      for (int64_t k = 0; k < row; ++k) p.weights.push_back(static_cast<float>(size * rng.normal()));
    }
    for (int64_t c = 0; c < channels && layer.bias; ++c) p.bias.push_back(static_cast<float>(0.3 * rng.normal()));
    for (int64_t c = 0; c < channels && layer.batch_norm; ++c) {
      p.gamma.push_back(static_cast<float>(std::exp(rng.uniform(-1.2, 1.2)) * (rng.below(4) == 0 ? -1.0 : 1.0)));
      p.beta.push_back(static_cast<float>(0.3 * rng.normal()));
      p.running_mean.push_back(static_cast<float>(0.2 * rng.normal()));
      p.running_var.push_back(static_cast<float>(rng.uniform(0.5, 2.0)));
    }
    out.layers.push_back(p);
  }
  return out;
}

Dataset random_data(const Network& network, int count, uint64_t seed) {
  Rng rng(seed);
  Dataset data;
  data.front_end.output = network.input;
  data.front_end.format = network.input_format;
  data.front_end.input_scale = 1.0 / 40;
  data.classes = {"a", "b"};
  for (int64_t i = 0; i < count * network.input.elements(); ++i)
    data.codes.push_back(static_cast<int16_t>(std::clamp(40.0 * rng.normal(), -127.0, 127.0)));
  data.labels.assign(count, 0);
  data.groups.assign(count, 0);
  return data;
}

// ---- what the definition of inference says

// Outputs in real units, example by example.
std::vector<double> reference_outputs(const Network& network, const Parameters& parameters, const Dataset& data) {
  const QuantizedModel model = export_quantized(network, parameters, data.front_end.input_scale);
  std::vector<double> out;
  for (int64_t i = 0; i < data.size(); ++i) {
    const Tensor tensor = reference_infer(model, data.example(i));
    for (float real : tensor.reals) out.push_back(real);
    for (int32_t code : tensor.codes) out.push_back(code * model.layers.back().output_scale);
  }
  return out;
}

// What layer `index` gives before relu or quantizer: the network up to there, with a float32 output.
std::vector<double> reference_pre_activations(Network network, Parameters parameters, int index, const Dataset& data) {
  network.layers.resize(index + 1);
  parameters.layers.resize(index + 1);
  network.layers[index].activations = Format::kFloat32;
  network.layers[index].relu = false;
  parameters.layers[index].activation_step = 0.0f;
  return reference_outputs(network, parameters, data);
}

double mean_square(const std::vector<double>& values) {
  double sum = 0.0;
  for (double value : values) sum += value * value;
  return sum / static_cast<double>(values.size());
}

// Root mean squared difference over root mean square.
double relative_error(const std::vector<double>& wanted, const std::vector<double>& values) {
  std::vector<double> difference;
  for (size_t i = 0; i < wanted.size(); ++i) difference.push_back(values[i] - wanted[i]);
  return std::sqrt(mean_square(difference) / mean_square(wanted));
}

double twin_error(const Network& network, const Parameters& parameters, const Dataset& data,
                  const PostTrainingOptions& options) {
  const QuantizedTwin twin = quantize_after_training(network, parameters, data, options);
  return relative_error(reference_outputs(network, parameters, data),
                        reference_outputs(twin.network, twin.parameters, data));
}

// ---- twins

TEST(FloatTwin, HasTheShapesAndMacsOfTheGoldenNetworks) {
  for (const Network& network : {bearing_network(), appliance_network()}) {
    const Network floats = float_twin(network), integers = integer_twin(floats);
    EXPECT_EQ(macs(floats), macs(network));
    EXPECT_EQ(macs(integers), macs(network));
    for (size_t i = 0; i < network.layers.size(); ++i) {
      EXPECT_EQ(infer_shapes(floats)[i].output, infer_shapes(network)[i].output);
      EXPECT_EQ(infer_shapes(integers)[i].output, infer_shapes(network)[i].output);
    }
  }
}

TEST(FloatTwin, PutsReluWhereQuantizersWereAndZerosIntoTheBorders) {
  Network network = bearing_network();
  std::get<Conv2d>(network.layers[1].op).padding = Padding::kMinusOne;
  const Network twin = float_twin(network);
  std::vector<bool> relu;
  for (const LayerSpec& layer : twin.layers) {
    relu.push_back(layer.relu);
    EXPECT_TRUE(!has_weights(layer.op) || layer.weights == Format::kFloat32);
    EXPECT_TRUE(!has_accumulators(layer.op) || layer.activations == Format::kFloat32);
  }
  EXPECT_EQ(relu, (std::vector<bool>{true, true, false, false, false, false}));
  EXPECT_EQ(std::get<Conv2d>(twin.layers[1].op).padding, Padding::kZero);
}

TEST(IntegerTwin, IsUnsignedWhereOutputsCannotBeNegativeAndRawAtTheEnd) {
  const auto formats = [](const Network& network) {
    std::vector<Format> out;
    for (const LayerSpec& layer : integer_twin(network).layers)
      if (has_accumulators(layer.op)) out.push_back(layer.activations);
    return out;
  };
  using enum Format;
  EXPECT_EQ(formats(chain_network()), (std::vector{kUint8, kUint8, kUint8, kUint8, kUint8, kAccumulator}));
  EXPECT_EQ(formats(residual_network()), (std::vector{kUint8, kInt8, kUint8, kUint8, kAccumulator}));
}

TEST(IntegerTwin, RefusesAnIntegerLayerByName) {
  try {
    integer_twin(bearing_network());
    FAIL();
  } catch (const StructureError& error) {
    EXPECT_STREQ(error.what(), "layer conv2d_1: neither weights nor output may be integers");
  }
}

// ---- ranges

TEST(FitStep, MinMaxPutsTheLargestMagnitudeOnTheLastCode) {
  EXPECT_FLOAT_EQ(fit_step(std::vector{0.1f, -2.54f, 1.0f}, -127, 127, RangeRule::kMinMax), 0.02f);
  EXPECT_EQ(fit_step(std::vector{0.0f, 0.0f}, -127, 127, RangeRule::kMse), 0x1p-20f);
}

TEST(FitStep, MseIsTheBestOfTheGridByBruteForce) {
  Rng rng(3);
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<float> values;
    for (int i = 0; i < 200; ++i) values.push_back(static_cast<float>(std::pow(rng.normal(), 3)));
    float largest = 0.0f;
    for (float value : values) largest = std::max(largest, std::fabs(value));
    double least = HUGE_VAL;
    for (int k = 1; k <= 100; ++k) {
      const double step = largest / 7.0 * k / 100;
      double error = 0.0;
      for (float value : values) {
        double nearest = HUGE_VAL;
        for (int code = -8; code <= 7; ++code) nearest = std::min(nearest, std::pow(step * code - value, 2));
        error += nearest;
      }
      least = std::min(least, error / 200);
    }
    const float step = fit_step(values, -8, 7, RangeRule::kMse);
    EXPECT_NEAR(rounding_error(values, -8, 7, step), least, 1e-6 * least);
    EXPECT_LE(rounding_error(values, -8, 7, step),
              rounding_error(values, -8, 7, fit_step(values, -8, 7, RangeRule::kMinMax)));
  }
}

// Max, "Quantizing for Minimum Distortion", IRE Transactions on Information Theory 6 (1960), table II: the best step
// between 3, 7 and 15 equally spaced levels for a Gaussian of deviation 1.
TEST(FitStep, MseFindsTheStepOfMaxForAGaussian) {
  Rng rng(5);
  std::vector<float> values;
  for (int i = 0; i < 100000; ++i) values.push_back(static_cast<float>(rng.normal()));
  for (const auto& [high, step] : {std::pair{1, 1.2240}, {3, 0.6508}, {7, 0.3534}})
    EXPECT_NEAR(fit_step(values, -high, high, RangeRule::kMse), step, 0.02 * step) << high;
}

// ---- one layer in reals

TEST(RealLayer, AgreesWithTheReferenceOnEveryOperator) {
  Network power = power_network();
  power.layers.pop_back();  // whose output a step of the logarithm may change
  for (const Network& network : {chain_network(), residual_network(), power}) {
    const Parameters parameters = trained_like(network, 2);
    const Dataset data = random_data(network, 2, 3);
    const auto shapes = infer_shapes(network);
    std::vector<RealMap> maps(network.layers.size() + 1);
    for (int16_t code : data.codes) maps[0].push_back(static_cast<float>(code * data.front_end.input_scale));
    for (int i = 0; i < std::ssize(network.layers); ++i) {
      const LayerSpec& layer = network.layers[i];
      const RealMap& in = maps[layer.from + 1];
      const auto* add = std::get_if<Add>(&layer.op);
      if (const auto* pool = std::get_if<MaxPool2d>(&layer.op))
        maps[i + 1] = max_pooled(in, shapes[i].input, pool->window, shapes[i].output);
      else if (const auto* upsample = std::get_if<Upsample2d>(&layer.op))
        maps[i + 1] = upsampled(in, shapes[i].input, *upsample);
      else if (!has_accumulators(layer.op))
        maps[i + 1] = in;
      else
        maps[i + 1] = pre_activations(layer, shapes[i], parameters.layers[i],
                                      layer.from == kNetworkInput ? data.front_end.input_scale : 0.0, in,
                                      add ? maps[add->with + 1] : RealMap{});
      if (has_accumulators(layer.op)) {
        const double near = std::holds_alternative<GlobalLogVariance>(layer.op) ? 0.02 : 2e-5;
        EXPECT_THAT(maps[i + 1], Pointwise(DoubleNear(near), reference_pre_activations(network, parameters, i, data)))
            << layer.name;
      }
      if (layer.relu)
        for (float& value : maps[i + 1]) value = std::max(value, 0.0f);
    }
  }
}

TEST(RealLayer, PutsOneCodeIntoTheBorderOfABinaryInput) {
  for (Padding padding : {Padding::kZero, Padding::kMinusOne, Padding::kPlusOne}) {
    Network network{"binary", {5, 4, 2}, Format::kBinary, {}};
    append(network, float_layer("conv", Conv2d{3, {3, 3, 1, 1}, padding}, false));
    const Parameters parameters = trained_like(network, 4);
    Dataset data = random_data(network, 1, 5);
    for (int16_t& code : data.codes) code = code > 0 ? 1 : -1;
    RealMap in;
    for (int16_t code : data.codes) in.push_back(code / 40.0f);
    EXPECT_THAT(pre_activations(network.layers[0], infer_shapes(network)[0], parameters.layers[0], 1.0 / 40, in, {}),
                Pointwise(DoubleNear(1e-6), reference_outputs(network, parameters, data)));
  }
}

// ---- equalization

TEST(Equalization, LeavesTheFunctionUnchanged) {
  for (const Network& network : {chain_network(), residual_network(), float_twin(appliance_network())}) {
    const Parameters before = trained_like(network, 6), after = equalize(network, before);
    const Dataset data = random_data(network, 3, 7);
    EXPECT_LT(relative_error(reference_outputs(network, before, data), reference_outputs(network, after, data)), 1e-5);
  }
}

TEST(Equalization, MakesBothRangesOfEveryChannelEqual) {
  const Network network = chain_network();
  const auto shapes = infer_shapes(network);
  const Parameters after = equalize(network, trained_like(network, 8));
  const auto pairs = equalized_pairs(network);
  ASSERT_EQ(pairs.size(), 4u);  // conv1-depthwise, depthwise-conv2, conv2-hidden, hidden-out
  for (const auto& [first, second] : pairs) {
    const auto r1 = output_ranges(network.layers[first], shapes[first], after.layers[first]);
    const auto r2 = input_ranges(network.layers[second], shapes[second], after.layers[second], shapes[first].output.c);
    for (size_t i = 0; i < r1.size(); ++i) EXPECT_NEAR(r1[i] / r2[i], 1.0, 1e-2);
  }
}

TEST(Equalization, LeavesLayersAloneThatAnAddReads) {
  const Network network = residual_network();
  EXPECT_TRUE(equalized_pairs(network).empty());
  const Parameters parameters = trained_like(network, 9);
  EXPECT_EQ(equalize(network, parameters), parameters);
}

TEST(Equalization, DoesNotBlowUpAChannelWithoutWeights) {
  const Network network = chain_network();
  Parameters parameters = trained_like(network, 10);
  for (int k = 0; k < 48; ++k) parameters.layers[2].weights[k] = 0.0f;      // conv2, channel 0
  for (int k = 48; k < 96; ++k) parameters.layers[2].weights[k] *= 1e-12f;  // channel 1
  const Parameters after = equalize(network, parameters);
  EXPECT_EQ(after.layers[2].bias[0], parameters.layers[2].bias[0]);
  EXPECT_NEAR(after.layers[2].bias[1] / parameters.layers[2].bias[1], 64.0, 1e-3);  // the limit, not a million
}

// ---- the whole

TEST(PostTraining, Int8TwinsStayWithinFivePercentOfTheirFloatNetworks) {
  for (const Network& network : {chain_network(), residual_network(), power_network()})
    for (uint64_t seed : {1, 2, 3}) {
      const Parameters parameters = trained_like(network, seed);
      const Dataset data = random_data(network, 64, seed + 100);
      EXPECT_LT(twin_error(network, parameters, data, {}), 0.05);
      const PostTrainingOptions all{.weights = RangeRule::kMse,
                                    .activations = RangeRule::kMse,
                                    .equalize = true,
                                    .correct_bias = true,
                                    .adaptive_rounding = true,
                                    .rounding_iterations = 200};
      EXPECT_LT(twin_error(network, parameters, data, all), 0.05);
    }
}

TEST(PostTraining, MovesLatentsOnlyUnderAdaptiveRounding) {
  const Network network = chain_network();
  const Parameters parameters = trained_like(network, 11);
  const Dataset data = random_data(network, 16, 12);
  const auto weights = [&](const PostTrainingOptions& options) {
    return quantize_after_training(network, parameters, data, options).parameters.layers[2].weights;
  };
  EXPECT_EQ(weights({.correct_bias = true}), parameters.layers[2].weights);
  EXPECT_NE(weights({.adaptive_rounding = true, .rounding_iterations = 50}), parameters.layers[2].weights);
}

// The codes that quantization finds in the moved latents are the learnt ones: next to the trained weights.
TEST(PostTraining, AdaptiveRoundingKeepsEveryWeightWithinOneStep) {
  const Network network = chain_network();
  const Parameters parameters = trained_like(network, 13);
  const QuantizedTwin twin = quantize_after_training(network, parameters, random_data(network, 16, 14),
                                                     {.adaptive_rounding = true, .rounding_iterations = 50});
  const auto& p = twin.parameters.layers[2];
  const QuantizedWeights codes = quantize_weights(p.weights, 12, Format::kInt8, p.weight_steps);
  for (size_t i = 0; i < p.weights.size(); ++i) {
    const float exact = parameters.layers[2].weights[i] / p.weight_steps[i / 48];
    EXPECT_LE(std::fabs(codes.codes[i] - exact), 1.001f);
  }
}

TEST(PostTraining, BiasCorrectionMakesTheMeanErrorOfEveryChannelZero) {
  const PostTrainingOptions options{.correct_bias = true};
  for (const Network& network : {chain_network(), residual_network()}) {
    const Parameters parameters = trained_like(network, 15);
    const Dataset data = random_data(network, 32, 16);
    const QuantizedTwin twin = quantize_after_training(network, parameters, data, options);
    const QuantizedTwin plain = quantize_after_training(network, parameters, data, {});
    const auto shapes = infer_shapes(network);
    for (int i = 0; i < std::ssize(network.layers); ++i) {
      if (!network.layers[i].bias && !network.layers[i].batch_norm) continue;
      const auto wanted = reference_pre_activations(network, parameters, i, data);
      const auto worst_mean_error = [&](const QuantizedTwin& t) {
        const auto values = reference_pre_activations(t.network, t.parameters, i, data);
        std::vector<double> mean(shapes[i].output.c, 0.0);
        for (size_t k = 0; k < wanted.size(); ++k) mean[k % mean.size()] += values[k] - wanted[k];
        double worst = 0.0;
        for (double sum : mean) worst = std::max(worst, std::fabs(sum) * mean.size() / wanted.size());
        return worst;
      };
      EXPECT_LT(worst_mean_error(twin), 5e-5) << network.layers[i].name;
      EXPECT_LT(10 * worst_mean_error(twin), worst_mean_error(plain)) << network.layers[i].name;
    }
  }
}

TEST(PostTraining, GivesWhatAnAddReadsTheSmallestPowerOfTwoThatHoldsIt) {
  const Network network = residual_network();
  const Parameters parameters = trained_like(network, 17);
  const Dataset data = random_data(network, 32, 18);
  const QuantizedTwin twin = quantize_after_training(network, parameters, data, {});
  for (int i : {0, 1}) {
    EXPECT_EQ(twin.parameters.layers[i].activation_step, 0.0f);
    double largest = 0.0;
    for (double value : reference_pre_activations(network, parameters, i, data))
      largest = std::max(largest, network.layers[i].relu ? value : std::fabs(value));
    const Format format = twin.network.layers[i].activations;
    const int range = twin.network.layers[i].range_log2;
    EXPECT_GE(activation_scale(format, range) * max_code(format), largest);
    EXPECT_LT(activation_scale(format, range - 1) * max_code(format), largest);
  }
  EXPECT_GT(twin.parameters.layers[2].activation_step, 0.0f);
}

TEST(PostTraining, EqualizationHelpsWhereOneChannelDwarfsTheOthers) {
  const Network network = chain_network();
  Parameters parameters = trained_like(network, 19);
  for (int c = 1; c < 12; ++c) {  // conv2's other channels: small values, read with large weights
    for (int k = 0; k < 48; ++k) parameters.layers[2].weights[c * 48 + k] /= 32.0f;
    parameters.layers[2].bias[c] /= 32.0f;
  }
  for (size_t i = 0; i < parameters.layers[6].weights.size(); ++i)
    if (i % 12 != 0) parameters.layers[6].weights[i] *= 32.0f;
  const Dataset data = random_data(network, 64, 20);
  EXPECT_LT(2 * twin_error(network, parameters, data, {.equalize = true}), twin_error(network, parameters, data, {}));
}

TEST(PostTraining, SurvivesDeadChannelsConstantMapsAndASingleExample) {
  for (const Network& network : {chain_network(), residual_network()})
    for (bool all_dead : {false, true}) {
      Parameters parameters = trained_like(network, 21);
      for (LayerParameters& p : parameters.layers) {
        const size_t dead = all_dead ? p.weights.size() : p.weights.size() / 5;
        std::fill_n(p.weights.begin(), dead, 0.0f);
        if (all_dead) std::fill(p.bias.begin(), p.bias.end(), 0.0f), std::fill(p.beta.begin(), p.beta.end(), 0.0f);
      }
      Dataset data = random_data(network, 1, 22);
      std::fill(data.codes.begin(), data.codes.end(), 0);
      const PostTrainingOptions all{.weights = RangeRule::kMse,
                                    .activations = RangeRule::kMse,
                                    .equalize = true,
                                    .correct_bias = true,
                                    .adaptive_rounding = true,
                                    .rounding_iterations = 5};
      for (const PostTrainingOptions& options : {PostTrainingOptions{}, all}) {
        const QuantizedTwin twin = quantize_after_training(network, parameters, data, options);
        const auto wanted = reference_outputs(network, parameters, data);
        EXPECT_THAT(reference_outputs(twin.network, twin.parameters, data), Pointwise(DoubleNear(0.02), wanted));
      }
    }
}

// The smallest variance is 2^-32 of floats, but one code squared of integers: correcting the bias must know.
TEST(PostTraining, CorrectsTheBiasOfASilentChannelsLogVariance) {
  const Network network = power_network();
  Parameters parameters = trained_like(network, 23);
  std::fill_n(parameters.layers[2].weights.begin(), parameters.layers[2].weights.size() / 2, 0.0f);
  const Dataset data = random_data(network, 4, 24);
  const QuantizedTwin twin = quantize_after_training(network, parameters, data, {.correct_bias = true});
  const auto wanted = reference_pre_activations(network, parameters, 3, data);
  const auto given = reference_pre_activations(twin.network, twin.parameters, 3, data);
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (i % 6 >= 3) continue;
    EXPECT_NEAR(given[i], wanted[i], 1e-3 * std::fabs(wanted[i])) << i;
  }
}

// Gains of random_parameters reach 300 in single channels, which one step a map cannot serve: hence the median.
TEST(PostTraining, QuantizesRandomNetworksWithAMedianErrorBelowTwoPercent) {
  std::vector<double> errors;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Network network = float_twin(testing::random_network(seed));
    if (network.input_format == Format::kInt16) network.input_format = Format::kInt8;  // else beyond 2^30
    Dataset data = random_data(network, 8, seed);
    data.codes.clear();
    for (uint64_t i = 0; i < 8; ++i) {
      const auto input = testing::random_input(network, 8 * seed + i);
      data.codes.insert(data.codes.end(), input.begin(), input.end());
    }
    data.front_end.input_scale = 1.0 / max_code(network.input_format);
    errors.push_back(twin_error(network, testing::random_parameters(network, seed), data, {}));
  }
  std::nth_element(errors.begin(), errors.begin() + 30, errors.end());
  EXPECT_LT(errors[30], 0.02);
}

TEST(PostTraining, CalibratesAnOutputWithBatchNormToInt8) {
  Network network{"norm", {1, 1, 6}, Format::kInt8, {}};
  append(network, with_norm(float_layer("dense", Dense{5}, false)));
  const Parameters parameters = trained_like(network, 23);
  const Dataset data = random_data(network, 50, 24);
  const QuantizedTwin twin = quantize_after_training(network, parameters, data, {});
  EXPECT_EQ(twin.network.layers[0].activations, Format::kInt8);
  EXPECT_EQ(twin.parameters.layers[0].weight_steps.size(), 5u);
  EXPECT_LT(twin_error(network, parameters, data, {}), 0.02);
}

TEST(PostTraining, GivesTheSameTwinForTheSameSeed) {
  const Network network = chain_network();
  const Parameters parameters = trained_like(network, 25);
  const Dataset data = random_data(network, 40, 26);
  const PostTrainingOptions options{
      .activations = RangeRule::kMse, .adaptive_rounding = true, .rounding_iterations = 20, .seed = 7};
  EXPECT_EQ(quantize_after_training(network, parameters, data, options).parameters,
            quantize_after_training(network, parameters, data, options).parameters);
}

}  // namespace
}  // namespace bitwright

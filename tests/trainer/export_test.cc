// SPDX-License-Identifier: Apache-2.0
#include "trainer/export.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/quantize.h"
#include "core/rng.h"

namespace bitwright {
namespace {

// Latents of any layer, drawn from `seed`; gammas of both signs.
Parameters random_parameters(const Network& network, uint64_t seed) {
  Rng rng(seed);
  Parameters out;
  const auto shapes = infer_shapes(network);
  const auto draw = [&](int64_t n, double mean, double spread) {
    std::vector<float> v(static_cast<size_t>(n));
    for (float& x : v) x = static_cast<float>(mean + spread * rng.normal());
    return v;
  };
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const LayerSpec& layer = network.layers[i];
    LayerParameters p;
    p.weights = draw(weight_count(layer, shapes[i]), 0.0, 0.5);
    if (layer.bias) p.bias = draw(shapes[i].output.c, 0.0, 1.0);
    if (layer.batch_norm) {
      p.gamma = draw(shapes[i].output.c, 0.0, 1.0);
      p.beta = draw(shapes[i].output.c, 0.0, 0.5);
      p.running_mean = draw(shapes[i].output.c, 0.0, 1.0);
      p.running_var = draw(shapes[i].output.c, 1.0, 0.0);
    }
    out.layers.push_back(p);
  }
  return out;
}

Network dense_network(int inputs, LayerSpec dense) {
  Network network;
  network.input = {1, 1, inputs};
  dense.name = "dense";
  append(network, std::move(dense));
  return network;
}

// What the float64 affine of one dense channel gives, from the papers' formulas and not from the code under test.
double real_output(const Network& network, const Parameters& parameters, double input_scale, int c, int64_t acc,
                   double weight_scale) {
  const LayerParameters& p = parameters.layers[0];
  const double bias = network.layers[0].bias ? p.bias[c] : 0.0;
  const double a = weight_scale * input_scale;
  if (!network.layers[0].batch_norm) return a * static_cast<double>(acc) + bias;
  const double gain = p.gamma[c] / std::sqrt(p.running_var[c] + 1e-5);
  return (a * gain) * static_cast<double>(acc) + ((bias - p.running_mean[c]) * gain + p.beta[c]);
}

TEST(Export, ThresholdsGiveTheCodeOfEveryAccumulatorOfABatchNormedLayer) {
  for (Format format : {Format::kBinary, Format::kTernary, Format::kInt4, Format::kUint2, Format::kUint4}) {
    const Network network = dense_network(
        3, {.op = Dense{16}, .weights = Format::kInt4, .bias = true, .batch_norm = true, .activations = format});
    const Parameters parameters = random_parameters(network, 21);
    const QuantizedModel model = export_quantized(network, parameters, 0.037);
    const QuantizedLayer& layer = model.layers[0];
    const auto weights = quantize_weights(parameters.layers[0].weights, 16, Format::kInt4, true);
    EXPECT_EQ(layer.weights, weights.codes);
    const int levels = threshold_count(format), bound = static_cast<int>(accumulator_bound(network, 0));
    for (int c = 0; c < 16; ++c)
      for (int acc = -bound; acc <= bound; ++acc) {
        int reached = 0;
        for (int k = 0; k < levels; ++k) {
          const int32_t t = layer.thresholds[c * levels + k];
          reached += layer.descending[c] ? acc <= t : acc >= t;
        }
        const int code = format == Format::kBinary ? 2 * reached - 1 : min_code(format) + reached;
        const double real = real_output(network, parameters, 0.037, c, acc, weights.scales[c]);
        ASSERT_EQ(code, quantize_activation(real, format, layer.output_scale)) << format_name(format) << " " << acc;
      }
  }
}

TEST(Export, DescendsExactlyWhereGammaIsNegative) {
  const Network network = dense_network(8, {.op = Dense{64}, .batch_norm = true, .activations = Format::kBinary});
  const Parameters parameters = random_parameters(network, 4);
  const QuantizedModel model = export_quantized(network, parameters, 1.0);
  for (int c = 0; c < 64; ++c) EXPECT_EQ(model.layers[0].descending[c], parameters.layers[0].gamma[c] < 0.0f);
}

TEST(Export, AZeroGammaMakesTheChannelItsBeta) {
  const Network network = dense_network(4, {.op = Dense{2}, .batch_norm = true, .activations = Format::kBinary});
  Parameters parameters = random_parameters(network, 4);
  parameters.layers[0].gamma = {0.0f, 0.0f};
  parameters.layers[0].beta = {0.5f, -0.5f};
  const QuantizedLayer layer = export_quantized(network, parameters, 1.0).layers[0];
  const int bound = static_cast<int>(accumulator_bound(network, 0));
  EXPECT_EQ(layer.thresholds, (std::vector<int32_t>{-bound, bound + 1}));  // always +1, never +1
}

TEST(Export, MultipliersGiveTheCodeOfEveryAccumulator) {
  const Network network = dense_network(
      2,
      {.op = Dense{8}, .weights = Format::kInt5, .batch_norm = true, .activations = Format::kUint8, .range_log2 = 2});
  const Parameters parameters = random_parameters(network, 8);
  const QuantizedLayer layer = export_quantized(network, parameters, 0.02).layers[0];
  const auto weights = quantize_weights(parameters.layers[0].weights, 8, Format::kInt5, true);
  EXPECT_EQ(layer.output_scale, 4.0 / 256);
  const int64_t bound = accumulator_bound(network, 0);
  for (int c = 0; c < 8; ++c)
    for (int64_t acc = -bound; acc <= bound; ++acc) {
      const double real = real_output(network, parameters, 0.02, c, acc, weights.scales[c]);
      const int64_t code = (acc * layer.multiplier[c] + layer.offset[c]) >> layer.shift[c];
      ASSERT_EQ(std::clamp<int64_t>(code, 0, 255), quantize_activation(real, Format::kUint8, layer.output_scale));
    }
}

TEST(Export, RawOutputsShareOneScaleAndRoundTheirBias) {
  const Network network =
      dense_network(3, {.op = Dense{2}, .weights = Format::kBinary, .bias = true, .activations = Format::kAccumulator});
  Parameters parameters;
  parameters.layers = {{.weights = {1.0f, -1.0f, 1.0f, 0.5f, -0.5f, -0.5f}, .bias = {0.4f, -0.25f}}};
  const QuantizedLayer layer = export_quantized(network, parameters, 0.1).layers[0];
  EXPECT_DOUBLE_EQ(layer.output_scale, 0.75 * 0.1);
  EXPECT_EQ(layer.weights, (std::vector<int8_t>{1, -1, 1, 1, -1, -1}));
  EXPECT_EQ(layer.bias, (std::vector<int32_t>{5, -3}));  // 5.33 and -3.33
}

TEST(Export, TheScaleOfARawLayerReachesTheNext) {
  Network network;
  network.input = {4, 1, 2};
  append(network, {.name = "dw", .op = DepthwiseConv2d{{3, 1}}, .weights = Format::kBinary});
  append(network, {.name = "flat", .op = Flatten{}});
  append(network, {.name = "out", .op = Dense{2}, .weights = Format::kInt8, .activations = Format::kFloat32});
  Parameters parameters = random_parameters(network, 2);
  parameters.layers[0].weights.assign(6, 0.5f);
  parameters.layers[2].weights.assign(8, 127.0f);
  const QuantizedModel model = export_quantized(network, parameters, 0.25);
  EXPECT_EQ(model.layers[1].output_scale, 0.125);
  EXPECT_EQ(model.layers[2].float_scale, (std::vector<float>{0.125f, 0.125f}));
  EXPECT_EQ(model.layers[2].output_scale, 1.0);
}

TEST(Export, AnUpsamplingPassesOnScalesToAnAdd) {
  Network network;
  network.input = {4, 1, 1};
  append(network, {.name = "fine", .op = Conv2d{1}, .activations = Format::kInt8, .range_log2 = 0});  // step 2^-7
  append(network, {.name = "up", .op = Upsample2d{2, 1}});
  append(network, {.name = "coarse", .op = Conv2d{1}, .activations = Format::kUint4, .range_log2 = 1});  // step 2^-3
  append(network, {.name = "sum", .op = Add{1}, .activations = Format::kInt8});
  append(network, {.name = "out", .op = Upsample2d{4, 1}});
  const QuantizedModel model = export_quantized(network, random_parameters(network, 1), 1.0);
  EXPECT_EQ(model.layers[1].output_scale, 0x1p-7);
  EXPECT_EQ(model.layers[3].shift_from, 4);
  EXPECT_EQ(model.layers[3].shift_with, 0);
  EXPECT_EQ(model.layers[4].output_scale, model.layers[3].output_scale);
}

TEST(Export, AveragesDivideByTheirArea) {
  Network network;
  network.input = {5, 4, 1};
  append(network, {.name = "avg", .op = AvgPool2d{{2, 2, 2, 2}}});
  append(network, {.name = "gap", .op = GlobalAvgPool{}, .activations = Format::kFloat32});
  const QuantizedModel model = export_quantized(network, random_parameters(network, 1), 8.0);
  EXPECT_EQ(model.layers[0].output_scale, 2.0);                      // a window of four
  EXPECT_EQ(model.layers[1].float_scale, std::vector<float>{0.5f});  // a map of 2 x 2
}

// Real = acc / 256 + 2 log2 of the input's scale, whatever that is.
TEST(Export, ALogVarianceIsThatOfRealUnits) {
  Network network;
  network.input = {5, 4, 1};
  append(network, {.name = "spread", .op = GlobalLogVariance{}, .activations = Format::kFloat32});
  const QuantizedModel model = export_quantized(network, random_parameters(network, 1), 8.0);
  EXPECT_EQ(model.layers[0].float_scale, std::vector<float>{0x1p-8f});
  EXPECT_EQ(model.layers[0].float_offset, std::vector<float>{6.0f});
}

TEST(Export, AddShiftsTheCoarserSide) {
  Network network;
  network.input = {4, 1, 1};
  append(network, {.name = "fine", .op = Conv2d{1}, .activations = Format::kInt8, .range_log2 = 0});     // step 2^-7
  append(network, {.name = "coarse", .op = Conv2d{1}, .activations = Format::kUint4, .range_log2 = 1});  // step 2^-3
  append(network, {.name = "sum", .op = Add{0}, .activations = Format::kFloat32});
  const QuantizedLayer sum = export_quantized(network, random_parameters(network, 1), 1.0).layers[2];
  EXPECT_EQ(sum.shift_from, 4);
  EXPECT_EQ(sum.shift_with, 0);
  EXPECT_EQ(sum.float_scale, std::vector<float>{0x1p-7f});
}

TEST(Export, FloatWeightsStayFloat) {
  const Network network = dense_network(
      2, {.op = Dense{1}, .weights = Format::kFloat32, .bias = true, .activations = Format::kInt8, .range_log2 = 3});
  Parameters parameters;
  parameters.layers = {{.weights = {0.3f, -0.7f}, .bias = {0.1f}}};
  const QuantizedLayer layer = export_quantized(network, parameters, 0.5).layers[0];
  EXPECT_EQ(layer.float_weights, (std::vector<float>{0.3f, -0.7f}));
  EXPECT_TRUE(layer.weights.empty());
  EXPECT_EQ(layer.float_scale, std::vector<float>{0.5f});
  EXPECT_EQ(layer.float_offset, std::vector<float>{0.1f});
  EXPECT_EQ(layer.inverse_step, 16.0f);
}

std::string error_of(const Network& network, const Parameters& parameters, double input_scale = 1.0) {
  try {
    export_quantized(network, parameters, input_scale);
  } catch (const StructureError& error) {
    return error.what();
  }
  return "";
}

TEST(Export, NamesTheLayerWhoseParametersAreNotFinite) {
  const Network network = dense_network(2, {.op = Dense{2}, .batch_norm = true, .activations = Format::kBinary});
  const Parameters good = random_parameters(network, 1);
  EXPECT_EQ(error_of(network, good), "");
  for (auto field : {&LayerParameters::weights, &LayerParameters::gamma, &LayerParameters::beta,
                     &LayerParameters::running_mean, &LayerParameters::running_var})
    for (float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
      Parameters parameters = good;
      (parameters.layers[0].*field)[1] = bad;
      const std::string message = error_of(network, parameters);
      EXPECT_TRUE(message.starts_with("layer dense: ") && message.ends_with(" is not finite")) << message;
    }
}

TEST(Export, RefusesParametersOfAnotherNetwork) {
  const Network network = dense_network(2, {.op = Dense{2}, .bias = true});
  Parameters parameters = random_parameters(network, 1);
  parameters.layers[0].bias.pop_back();
  EXPECT_EQ(error_of(network, parameters), "layer dense: 1 values of bias, not 2");
  parameters.layers.clear();
  EXPECT_EQ(error_of(network, parameters), "network network: parameters of 0 layers, not 1");
  EXPECT_EQ(error_of(network, random_parameters(network, 1), 0.0), "network network: input scale must be positive");
}

TEST(Export, RefusesAScaleBeyondFloat32) {
  const Network network = dense_network(2, {.op = Dense{1}, .batch_norm = true, .activations = Format::kBinary});
  Parameters parameters = random_parameters(network, 1);
  parameters.layers[0].gamma = {3e38f};
  EXPECT_EQ(error_of(network, parameters, 1e9), "layer dense: the folded scale or offset exceeds float32");
}

}  // namespace
}  // namespace bitwright

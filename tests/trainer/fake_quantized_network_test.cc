// SPDX-License-Identifier: Apache-2.0
#include "trainer/fake_quantized_network.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/quantize.h"
#include "deploy/reference.h"
#include "tests/trainer/random_network.h"
#include "trainer/export.h"
#include "trainer/loss.h"
#include "trainer/torch_threads.h"
#include "trainer/trainer.h"

namespace bitwright {
namespace {

constexpr int kExamples = 50;

std::vector<float> integer_outputs(const QuantizedModel& model, const Dataset& data) {
  std::vector<float> out;
  for (int64_t i = 0; i < data.size(); ++i) {
    const Tensor t = reference_infer(model, data.example(i));
    out.insert(out.end(), t.reals.begin(), t.reals.end());
    for (int32_t code : t.codes) out.push_back(static_cast<float>(code * model.layers.back().output_scale));
  }
  return out;
}

void drop_batch_norm(Network& network) {
  for (LayerSpec& layer : network.layers) layer.batch_norm = false;
}

// Averages over other than 1, 2 or 4 codes have no power of two as their scale.
bool has_dyadic_averages(const Network& network) {
  const auto shapes = infer_shapes(network);
  for (size_t i = 0; i < shapes.size(); ++i) {
    int64_t area = 1;
    if (const auto* average = std::get_if<AvgPool2d>(&network.layers[i].op))
      area = int64_t{average->window.h} * average->window.w;
    if (std::holds_alternative<GlobalAvgPool>(network.layers[i].op)) area = shapes[i].input.h * shapes[i].input.w;
    if (area & (area - 1)) return false;
  }
  return true;
}

TEST(FakeQuantizedNetwork, GivesTheIntegerModelsOutputsWhereScalesArePowersOfTwo) {
  Rng rng(17);
  int networks = 0;
  while (networks < 300) {
    Network network = random_network(rng, false);
    drop_batch_norm(network);
    if (!has_dyadic_averages(network)) continue;
    const Parameters parameters = random_parameters(network, rng, true);
    const Dataset data = random_inputs(network, kExamples, 0.125, rng);
    ASSERT_EQ(fake_quantized_outputs(network, parameters, data),
              integer_outputs(export_quantized(network, parameters, 0.125), data))
        << canonical_text(network);
    ++networks;
  }
}

// Float layers sum in another order than the reference, and a fixed-point tie may fall the other way: both rarely.
TEST(FakeQuantizedNetwork, AgreesWithTheIntegerModelOnTheClass) {
  Rng rng(23);
  int64_t agreeing = 0, all = 0;
  for (int i = 0; i < 300; ++i) {
    const Network network = random_network(rng, i % 2);
    const Parameters parameters = random_parameters(network, rng);
    const Dataset data = random_inputs(network, kExamples, 0.021, rng);
    const auto fake = fake_quantized_outputs(network, parameters, data);
    const auto integer = integer_outputs(export_quantized(network, parameters, 0.021), data);
    ASSERT_EQ(fake.size(), integer.size());
    for (int64_t e = 0; e < kExamples; ++e, ++all) {
      const auto largest = [&](const std::vector<float>& v) {
        return std::max_element(v.begin() + 3 * e, v.begin() + 3 * e + 3) - v.begin();
      };
      agreeing += largest(fake) == largest(integer);
    }
  }
  EXPECT_GE(static_cast<double>(agreeing), 0.995 * static_cast<double>(all));
}

bool has_multipliers(const Network& network) {
  for (int i = 0; i < std::ssize(network.layers); ++i)
    if (epilogue(network, i) == Epilogue::kRequantize) return true;
  return false;
}

// Thresholds leave nothing to rounding. Fixed-point multipliers may decide a tie otherwise, as averages of small codes
// often are one.
TEST(FakeQuantizedNetwork, GivesTheIntegerModelsOutputsWhereNoTieMeetsAMultiplier) {
  Rng rng(29);
  int64_t equal = 0, all = 0;
  int exact_networks = 0;
  for (int i = 0; i < 400; ++i) {
    const Network network = random_network(rng, false);
    const Parameters parameters = random_parameters(network, rng);
    const Dataset data = random_inputs(network, kExamples, 0.021, rng);
    const auto fake = fake_quantized_outputs(network, parameters, data);
    const auto integer = integer_outputs(export_quantized(network, parameters, 0.021), data);
    for (size_t k = 0; k < fake.size(); ++k, ++all) equal += fake[k] == integer[k];
    if (has_multipliers(network)) continue;
    EXPECT_EQ(fake, integer) << canonical_text(network);
    ++exact_networks;
  }
  EXPECT_GT(exact_networks, 100);
  EXPECT_GE(static_cast<double>(equal), 0.995 * static_cast<double>(all));
}

TEST(FakeQuantizedNetwork, FlattensRowsThenColumnsThenChannels) {
  Network network;
  network.input = {2, 3, 2};
  append(network, {.name = "flat", .op = Flatten{}});
  append(network, {.name = "out", .op = Dense{12}, .weights = Format::kInt8});
  Parameters parameters;
  parameters.layers.resize(2);
  parameters.layers[1].weights.assign(144, 0.0f);
  for (int i = 0; i < 12; ++i) parameters.layers[1].weights[i * 12 + i] = 127.0f;  // scale 1: the identity times 127
  Rng rng(1);
  const Dataset data = random_inputs(network, 5, 1.0, rng);
  const auto outputs = fake_quantized_outputs(network, parameters, data);
  for (size_t i = 0; i < outputs.size(); ++i) EXPECT_EQ(outputs[i], 127.0f * data.codes[i]);
}

// ---- Other devices

struct Pass {
  std::vector<float> trained, evaluated, gradients, running;
};

Pass pass_of(const Network& n, const Parameters& parameters, const Recipe& recipe, const std::vector<float>& codes,
             int64_t count) {
  FakeQuantizedNetwork network(n, 0.021, recipe);
  network.set_parameters(parameters);
  network.set_progress(0.4, 77);
  Pass pass;
  const auto trained = network.forward(codes, count, Phase::kTrain);
  pass.trained.assign(trained.begin(), trained.end());
  std::vector<float> grad;
  for (size_t i = 0; i < pass.trained.size(); ++i) grad.push_back(static_cast<float>(i % 5) - 2.0f);
  network.backward(grad);
  pass.gradients.assign(network.gradients().begin(), network.gradients().end());
  pass.running = network.running_statistics();
  const auto evaluated = network.forward(codes, count, Phase::kEvaluate);
  pass.evaluated.assign(evaluated.begin(), evaluated.end());
  return pass;
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0.0, size = 1e-9;
  for (size_t i = 0; i < a.size(); ++i) difference += std::pow(a[i] - b[i], 2), size += std::pow(a[i], 2);
  return std::sqrt(difference / size);
}

std::vector<float> float_codes(const Dataset& data);

// The operators that run where there are no loops of ours, on the CPU: sums differ in the last place only, and a code
// that this turns over is rare.
TEST(FakeQuantizedNetwork, ComputesTheSameByTorchsOperators) {
  Rng rng(31);
  int exact = 0;
  for (int i = 0; i < 120; ++i) {
    const Network network = random_network(rng, i % 2);
    const Parameters parameters = random_parameters(network, rng);
    const auto codes = float_codes(random_inputs(network, 8, 0.021, rng));
    const Recipe recipe{.surrogate = static_cast<Surrogate>(i % 5),
                        .weight_scale = static_cast<WeightScale>(i % 4),
                        .activation_range = static_cast<ActivationRange>(i % 3),
                        .stochastic_rounding = i % 2 == 0};
    const Pass loops = pass_of(network, parameters, recipe, codes, 8);
    run_cpu_maps_on_torch(true);
    const Pass torch = pass_of(network, parameters, recipe, codes, 8);
    run_cpu_maps_on_torch(false);
    EXPECT_LT(distance(loops.running, torch.running), 1e-4) << canonical_text(network);
    exact += distance(loops.trained, torch.trained) < 1e-4 && distance(loops.gradients, torch.gradients) < 1e-3 &&
             distance(loops.evaluated, torch.evaluated) < 1e-4;
  }
  EXPECT_GE(exact, 110);
}

// ---- Gradients

std::vector<float> float_codes(const Dataset& data) {  // C x H x W
  const Shape& s = data.front_end.output;
  std::vector<float> out;
  for (int64_t i = 0; i < data.size(); ++i)
    for (int c = 0; c < s.c; ++c)
      for (int64_t p = 0; p < int64_t{s.h} * s.w; ++p) out.push_back(data.example(i)[p * s.c + c]);
  return out;
}

// Every operator once, everything float and without a kink: the gradient is that of the function itself.
Network smooth_network() {
  Network n;
  n.input = {7, 6, 2};
  const auto layer = [](const char* name, Op op) {
    return LayerSpec{.name = name, .op = op, .weights = Format::kFloat32, .activations = Format::kFloat32};
  };
  append(n, layer("conv", Conv2d{3, {3, 2, 2, 1}, Padding::kZero}));  // borders 1+1 and 0+1: written out
  n.layers.back().batch_norm = true;
  append(n, layer("dw", DepthwiseConv2d{{3, 2, 1, 1}, Padding::kZero}));  // its input's gradient loses a border
  n.layers.back().bias = true;
  append(n, layer("add", Add{0}));
  n.layers.back().batch_norm = true;
  append(n, layer("mix", Conv2d{4, {1, 1, 1, 1}}));
  append(n, layer("avg", AvgPool2d{{2, 2, 1, 2}}));
  append(n, {.name = "flat", .op = Flatten{}});
  append(n, layer("out", Dense{3}));
  n.layers.back().bias = true;
  return n;
}

// The power of the filters' outputs; of floats, as the network's formats are all float32.
Network power_network() {
  Network n;
  n.input = {9, 3, 2};
  append(
      n,
      {.name = "filters", .op = Conv2d{4, {4, 2, 2, 1}}, .weights = Format::kFloat32, .activations = Format::kFloat32});
  append(n, {.name = "power", .op = GlobalLogVariance{}, .batch_norm = true, .activations = Format::kFloat32});
  append(n, {.name = "out", .op = Dense{3}, .weights = Format::kFloat32, .activations = Format::kFloat32});
  return n;
}

double loss_of(FakeQuantizedNetwork& network, const std::vector<float>& codes, const std::vector<int32_t>& labels,
               std::vector<float>& gradient) {
  const auto outputs = network.forward(codes, std::ssize(labels), Phase::kTrain);
  gradient.resize(outputs.size());
  const int classes = static_cast<int>(outputs.size() / labels.size());
  return cross_entropy(outputs, class_targets(labels, classes, 0.0), classes, {}, gradient);
}

// By backward().
std::vector<float> gradients_of(FakeQuantizedNetwork& network, const std::vector<float>& codes,
                                const std::vector<int32_t>& labels) {
  std::vector<float> gradient;
  loss_of(network, codes, labels, gradient);
  network.backward(gradient);
  return {network.gradients().begin(), network.gradients().end()};
}

// By a central difference of one learned value, which is left as it was.
double measured_slope(FakeQuantizedNetwork& network, size_t i, float step, const std::vector<float>& codes,
                      const std::vector<int32_t>& labels) {
  const float start = network.learned()[i];
  std::vector<float> ignored;
  const auto loss_at = [&](float value) {
    network.learned()[i] = value;
    network.update();
    return loss_of(network, codes, labels, ignored);
  };
  const double slope = (loss_at(start + step) - loss_at(start - step)) / (2 * step);
  network.learned()[i] = start;
  return slope;
}

// Of a network of three outputs: length of backward() less the measured slopes over the length of those.
double slope_error(FakeQuantizedNetwork& network, const std::vector<float>& codes, int examples, float step) {
  std::vector<int32_t> labels;
  for (int i = 0; i < examples; ++i) labels.push_back(i % 3);
  const std::vector<float> slope = gradients_of(network, codes, labels);
  double error = 0.0, length = 0.0;  // squared
  for (size_t i = 0; i < slope.size(); ++i) {
    const double measured = measured_slope(network, i, step, codes, labels);
    error += std::pow(measured - slope[i], 2);
    length += std::pow(measured, 2);
  }
  return std::sqrt(error / length);
}

TEST(FakeQuantizedNetwork, BackwardIsTheDerivativeAlongRandomDirections) {
  const Network n = smooth_network();
  Rng rng(3);
  FakeQuantizedNetwork network(n, 0.02, {});
  network.initialize(rng);
  const Dataset data = random_inputs(n, 16, 0.02, rng);
  const auto codes = float_codes(data);
  std::vector<int32_t> labels;
  for (int i = 0; i < 16; ++i) labels.push_back(i % 3);
  const std::vector<float> slope = gradients_of(network, codes, labels);
  std::vector<float> ignored;
  const std::vector<float> start(network.learned().begin(), network.learned().end());
  for (int direction = 0; direction < 20; ++direction) {
    std::vector<double> d(start.size());
    double expected = 0.0;
    for (size_t i = 0; i < d.size(); ++i) d[i] = rng.normal(), expected += d[i] * slope[i];
    const auto loss_at = [&](double step) {
      for (size_t i = 0; i < d.size(); ++i) network.learned()[i] = static_cast<float>(start[i] + step * d[i]);
      network.update();
      return loss_of(network, codes, labels, ignored);
    };
    const double step = 1e-3;
    EXPECT_NEAR((loss_at(step) - loss_at(-step)) / (2 * step), expected, 2e-3 + 0.01 * std::fabs(expected));
  }
}

TEST(FakeQuantizedNetwork, MaxPoolingPassesGradientsToTheLargest) {
  Network n = smooth_network();
  n.layers[4].op = MaxPool2d{{2, 2, 1, 2}};
  n.layers[4].activations = Format::kAccumulator;
  n.layers[3].pool = Window{2, 1, 1, 1};
  Rng rng(4);
  FakeQuantizedNetwork network(n, 0.02, {});
  network.initialize(rng);
  const auto codes = float_codes(random_inputs(n, 8, 0.02, rng));
  const std::vector<int32_t> labels = {0, 1, 2, 0, 1, 2, 0, 1};
  const std::vector<float> slope = gradients_of(network, codes, labels);
  for (size_t i = 0; i < slope.size(); i += 7) {  // one by one: a step small enough to cross no tie
    const double measured = measured_slope(network, i, 1e-3f, codes, labels);
    EXPECT_NEAR(measured, slope[i], 2e-3 + 0.03 * std::fabs(slope[i])) << i;
  }
}

// The logarithm is rounded to 1/256 and its lines have corners: close, not equal.
TEST(FakeQuantizedNetwork, ALogVariancePassesOnTheSlopeOfItsLines) {
  const Network n = power_network();
  Rng rng(8);
  FakeQuantizedNetwork network(n, 0.02, {});
  network.initialize(rng);
  EXPECT_LT(slope_error(network, float_codes(random_inputs(n, 48, 0.02, rng)), 48, 0.01f), 0.1);
}

// Sixteen bits are so fine that the straight-through gradient is the slope, whatever the steps of the two sides.
TEST(FakeQuantizedNetwork, AddScalesTheGradientOfEachSideByItsStep) {
  Network n;
  n.input = {12, 1, 3};
  for (int range_log2 : {2, 5})
    n.layers.push_back({.name = range_log2 == 2 ? "fine" : "coarse",
                        .op = Conv2d{3, {3, 1}, Padding::kZero},
                        .weights = Format::kFloat32,
                        .activations = Format::kInt16,
                        .range_log2 = range_log2});
  append(n, {.name = "sum", .op = Add{0}, .activations = Format::kFloat32});
  append(n, {.name = "gap", .op = GlobalAvgPool{}, .activations = Format::kFloat32});
  Rng rng(7);
  FakeQuantizedNetwork network(n, 0.005, {});  // small enough never to saturate
  network.initialize(rng);
  EXPECT_LT(slope_error(network, float_codes(random_inputs(n, 32, 0.005, rng)), 32, 0.02f), 0.05);
}

// The same network twice: once with quantized weights, once with float weights of the values they stand for.
TEST(FakeQuantizedNetwork, LatentsGetTheGradientOfTheRealWeights) {
  for (Format format : {Format::kBinary, Format::kTernary, Format::kInt4}) {
    Network quantized;
    quantized.input = {6, 5, 2};
    append(quantized, {.name = "conv",
                       .op = Conv2d{3, {3, 3, 1, 1}, Padding::kZero},
                       .weights = format,
                       .activations = Format::kFloat32});
    append(quantized, {.name = "gap", .op = GlobalAvgPool{}, .activations = Format::kFloat32});
    Network real = quantized;
    real.layers[0].weights = Format::kFloat32;
    Rng rng(6);
    Parameters latents = random_parameters(quantized, rng);
    latents.layers[0].weights[0] = 1.5f;  // beyond the clip
    Parameters values = latents;
    const auto q = quantize_weights(latents.layers[0].weights, 3, format, true);
    for (size_t i = 0; i < q.codes.size(); ++i) values.layers[0].weights[i] = q.codes[i] * q.scales[i / 18];
    FakeQuantizedNetwork a(quantized, 0.02, {}), b(real, 0.02, {});
    a.set_parameters(latents);
    b.set_parameters(values);
    const auto codes = float_codes(random_inputs(quantized, 8, 0.02, rng));
    const std::vector<int32_t> labels = {0, 1, 2, 0, 1, 2, 0, 1};
    std::vector<float> gradient;
    loss_of(a, codes, labels, gradient);
    a.backward(gradient);
    loss_of(b, codes, labels, gradient);
    b.backward(gradient);
    for (size_t i = 0; i < q.codes.size(); ++i) {
      const bool clipped = std::fabs(latents.layers[0].weights[i]) > 1.0f && format != Format::kInt4;
      EXPECT_NEAR(a.gradients()[i], clipped ? 0.0f : b.gradients()[i], 1e-5) << format_name(format) << i;
    }
  }
}

// Along one step the loss of fine-grained codes is smooth enough to difference: rounding errors average out over the
// weights, and are not what LSQ's gradient leaves out on purpose.
TEST(FakeQuantizedNetwork, AStepLearnsFromWhatTheClippedWeightsAndMapsMiss) {
  Network n;
  n.input = {12, 1, 3};
  append(n, {.name = "c1",
             .op = Conv2d{4, {3, 1}},
             .weights = Format::kInt8,
             .activations = Format::kUint8,
             .range_log2 = -1});  // much is beyond the range
  append(n, {.name = "gap", .op = GlobalAvgPool{}, .activations = Format::kFloat32});
  Rng rng(9);
  const Recipe recipe{.weight_scale = WeightScale::kLearned, .activation_range = ActivationRange::kLsq};
  FakeQuantizedNetwork network(n, 0.02, recipe);
  Parameters parameters = random_parameters(n, rng);
  parameters.layers[0].weight_steps.assign(4, 0.004f);  // clips weights beyond 0.5
  network.set_parameters(parameters);
  const auto codes = float_codes(random_inputs(n, 64, 0.02, rng));
  std::vector<int32_t> labels;
  for (int i = 0; i < 64; ++i) labels.push_back(i % 4);
  const std::vector<float> slope = gradients_of(network, codes, labels);
  for (size_t i = slope.size() - 5; i < slope.size(); ++i) {  // four weight steps, one activation step
    const double measured = measured_slope(network, i, 0.05f, codes, labels);
    EXPECT_NEAR(slope[i], measured, 0.15 * std::fabs(measured) + 0.004) << i;
  }
}

TEST(FakeQuantizedNetwork, UpdateClampsBinaryLatentsOnly) {
  Network n;
  n.input = {1, 1, 2};
  append(n, {.name = "one", .op = Dense{1}, .weights = Format::kBinary, .activations = Format::kInt8});
  append(n, {.name = "two", .op = Dense{2}, .weights = Format::kInt4});
  FakeQuantizedNetwork network(n, 1.0, {});
  for (float& w : network.learned()) w = 3.0f;
  network.update();
  EXPECT_EQ(network.parameters().layers[0].weights, (std::vector<float>{1.0f, 1.0f}));
  EXPECT_EQ(network.parameters().layers[1].weights, (std::vector<float>{3.0f, 3.0f}));
}

// With momentum 1 the running statistics are those of the batch, up to n / (n - 1) in the variance.
TEST(FakeQuantizedNetwork, EvaluatesAsItTrainsOnceTheStatisticsAreLearnt) {
  Network n;
  n.input = {40, 1, 2};
  append(n, {.name = "c1",
             .op = Conv2d{8, {5, 1}},
             .weights = Format::kInt8,
             .bias = true,
             .batch_norm = true,
             .activations = Format::kUint8,
             .range_log2 = 2});
  append(n, {.name = "c2",
             .op = Conv2d{8, {3, 1}},
             .weights = Format::kBinary,
             .pool = Window{2, 1, 2, 1},
             .batch_norm = true,
             .activations = Format::kInt8,
             .range_log2 = 2});
  append(n, {.name = "gap", .op = GlobalAvgPool{}, .batch_norm = true, .activations = Format::kFloat32});
  Rng rng(8);
  Parameters parameters = random_parameters(n, rng);
  FakeQuantizedNetwork network(n, 0.02, {.batch_norm_momentum = 1.0});
  network.set_parameters(parameters);
  const auto codes = float_codes(random_inputs(n, 400, 0.02, rng));
  const auto view = network.forward(codes, 400, Phase::kTrain);
  const std::vector<float> trained(view.begin(), view.end());
  const auto evaluated = network.forward(codes, 400, Phase::kEvaluate);
  double difference = 0.0, size = 0.0;
  for (size_t i = 0; i < trained.size(); ++i) {
    difference += std::fabs(trained[i] - evaluated[i]);
    size += std::fabs(trained[i]);
  }
  EXPECT_LT(difference, 0.01 * size);
}

}  // namespace
}  // namespace bitwright

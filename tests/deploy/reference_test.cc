// The integer reference against a second implementation, written to be obvious: every tap by its coordinates, sums in
// 64-bit integers, epilogues in exact or double arithmetic.
// SPDX-License-Identifier: Apache-2.0
#include "deploy/reference.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

#include "core/error.h"
#include "core/rng.h"
#include "tests/support/random_network.h"

namespace bitwright {
namespace {

using testing::random_input;
using testing::random_model;
using testing::random_network;

// One map as doubles: exact for every integer format, and for float32.
struct Map {
  Shape shape;
  std::vector<double> values;
  double at(int y, int x, int c) const { return values[(size_t(y) * shape.w + x) * shape.c + c]; }
};

Map map_of(const Shape& shape, const Tensor& tensor) {
  if (tensor.storage == Format::kFloat32) return {shape, {tensor.reals.begin(), tensor.reals.end()}};
  return {shape, {tensor.codes.begin(), tensor.codes.end()}};
}

struct Geometry {
  Window window;
  Padding padding = Padding::kValid;
};

Geometry geometry(const LayerSpec& spec, const Shape& in) {
  if (const auto* op = std::get_if<Conv2d>(&spec.op)) return {op->kernel, op->padding};
  if (const auto* op = std::get_if<DepthwiseConv2d>(&spec.op)) return {op->kernel, op->padding};
  if (const auto* op = std::get_if<MaxPool2d>(&spec.op)) return {op->window};
  if (const auto* op = std::get_if<AvgPool2d>(&spec.op)) return {op->window};
  if (std::holds_alternative<GlobalAvgPool>(spec.op)) return {{in.h, in.w, 1, 1}};
  return {};
}

// 256 (e + m) of 2^e (1 + m), rounded down, of a whole number above 0.
double steps_of_log2(int64_t value) {
  int exponent = 0;
  while (value >> (exponent + 1)) ++exponent;
  const double mantissa =
      static_cast<double>(value - (int64_t{1} << exponent)) / static_cast<double>(int64_t{1} << exponent);
  return exponent * 256 + std::floor(256 * mantissa);
}

// From all pairs: n^2 times the variance is the sum of the squared distances of all pairs.
double log_variance(const Map& in, int c) {
  const int n = in.shape.h * in.shape.w;
  const auto value = [&](int i) { return static_cast<int64_t>(in.at(i / in.shape.w, i % in.shape.w, c)); };
  int64_t sum = 0;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < i; ++j) sum += (value(i) - value(j)) * (value(i) - value(j));
  return steps_of_log2(std::max<int64_t>(sum, 1));
}

// Integer accumulator of channel o at (y, x), from first principles.
double accumulator(const QuantizedModel& model, int index, const Map& in, const Map* with, int y, int x, int o) {
  const LayerSpec& spec = model.network.layers[index];
  const QuantizedLayer& layer = model.layers[index];
  if (with) return in.at(y, x, o) * (1 << layer.shift_from) + with->at(y, x, o) * (1 << layer.shift_with);
  if (std::holds_alternative<GlobalLogVariance>(spec.op)) return log_variance(in, o);
  const Geometry g = geometry(spec, in.shape);
  const bool mixes = std::holds_alternative<Conv2d>(spec.op) || std::holds_alternative<Dense>(spec.op);
  const int top = y * g.window.stride_h - padding_before(in.shape.h, g.window.h, g.window.stride_h, g.padding);
  const int left = x * g.window.stride_w - padding_before(in.shape.w, g.window.w, g.window.stride_w, g.padding);
  double sum = 0.0;
  for (int ky = 0; ky < g.window.h; ++ky)
    for (int kx = 0; kx < g.window.w; ++kx)
      for (int c = mixes ? 0 : o; c < (mixes ? in.shape.c : o + 1); ++c) {
        const int row = top + ky, column = left + kx;
        const bool inside = row >= 0 && row < in.shape.h && column >= 0 && column < in.shape.w;
        if (!inside && (g.padding == Padding::kZero || g.padding == Padding::kValid)) continue;
        const double value = inside ? in.at(row, column, c) : g.padding == Padding::kPlusOne ? 1.0 : -1.0;
        const int taps = mixes ? in.shape.c : 1;
        const size_t weight = ((size_t(o) * g.window.h + ky) * g.window.w + kx) * taps + (mixes ? c : 0);
        sum += value * (layer.weights.empty() ? 1.0 : layer.weights[weight]);
      }
  return sum;
}

int64_t floor_shift(int64_t value, int shift) {
  const int64_t divisor = int64_t{1} << shift;
  int64_t quotient = value / divisor;
  if (quotient * divisor > value) --quotient;
  return quotient;
}

double output(const QuantizedModel& model, int index, int c, int64_t acc) {
  const QuantizedLayer& layer = model.layers[index];
  const Format format = storage_format(model.network, index);
  switch (epilogue(model.network, index)) {
    case Epilogue::kNone: return static_cast<double>(acc);
    case Epilogue::kRaw: return static_cast<double>(acc + (layer.bias.empty() ? 0 : layer.bias[c]));
    case Epilogue::kThreshold: {
      const int levels = threshold_count(format);
      int reached = 0;
      for (int k = 0; k < levels; ++k) {
        const int64_t t = layer.thresholds[size_t(c) * levels + k];
        if (layer.descending[c] ? acc <= t : acc >= t) ++reached;
      }
      return format == Format::kBinary ? (reached ? 1.0 : -1.0) : min_code(format) + reached;
    }
    case Epilogue::kRequantize: {
      const int64_t sum = acc * layer.multiplier[c] + layer.offset[c];
      const int64_t code = floor_shift(sum, layer.shift[c]);
      return static_cast<double>(std::clamp<int64_t>(code, min_code(format), max_code(format)));
    }
    case Epilogue::kFloat: {
      const float y = static_cast<float>(static_cast<double>(static_cast<float>(acc)) * layer.float_scale[c]);
      const float sum = static_cast<float>(static_cast<double>(y) + layer.float_offset[c]);
      return model.network.layers[index].relu ? std::max(0.0f, sum) : sum;
    }
  }
  return 0.0;
}

// Every value of the input goes to each place of its block.
std::vector<double> spread(const Map& in, const Upsample2d& op, const Shape& to) {
  std::vector<double> out(static_cast<size_t>(to.elements()), NAN);
  for (int y = 0; y < in.shape.h; ++y)
    for (int x = 0; x < in.shape.w; ++x)
      for (int c = 0; c < in.shape.c; ++c)
        for (int place = 0; place < op.h * op.w; ++place) {
          const int row = y * op.h + place / op.w, column = x * op.w + place % op.w;
          out[(size_t(row) * to.w + column) * to.c + c] = in.at(y, x, c);
        }
  return out;
}

// A layer with integer accumulators, or one that moves anything.
std::vector<double> oracle(const QuantizedModel& model, int index, const LayerShapes& shapes, const Map& in,
                           const Map* with) {
  const LayerSpec& spec = model.network.layers[index];
  if (std::holds_alternative<Flatten>(spec.op)) return in.values;
  if (const auto* op = std::get_if<Upsample2d>(&spec.op)) return spread(in, *op, shapes.output);
  const bool moves = std::holds_alternative<MaxPool2d>(spec.op);
  const Window pool = moves ? std::get<MaxPool2d>(spec.op).window : spec.pool.value_or(Window{});
  std::vector<double> out;
  for (int y = 0; y < shapes.output.h; ++y)
    for (int x = 0; x < shapes.output.w; ++x)
      for (int c = 0; c < shapes.output.c; ++c) {
        double best = -INFINITY;
        for (int py = 0; py < pool.h; ++py)
          for (int px = 0; px < pool.w; ++px) {
            const int ay = y * pool.stride_h + py, ax = x * pool.stride_w + px;
            best = std::max(best, moves ? in.at(ay, ax, c) : accumulator(model, index, in, with, ay, ax, c));
          }
        out.push_back(moves ? best : output(model, index, c, std::llround(best)));
      }
  return out;
}

TEST(Reference, EveryIntegerLayerEqualsAnObviousImplementation) {
  int compared = 0;
  for (uint64_t seed = 0; seed < 150; ++seed) {
    const QuantizedModel model = random_model(random_network(seed), seed);
    const auto input = random_input(model.network, seed);
    const auto shapes = infer_shapes(model.network);
    std::vector<Tensor> tensors = reference_layers(model, input);
    tensors.insert(tensors.begin(), Tensor{model.network.input_format, {input.begin(), input.end()}, {}});
    for (int i = 0; i < static_cast<int>(shapes.size()); ++i) {
      if (computes_in_float(model.network, i)) continue;
      const LayerSpec& spec = model.network.layers[i];
      const Map in = map_of(shapes[i].input, tensors[spec.from + 1]);
      const auto* add = std::get_if<Add>(&spec.op);
      const Map with = add ? map_of(shapes[i].input, tensors[add->with + 1]) : Map{};
      const Map got = map_of(shapes[i].output, tensors[i + 1]);
      ASSERT_EQ(got.values, oracle(model, i, shapes[i], in, add ? &with : nullptr))
          << "seed " << seed << " layer " << i << "\n"
          << canonical_text(model.network);
      ++compared;
    }
  }
  EXPECT_GT(compared, 300);
}

TEST(Reference, AnUpsamplingRepeatsRowsAndColumns) {
  Network network{"net", {2, 2, 1}, Format::kInt8, {}};
  append(network, {.name = "up", .op = Upsample2d{2, 3}});
  const QuantizedModel model{network, 1.0, {QuantizedLayer{}}};
  const std::vector<int16_t> input = {1, 2, 3, 4};
  EXPECT_EQ(reference_infer(model, input).codes, (std::vector<int32_t>{1, 1, 1, 2, 2, 2,  //
                                                                       1, 1, 1, 2, 2, 2,  //
                                                                       3, 3, 3, 4, 4, 4,  //
                                                                       3, 3, 3, 4, 4, 4}));
}

// Of floats: 4 values of mean 2.5 and variance 1.25: 16 * 1.25 = 20 = 2^4 * 1.25.
TEST(Reference, ALogVarianceOfFloatsIsThatOfTheirVariance) {
  Network network{"net", {4, 1, 1}, Format::kInt8, {}};
  append(network, {.name = "same", .op = Conv2d{1}, .weights = Format::kFloat32, .activations = Format::kFloat32});
  append(network, {.name = "spread", .op = GlobalLogVariance{}, .activations = Format::kFloat32});
  QuantizedModel model{network, 1.0, {QuantizedLayer{}, QuantizedLayer{}}};
  for (QuantizedLayer& layer : model.layers) layer.float_scale = {1.0f}, layer.float_offset = {0.0f};
  model.layers[0].float_weights = {1.0f};
  EXPECT_EQ(reference_infer(model, std::vector<int16_t>{1, 2, 3, 4}).reals, std::vector<float>{4 * 256 + 64});
  model.layers[0].float_scale = {0.7f};
  EXPECT_EQ(reference_infer(model, std::vector<int16_t>{7, 7, 7, 7}).reals, std::vector<float>{-32 * 256});
  model.layers[0].float_scale = {0x1p100f};
  EXPECT_EQ(reference_infer(model, std::vector<int16_t>{1, 2, 3, 4}).reals, std::vector<float>{126 * 256});
}

// 1 + 2^-24 rounds to 1, so that adding 2^-24 twice to 1 gives 1, but adding 1 to 2^-23 does not: the order counts.
TEST(Reference, FloatSumsRunInTheOrderOfTheTaps) {
  Network network{"net", {3, 1, 1}, Format::kInt8, {}};
  append(network, {.name = "conv", .op = Conv2d{1, {3, 1, 1, 1}, Padding::kValid}, .weights = Format::kFloat32});
  QuantizedModel model{network, 1.0, {QuantizedLayer{}}};
  model.layers[0].float_scale = {1.0f}, model.layers[0].float_offset = {0.0f};
  const std::vector<int16_t> ones = {1, 1, 1};
  model.layers[0].float_weights = {1.0f, 0x1p-24f, 0x1p-24f};
  EXPECT_EQ(reference_infer(model, ones).reals, std::vector<float>{1.0f});
  model.layers[0].float_weights = {0x1p-24f, 0x1p-24f, 1.0f};
  EXPECT_EQ(reference_infer(model, ones).reals, std::vector<float>{1.0f + 0x1p-23f});
}

TEST(Reference, RejectsInputsThatAreNotTheNetworks) {
  const Network network = random_network(3);
  const QuantizedModel model = random_model(network, 3);
  auto input = random_input(network, 3);
  input.push_back(0);
  EXPECT_THROW(reference_infer(model, input), StructureError);
}

TEST(Reference, ArgmaxIsTheFirstOfEquals) {
  EXPECT_EQ(argmax({Format::kInt32, {1, 5, 5, 2}, {}}), 1);
  EXPECT_EQ(argmax({Format::kFloat32, {}, {-2.0f, -1.0f, -1.0f}}), 1);
}

// A dense identity with an output scale of 1/4: what goes in comes out at a quarter, example by example.
TEST(Reference, OutputsAreScaleTimesCode) {
  Network network{"net", {1, 1, 4}, Format::kInt8, {}};
  append(network, {.name = "dense", .op = Dense{4}, .weights = Format::kInt8});
  QuantizedModel model{network, 1.0, {QuantizedLayer{.output_scale = 0.25}}};
  for (int i = 0; i < 16; ++i) model.layers[0].weights.push_back(i % 5 == 0);
  Dataset data;
  data.front_end.output = network.input;
  data.codes = {100, -3, 0, 7, -128, 127, 1, 2};
  data.labels = {0, 1};
  EXPECT_EQ(reference_outputs(model, data), (std::vector<float>{25, -0.75, 0, 1.75, -32, 31.75, 0.25, 0.5}));
}

}  // namespace
}  // namespace bitwright

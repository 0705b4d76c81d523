// SPDX-License-Identifier: Apache-2.0
#include "tests/trainer/random_network.h"

#include <cmath>

#include "core/error.h"

namespace bitwright {
namespace {

constexpr Format kWeights[] = {Format::kBinary, Format::kTernary, Format::kInt2, Format::kInt4, Format::kInt8};
constexpr Format kActivations[] = {Format::kBinary, Format::kTernary, Format::kInt2,       Format::kInt4,
                                   Format::kUint2,  Format::kUint4,   Format::kUint5,      Format::kInt8,
                                   Format::kUint8,  Format::kInt16,   Format::kAccumulator};
constexpr Format kInputs[] = {Format::kBinary, Format::kTernary, Format::kInt4, Format::kUint8, Format::kInt8};

template <class T, size_t kSize>
T pick(const T (&items)[kSize], Rng& rng) {
  return items[rng.below(kSize)];
}

Window random_window(const Shape& in, int largest, Rng& rng) {
  const auto size = [&](int n) { return rng.between(1, std::min(n, largest)); };
  Window w{size(in.h), size(in.w), rng.between(1, 2), rng.between(1, 2)};
  if (in.w == 1) w.stride_w = 1;
  return w;
}

Op random_op(const Network& network, const Shape& in, Rng& rng) {
  const Padding paddings[] = {Padding::kValid, Padding::kZero, Padding::kMinusOne, Padding::kPlusOne};
  switch (rng.below(8)) {
    case 0: return MaxPool2d{random_window(in, 3, rng)};
    case 1: return AvgPool2d{random_window(in, 3, rng)};
    case 2: return DepthwiseConv2d{random_window(in, 4, rng), pick(paddings, rng)};
    case 4:
      if (in.elements() > 400) return MaxPool2d{random_window(in, 3, rng)};
      return Upsample2d{rng.between(1, 3), in.w == 1 ? 1 : rng.between(1, 2)};
    case 3:
      if (!network.layers.empty()) return Add{rng.between(kNetworkInput, static_cast<int>(network.layers.size()) - 1)};
      [[fallthrough]];
    default: return Conv2d{rng.between(1, 5), random_window(in, 4, rng), pick(paddings, rng)};
  }
}

LayerSpec random_layer(const Network& network, const Shape& in, bool floats, Rng& rng) {
  LayerSpec layer;
  layer.name = "layer" + std::to_string(network.layers.size());
  layer.op = random_op(network, in, rng);
  layer.weights = floats && rng.below(4) == 0 ? Format::kFloat32 : pick(kWeights, rng);
  if (!has_accumulators(layer.op)) return layer;
  layer.activations = floats && rng.below(4) == 0 ? Format::kFloat32 : pick(kActivations, rng);
  layer.relu = layer.activations == Format::kFloat32;
  layer.bias = has_weights(layer.op) && rng.below(3) == 0;
  layer.batch_norm = layer.activations != Format::kAccumulator && rng.below(2) == 0;
  layer.range_log2 = rng.between(-1, 3);
  if (rng.below(3) == 0) layer.pool = random_window(in, 3, rng);
  return layer;
}

// Whether the network with this layer at its end still closes; then it is kept.
bool try_append(Network& network, LayerSpec layer) {
  Network longer = network;
  append(longer, std::move(layer));
  try {
    infer_shapes(longer);
  } catch (const StructureError&) {
    return false;
  }
  network = longer;
  return true;
}

// Rows of k * 2^-4 that hold the largest code of the format, so that the scale is 2^-4.
std::vector<float> dyadic_weights(Format format, int64_t count, int64_t rows, Rng& rng) {
  const bool wide = bit_width(format) > 2;
  const int largest = wide ? max_code(format) : 1;
  std::vector<float> out;
  for (int64_t i = 0; i < count; ++i) {
    const bool first = i % (count / rows) == 0, sign = rng.below(2);
    const int code = first || !wide ? largest : rng.between(0, largest);
    out.push_back(std::ldexp(static_cast<float>(sign ? code : -code), -4));
  }
  return out;
}

}  // namespace

Network random_network(Rng& rng, bool floats) {
  Network network;
  const bool is_1d = rng.below(2);
  network.input = is_1d ? Shape{rng.between(12, 40), 1, rng.between(1, 3)}
                        : Shape{rng.between(4, 9), rng.between(4, 9), rng.between(1, 3)};
  network.input_format = pick(kInputs, rng);
  const int body = rng.between(1, 5);
  for (int tries = 0; tries < 200 && std::ssize(network.layers) < body; ++tries) {
    const Shape in = network.layers.empty() ? network.input : infer_shapes(network).back().output;
    try_append(network, random_layer(network, in, floats, rng));
  }
  const uint64_t end = rng.below(4);
  if (end < 2) try_append(network, {.name = "gap", .op = GlobalAvgPool{}});
  if (end == 2)
    try_append(network, {.name = "spread",
                         .op = GlobalLogVariance{},
                         .batch_norm = rng.below(2) == 0,
                         .activations = floats && rng.below(2) == 0 ? Format::kFloat32 : Format::kInt8,
                         .range_log2 = 4});
  if (network.layers.empty() || infer_shapes(network).back().output.h * infer_shapes(network).back().output.w > 1)
    append(network, {.name = "flat", .op = Flatten{}});
  const LayerSpec raw{.name = "out", .op = Dense{3}, .weights = pick(kWeights, rng)};
  const LayerSpec real{
      .name = "out", .op = Dense{3}, .weights = Format::kInt8, .bias = true, .activations = Format::kFloat32};
  if (rng.below(2) == 0 || !try_append(network, raw))
    if (!try_append(network, real)) return random_network(rng, floats);  // accumulators beyond 2^30: draw again
  return network;
}

Parameters random_parameters(const Network& network, Rng& rng, bool dyadic) {
  Parameters out;
  const auto shapes = infer_shapes(network);
  const auto normal = [&](int64_t n, double mean, double spread) {
    std::vector<float> v(static_cast<size_t>(n));
    for (float& x : v) x = static_cast<float>(mean + spread * rng.normal());
    return v;
  };
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const LayerSpec& layer = network.layers[i];
    LayerParameters p;
    const int64_t count = weight_count(layer, shapes[i]), channels = shapes[i].output.c;
    if (dyadic && count > 0) p.weights = dyadic_weights(layer.weights, count, channels, rng);
    if (!dyadic) p.weights = normal(count, 0.0, 0.4);
    if (layer.bias)
      for (int64_t c = 0; c < channels; ++c)
        p.bias.push_back(std::ldexp(static_cast<float>(rng.between(-16, 16)), dyadic ? -4 : -5));
    if (layer.batch_norm) {
      p.gamma = normal(channels, 0.3, 1.0);
      p.beta = normal(channels, 0.0, 0.5);
      p.running_mean = normal(channels, 0.0, 1.0);
      p.running_var = normal(channels, 4.0, 0.5);
    }
    out.layers.push_back(p);
  }
  return out;
}

Dataset random_inputs(const Network& network, int count, double input_scale, Rng& rng) {
  Dataset data;
  data.front_end.output = network.input;
  data.front_end.format = network.input_format;
  data.front_end.input_scale = input_scale;
  data.classes = {"a", "b", "c"};
  for (int64_t i = 0; i < count * network.input.elements(); ++i) {
    const int low = min_code(network.input_format), high = max_code(network.input_format);
    data.codes.push_back(static_cast<int16_t>(network.input_format == Format::kBinary ? 2 * rng.between(0, 1) - 1
                                                                                      : rng.between(low, high)));
  }
  data.labels.assign(count, 0);
  data.groups.assign(count, 0);
  return data;
}

}  // namespace bitwright

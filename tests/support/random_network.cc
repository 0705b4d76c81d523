// SPDX-License-Identifier: Apache-2.0
#include "tests/support/random_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "core/error.h"
#include "core/rng.h"

namespace bitwright::testing {
namespace {

constexpr int64_t kMostMacs = 100000;
constexpr int64_t kMostElements = 4096;

Format between_formats(Rng& rng, Format first, Format last) {
  return static_cast<Format>(rng.between(static_cast<int>(first), static_cast<int>(last)));
}

int channels(Rng& rng) {
  return rng.pick<int>({1, 2, 3, 5, 8, 16, 31, 32, 33, 40, 64, 70, rng.between(1, 80)});
}

// Often the format whose pair with the input has a kernel of its own.
Format weight_format(Rng& rng, Format input) {
  if (rng.chance(0.4) && input == Format::kTernary) return Format::kTernary;
  if (rng.chance(0.4) && input == Format::kBinary) return rng.pick<Format>({Format::kBinary, Format::kTernary});
  if (rng.chance(0.06)) return Format::kFloat32;
  if (rng.chance(0.5)) return rng.pick<Format>({Format::kBinary, Format::kTernary, Format::kInt8});
  return between_formats(rng, Format::kBinary, Format::kInt8);
}

Format activation_format(Rng& rng) {
  if (rng.chance(0.18)) return Format::kFloat32;
  if (rng.chance(0.15)) return Format::kAccumulator;
  if (rng.chance(0.08)) return Format::kInt16;
  if (rng.chance(0.55))
    return rng.pick<Format>(
        {Format::kBinary, Format::kBinary, Format::kTernary, Format::kInt8, Format::kUint8, Format::kUint4});
  return between_formats(rng, Format::kBinary, Format::kUint8);
}

// One-dimensional maps have windows of width 1.
Window window(Rng& rng, bool flat, int largest) {
  Window w;
  w.h = rng.between(1, largest), w.stride_h = rng.between(1, 3);
  if (!flat) w.w = rng.between(1, largest), w.stride_w = rng.between(1, 3);
  return w;
}

Window unit_stride(Window w) {
  w.stride_h = w.stride_w = 1;
  return w;
}

Op random_op(Rng& rng, const Network& network, const Shape& in) {
  const bool flat = in.w == 1;
  const Padding padding =
      rng.pick<Padding>({Padding::kValid, Padding::kZero, Padding::kZero, Padding::kMinusOne, Padding::kPlusOne});
  Window kernel = window(rng, flat, flat ? 7 : 4);
  if (rng.chance(0.5)) kernel = unit_stride(kernel);
  const int earlier = static_cast<int>(network.layers.size()) - 1;
  switch (rng.between(0, 15)) {
    case 0: return DepthwiseConv2d{kernel, padding};
    case 1: return MaxPool2d{window(rng, flat, 3)};
    case 2: return AvgPool2d{window(rng, flat, 3)};
    case 3: return GlobalAvgPool{};
    case 4: return Flatten{};
    case 5:
    case 6: return Add{rng.between(std::max(-1, earlier - 3), earlier)};
    case 7:
    case 8: return Dense{channels(rng)};
    case 15: return GlobalLogVariance{};
    case 9: return Upsample2d{rng.between(1, 4), flat ? rng.pick<int>({1, 1, 2}) : rng.between(1, 3)};
    default: return Conv2d{channels(rng), kernel, padding};
  }
}

LayerSpec random_layer(Rng& rng, const Network& network, const Shape& in) {
  LayerSpec layer;
  const int count = static_cast<int>(network.layers.size());
  layer.name = "layer" + std::to_string(count);
  layer.from = count - 1;
  layer.op = random_op(rng, network, in);
  layer.weights = weight_format(rng, storage_format(network, layer.from));
  layer.activations = activation_format(rng);
  if (!has_accumulators(layer.op)) return layer;
  layer.bias = has_weights(layer.op) && rng.chance(0.3);
  layer.relu = layer.activations == Format::kFloat32 && rng.chance(0.5);
  layer.range_log2 = rng.between(-2, 3);
  if (rng.chance(0.25)) layer.pool = window(rng, in.w == 1, 3);
  layer.batch_norm = layer.activations != Format::kAccumulator && rng.chance(0.7);
  return layer;
}

bool acceptable(const Network& network) {
  try {
    const auto shapes = infer_shapes(network);
    return macs(network) <= kMostMacs && shapes.back().output.elements() <= kMostElements;
  } catch (const StructureError&) {
    return false;
  }
}

void draw_weights(Rng& rng, const LayerSpec& spec, size_t count, QuantizedLayer& layer) {
  if (spec.weights == Format::kFloat32) {
    for (size_t i = 0; i < count; ++i) layer.float_weights.push_back(static_cast<float>(rng.normal()));
    return;
  }
  const int32_t low = min_code(spec.weights), high = max_code(spec.weights);
  const bool constant = rng.chance(0.1);
  for (size_t i = 0; i < count; ++i) {
    const int code = spec.weights == Format::kBinary ? (rng.chance(0.5) ? 1 : -1) : rng.between(low, high);
    layer.weights.push_back(static_cast<int8_t>(constant ? high : code));
  }
}

// About the size that accumulators have: a sum of random signs grows with the root of the bound.
int32_t typical(Rng& rng, int64_t bound) {
  const double size = rng.chance(0.5) ? 2.0 * std::sqrt(static_cast<double>(bound)) : static_cast<double>(bound);
  return static_cast<int32_t>(std::lround(rng.uniform(-size, size)));
}

void draw_thresholds(Rng& rng, Format format, size_t channel_count, int64_t bound, QuantizedLayer& layer) {
  for (size_t c = 0; c < channel_count; ++c) {
    const uint8_t descending = rng.chance(0.4);
    std::vector<int32_t> t;
    for (int k = 0; k < threshold_count(format); ++k) t.push_back(typical(rng, bound));
    if (rng.chance(0.1)) t.back() = INT32_MAX;
    if (rng.chance(0.1)) t.front() = INT32_MIN;
    if (rng.chance(0.8)) std::sort(t.begin(), t.end());
    if (descending) std::reverse(t.begin(), t.end());
    layer.thresholds.insert(layer.thresholds.end(), t.begin(), t.end());
    layer.descending.push_back(descending);
  }
}

void draw_multipliers(Rng& rng, size_t channel_count, QuantizedLayer& layer) {
  for (size_t c = 0; c < channel_count; ++c) {
    const int shift = rng.chance(0.1) ? rng.pick<int>({0, 1, 62}) : rng.between(20, 40);
    const int64_t most = (int64_t{1} << 31) - 1;
    layer.multiplier.push_back(static_cast<int32_t>(std::lround(rng.uniform(-1.0, 1.0) * static_cast<double>(most))));
    const double offset = std::ldexp(rng.uniform(-1.0, 1.0), std::min(shift + rng.between(0, 12), 61));
    layer.offset.push_back(static_cast<int64_t>(offset));
    layer.shift.push_back(static_cast<uint8_t>(shift));
  }
}

void draw_floats(Rng& rng, size_t channel_count, int64_t bound, QuantizedLayer& layer) {
  for (size_t c = 0; c < channel_count; ++c) {
    layer.float_scale.push_back(static_cast<float>(rng.normal() / std::sqrt(static_cast<double>(bound) + 1.0)));
    layer.float_offset.push_back(static_cast<float>(rng.chance(0.2) ? 0.0 : rng.normal()));
  }
}

QuantizedLayer random_quantized_layer(Rng& rng, const Network& network, int index, const LayerShapes& shapes) {
  const LayerSpec& spec = network.layers[index];
  QuantizedLayer layer;
  const Format out = storage_format(network, index);
  const size_t count = static_cast<size_t>(shapes.output.c);
  if (has_weights(spec.op)) draw_weights(rng, spec, static_cast<size_t>(weight_count(spec, shapes)), layer);
  if (const auto* add = std::get_if<Add>(&spec.op); add && !computes_in_float(network, index)) {
    const int a = *scale_log2(network, spec.from), b = *scale_log2(network, add->with);
    layer.shift_from = a - std::min(a, b), layer.shift_with = b - std::min(a, b);
  }
  const bool counts = has_accumulators(spec.op) && !computes_in_float(network, index);
  const int64_t bound = counts ? accumulator_bound(network, index) : 4;
  switch (epilogue(network, index)) {
    case Epilogue::kRaw:
      if (spec.bias && rng.chance(0.8))
        for (size_t c = 0; c < count; ++c) layer.bias.push_back(rng.between(-1000000, 1000000));
      break;
    case Epilogue::kThreshold: draw_thresholds(rng, out, count, bound, layer); break;
    case Epilogue::kRequantize: draw_multipliers(rng, count, layer); break;
    case Epilogue::kFloat: draw_floats(rng, count, bound, layer); break;
    case Epilogue::kNone: break;
  }
  if (is_integer(out) && spec.activations != Format::kAccumulator && has_accumulators(spec.op))
    layer.output_scale = activation_scale(out, spec.range_log2);
  if (epilogue(network, index) == Epilogue::kFloat && is_integer(out))
    layer.inverse_step = static_cast<float>(1.0 / layer.output_scale);
  return layer;
}

}  // namespace

Network random_network(uint64_t seed) {
  Rng rng(seed, 1);
  Network network;
  network.name = "net" + std::to_string(seed);
  const bool one_dimensional = rng.chance(0.5);
  network.input = one_dimensional ? Shape{rng.between(1, 60), 1, channels(rng)}
                                  : Shape{rng.between(1, 12), rng.between(1, 12), channels(rng)};
  if (rng.chance(0.4)) network.input.c = rng.between(1, 3);
  network.input_format = rng.chance(0.5)   ? Format::kInt8
                         : rng.chance(0.2) ? Format::kInt16
                                           : between_formats(rng, Format::kBinary, Format::kUint8);
  const int wanted = rng.between(1, 8);
  for (int attempt = 0; attempt < 1000 && static_cast<int>(network.layers.size()) < wanted; ++attempt) {
    const Shape in = network.layers.empty() ? network.input : infer_shapes(network).back().output;
    network.layers.push_back(random_layer(rng, network, in));
    if (!acceptable(network)) network.layers.pop_back();
  }
  BW_CHECK(!network.layers.empty());
  return network;
}

Network random_layer_network(uint64_t seed) {
  Rng rng(seed, 6);
  const bool flat = rng.chance(0.5);
  const Shape shape = flat ? Shape{rng.between(5, 70), 1, rng.between(1, 50)}
                           : Shape{rng.between(3, 9), rng.between(3, 9), rng.between(1, 40)};
  const std::vector<Format> inputs = {Format::kBinary, Format::kBinary,  Format::kBinary, Format::kTernary,
                                      Format::kBinary, Format::kTernary, Format::kInt2,   Format::kUint2,
                                      Format::kInt4,   Format::kUint4,   Format::kInt8,   Format::kUint8,
                                      Format::kInt16};
  Network n{"layer" + std::to_string(seed), shape, rng.pick(inputs), {}};
  const Window window{rng.between(1, 5), flat ? 1 : rng.between(1, 4), rng.between(1, 2), flat ? 1 : rng.between(1, 2)};
  const auto padding = static_cast<Padding>(rng.between(0, n.input_format <= Format::kTernary ? 3 : 1));
  LayerSpec layer{.name = "layer", .op = Conv2d{rng.between(1, 40), window, padding}};
  if (rng.chance(0.2)) layer.op = DepthwiseConv2d{window, padding};
  if (rng.chance(0.1)) layer.op = Dense{rng.between(1, 40)};
  if (rng.chance(0.3)) layer.pool = Window{rng.between(1, 3), flat ? 1 : rng.between(1, 3), rng.between(1, 3), 1};
  layer.weights = rng.pick<Format>({Format::kBinary, Format::kTernary, Format::kInt2, Format::kInt4, Format::kInt8});
  if (n.input_format == Format::kBinary && rng.chance(0.6)) layer.weights = Format::kBinary;
  layer.activations = rng.chance(0.4) ? Format::kBinary : activation_format(rng);
  n.layers.push_back(layer);
  return n;
}

Network random_border_network(uint64_t seed) {
  Rng rng(seed, 8);
  Network n{"border" + std::to_string(seed), {rng.between(1, 6), rng.between(1, 6), rng.between(1, 40)}, {}, {}};
  n.input_format =
      rng.chance(0.5)
          ? Format::kBinary
          : rng.pick<Format>({Format::kTernary, Format::kInt4, Format::kInt8, Format::kUint8, Format::kInt16});
  const Window window{rng.between(2, 5), rng.between(2, 5), rng.pick<int>({1, 1, 2}), rng.pick<int>({1, 1, 2})};
  const auto padding = static_cast<Padding>(rng.between(1, n.input_format <= Format::kTernary ? 3 : 1));
  LayerSpec layer{.name = "layer", .op = Conv2d{rng.between(1, 40), window, padding}};
  if (rng.chance(0.3)) layer.op = DepthwiseConv2d{window, padding};
  if (rng.chance(0.2)) layer.pool = Window{rng.between(1, 2), rng.between(1, 2), 1, 1};
  layer.weights = rng.pick<Format>({Format::kBinary, Format::kTernary, Format::kInt4, Format::kInt8});
  if (n.input_format == Format::kBinary && rng.chance(0.7)) layer.weights = Format::kBinary;
  layer.activations = rng.pick<Format>({Format::kAccumulator, Format::kBinary, activation_format(rng)});
  n.layers.push_back(layer);
  return n;
}

Network random_signal_network(uint64_t seed) {
  Rng rng(seed, 7);
  Network n{fmt::format("signal{}", seed),
            {rng.between(40, 200) + 400 * rng.between(0, 1), 1, rng.between(1, 4)},
            between_formats(rng, Format::kInt5, Format::kInt16),
            {}};
  const int layers = rng.between(1, 4);
  for (int i = 0; i < layers; ++i) {
    const int channels = rng.below(2) == 0 ? 32 : rng.between(1, 40);
    LayerSpec layer{.name = fmt::format("conv{}", i),
                    .op = Conv2d{channels, {rng.between(1, 6), 1, rng.between(1, 2), 1}}};
    if (rng.below(6) == 0) layer.op = DepthwiseConv2d{{rng.between(1, 4), 1, 1, 1}, Padding::kZero};
    if (auto* conv = std::get_if<Conv2d>(&layer.op))
      conv->padding = rng.below(2) == 0 ? Padding::kValid : Padding::kZero;
    layer.weights = rng.below(2) == 0 ? Format::kBinary : between_formats(rng, Format::kTernary, Format::kInt8);
    layer.activations = rng.below(2) == 0 ? Format::kBinary : between_formats(rng, Format::kTernary, Format::kUint8);
    if (rng.below(3) == 0) layer.activations = Format::kAccumulator;
    if (rng.below(3) == 0) layer.pool = Window{rng.between(2, 4), 1, rng.between(2, 4), 1};
    append(n, layer);
  }
  if (rng.below(4) != 0) {
    append(n, {.name = "flat", .op = Flatten{}});
    append(n, {.name = "dense",
               .op = Dense{rng.between(2, 12)},
               .weights = rng.below(2) ? Format::kBinary : Format::kInt4,
               .activations = rng.below(3) == 0 ? Format::kFloat32 : Format::kAccumulator});
    append(n, {.name = "last", .op = Dense{3}, .weights = Format::kInt8});
  }
  return n;
}

Network random_reduced_signal_network(uint64_t seed) {
  Rng rng(seed, 9);
  Network n{fmt::format("reduced{}", seed),
            {rng.between(100, 700), 1, rng.between(1, 3)},
            rng.pick<Format>({Format::kInt8, Format::kInt16}),
            {}};
  const int layers = rng.between(2, 3);
  for (int i = 0; i < layers; ++i) {
    const Window kernel{rng.between(1, 5), 1, rng.between(2, 3), 1};
    LayerSpec layer{.name = fmt::format("conv{}", i), .op = Conv2d{rng.between(1, 16), kernel}};
    if (rng.chance(0.2)) layer.op = DepthwiseConv2d{kernel, Padding::kZero};
    layer.weights = rng.chance(0.5) ? Format::kBinary : Format::kInt4;
    layer.activations = rng.pick<Format>({Format::kBinary, Format::kInt8, Format::kUint4, Format::kAccumulator});
    layer.pool = Window{rng.between(2, 3), 1, rng.between(1, 2), 1};
    append(n, layer);
  }
  append(n, {.name = "flat", .op = Flatten{}});
  append(
      n,
      {.name = "dense", .op = Dense{rng.between(2, 9)}, .weights = rng.chance(0.5) ? Format::kBinary : Format::kInt4});
  return n;
}

Kernels random_kernels(const Network& network) {
  Rng rng(std::hash<std::string>()(canonical_text(network)), 5);
  Kernels kernels;
  for (int i = 0; i < static_cast<int>(network.layers.size()); ++i) {
    const std::vector<std::string> able = kernels_for(network, i);
    kernels.push_back(able.empty() ? "" : able[rng.below(able.size())]);
  }
  return kernels;
}

Parameters random_parameters(const Network& network, uint64_t seed) {
  Rng rng(seed, 2);
  Parameters parameters;
  const auto shapes = infer_shapes(network);
  for (size_t i = 0; i < shapes.size(); ++i) {
    const LayerSpec& spec = network.layers[i];
    LayerParameters layer;
    const int outputs = shapes[i].output.c;
    const int64_t count = weight_count(spec, shapes[i]), row = has_weights(spec.op) ? count / outputs : 1;
    for (int64_t k = 0; k < count; ++k) layer.weights.push_back(static_cast<float>(0.3 * rng.normal()));
    for (int c = 0; c < outputs && count > 0; ++c)
      if (rng.chance(0.05)) std::fill_n(layer.weights.begin() + c * row, row, rng.chance(0.5) ? 0.25f : 0.0f);
    for (int c = 0; c < outputs && spec.bias; ++c) layer.bias.push_back(static_cast<float>(rng.normal()));
    for (int c = 0; c < outputs && spec.batch_norm; ++c) {
      layer.gamma.push_back(rng.chance(0.1) ? 0.0f : static_cast<float>(1.0 + rng.normal()));
      layer.beta.push_back(static_cast<float>(rng.normal()));
      layer.running_mean.push_back(static_cast<float>(3.0 * rng.normal()));
      layer.running_var.push_back(static_cast<float>(rng.chance(0.05) ? 0.0 : 9.0 * rng.uniform()));
    }
    parameters.layers.push_back(std::move(layer));
  }
  return parameters;
}

QuantizedModel random_model(const Network& network, uint64_t seed) {
  Rng rng(seed, 3);
  QuantizedModel model;
  model.network = network;
  model.input_scale = std::ldexp(1.0 + rng.uniform(), rng.between(-8, 2));
  const auto shapes = infer_shapes(network);
  for (int i = 0; i < static_cast<int>(shapes.size()); ++i)
    model.layers.push_back(random_quantized_layer(rng, network, i, shapes[i]));
  check_model(model);
  return model;
}

std::vector<int16_t> random_input(const Network& network, uint64_t seed) {
  Rng rng(seed, 4);
  const int32_t low = min_code(network.input_format), high = max_code(network.input_format);
  const bool extreme = rng.chance(0.1);
  std::vector<int16_t> codes;
  for (int64_t i = 0; i < network.input.elements(); ++i) {
    const bool ends = extreme || network.input_format == Format::kBinary;
    codes.push_back(static_cast<int16_t>(ends ? (rng.chance(0.5) ? low : high) : rng.between(low, high)));
  }
  return codes;
}

}  // namespace bitwright::testing

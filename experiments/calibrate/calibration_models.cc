// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibrate/calibration_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "core/error.h"
#include "core/kernel.h"
#include "core/rng.h"

namespace bitwright {
namespace {

constexpr int64_t kMostMacs = 40'000;
constexpr int64_t kMostElements = 3'000;

int between(Rng& rng, int low, int high) {
  return low + static_cast<int>(rng.below(static_cast<uint64_t>(high - low + 1)));
}
bool chance(Rng& rng, double share) {
  return rng.uniform() < share;
}
template <class T>
T pick(Rng& rng, const std::vector<T>& items) {
  return items[rng.below(items.size())];
}

Format integer_format(Rng& rng) {
  return static_cast<Format>(between(rng, static_cast<int>(Format::kBinary), static_cast<int>(Format::kInt16)));
}
Format weight_format(Rng& rng) {
  return static_cast<Format>(between(rng, static_cast<int>(Format::kBinary), static_cast<int>(Format::kInt8)));
}

// What a kernel's name asks for.
struct Wanted {
  std::string operation;  // "conv2d", "dense", "depthwise", "sum_pool", "add", "max_pool", "upsample", "log_variance"
  std::string types;      // "a1w1", ...; empty where the operation has none
  bool poly = false;
  bool to_float = false;  // integer accumulators, float epilogue
  bool in_float = false;
  bool float_weights = false;
};

Wanted wanted(const std::string& kernel) {
  Wanted w;
  w.to_float = kernel.ends_with("_to_f32");
  w.float_weights = kernel == "conv2d_wf32";
  w.in_float = w.float_weights || (!w.to_float && kernel.ends_with("_f32"));
  w.poly = is_poly(kernel);
  w.types = has_weight_rows(kernel) || kernel.find("axwx") != std::string::npos ? kernel_types(kernel) : "";
  w.operation = kernel.substr(0, kernel.size() - (w.to_float ? 7 : w.in_float ? 4 : 0));
  if (!w.types.empty() || w.float_weights) w.operation = kernel.substr(0, kernel.find('_'));
  return w;
}

bool is_window(const Wanted& w) {
  return w.operation == "conv2d" || w.operation == "dense";
}

// conv2d_axwx reads inputs of every format, but only binary and ternary ones may have a border of -1 or +1. Such
// inputs, borders and maps of one pixel, which are nearly all border, are drawn so often that the fit can tell their
// cost.
bool seldom_has_border(const std::string& types) {
  return types == "axwx";
}

Format input_format(Rng& rng, const std::string& types) {
  if (types.starts_with("a1w")) return Format::kBinary;
  if (types.starts_with("at")) return Format::kTernary;
  if (types.starts_with("a8") && chance(rng, 0.5)) return chance(rng, 0.5) ? Format::kInt8 : Format::kUint8;
  if (types == "a16w1") return Format::kInt16;
  if (seldom_has_border(types) && chance(rng, 0.6)) return chance(rng, 0.5) ? Format::kBinary : Format::kTernary;
  if (types.starts_with("a16") && chance(rng, 0.6))
    return pick<Format>(rng, {Format::kBinary, Format::kTernary, Format::kUint2, Format::kInt4, Format::kUint4,
                              Format::kInt8, Format::kUint8, Format::kInt16});
  return integer_format(rng);
}

Format weights_of(Rng& rng, const Wanted& w) {
  if (w.types.ends_with("w1")) return Format::kBinary;
  if (w.types.ends_with("wt")) return Format::kTernary;
  if (w.types.ends_with("w2")) return chance(rng, 0.5) ? Format::kTernary : Format::kInt2;
  if (w.types.ends_with("w4")) return chance(rng, 0.3) ? Format::kInt3 : Format::kInt4;
  if (w.types.ends_with("w8"))
    return pick<Format>(rng, {Format::kInt8, Format::kInt8, Format::kInt5, Format::kInt6, Format::kInt7});
  if (w.float_weights || (w.in_float && chance(rng, 0.6))) return Format::kFloat32;
  return weight_format(rng);
}

Format activations(Rng& rng, const Wanted& w) {
  if (w.poly) return Format::kBinary;
  if (w.to_float) return Format::kFloat32;
  if (w.in_float && chance(rng, 0.4)) return Format::kFloat32;
  if (chance(rng, 0.3)) return Format::kBinary;
  if (chance(rng, 0.2)) return Format::kAccumulator;
  return integer_format(rng);
}

// Long windows of kernels that cut them into pieces, and short ones.
int dense_inputs(Rng& rng) {
  return chance(rng, 0.5) ? between(rng, 1, 200) : between(rng, 200, 2600);
}

Shape input_shape(Rng& rng, const Wanted& w) {
  const int c = pick<int>(rng, {1, 1, 2, 3, 4, 6, 8, 12, 16, 20, 24, 32, 32, 33, 40, 48, 64, 96});
  if (w.operation == "dense") return {1, 1, dense_inputs(rng)};
  if (w.types == "a16w8" && chance(rng, 0.15)) return {between(rng, 5, 80), 1, 1};
  if (!w.poly && chance(rng, 0.15)) return {1, 1, is_window(w) ? dense_inputs(rng) : between(rng, 1, 12) * c};
  if (chance(rng, 0.5)) return {between(rng, 1, 80), 1, c};
  return {between(rng, 1, 14), between(rng, 1, 14), c};
}

Window window(Rng& rng, const Shape& in, int largest) {
  Window w;
  w.h = between(rng, 1, largest);
  if (in.w > 1) w.w = between(rng, 1, largest);
  if (chance(rng, 0.3)) w.stride_h = between(rng, 1, 3);
  if (chance(rng, 0.3) && in.w > 1) w.stride_w = between(rng, 1, 3);
  return w;
}

// Now and then a kernel as wide as the map, whose rows lie one behind another, or the five samples of a signal that
// conv2d_a16w8 keeps in registers.
Window kernel_window(Rng& rng, const Shape& in) {
  Window w = window(rng, in, 5);
  if (in.w == 1 && in.c == 1 && in.h >= 5 && chance(rng, 0.4)) w.h = 5;
  if (in.w > 1 && chance(rng, 0.1)) w.w = in.w;
  return w;
}

Padding padding(Rng& rng, const Wanted& w) {
  if (seldom_has_border(w.types) && chance(rng, 0.5)) return chance(rng, 0.5) ? Padding::kMinusOne : Padding::kPlusOne;
  return pick<Padding>(
      rng, {Padding::kValid, Padding::kValid, Padding::kZero, Padding::kZero, Padding::kMinusOne, Padding::kPlusOne});
}

Op operation(Rng& rng, const Wanted& w, const Shape& in, int inputs) {
  if (w.operation == "depthwise") return DepthwiseConv2d{window(rng, in, 5), padding(rng, w)};
  if (w.operation == "max_pool") return MaxPool2d{window(rng, in, 4)};
  if (w.operation == "upsample") return Upsample2d{between(rng, 1, 8), in.w > 1 ? between(rng, 1, 8) : 1};
  if (w.operation == "add") return Add{between(rng, 0, inputs - 1)};
  if (w.operation == "log_variance") return GlobalLogVariance{};
  if (w.operation == "sum_pool" && chance(rng, 0.4)) return GlobalAvgPool{};
  if (w.operation == "sum_pool") return AvgPool2d{window(rng, in, 5)};
  if (in.h == 1 && in.w == 1 && (!seldom_has_border(w.types) || chance(rng, 0.4))) return Dense{between(rng, 1, 40)};
  return Conv2d{between(rng, 1, chance(rng, 0.2) ? 80 : 32), kernel_window(rng, in), padding(rng, w)};
}

// Layers that turn the network's input into what `kernel` reads: a float map, or quantized maps to add.
void add_preparation(Rng& rng, const Wanted& w, Network& network) {
  const bool floats = w.in_float && (w.operation != "conv2d" || chance(rng, 0.6));
  const int maps = w.operation == "add" ? 2 : floats ? 1 : 0;
  for (int i = 0; i < maps; ++i) {
    LayerSpec layer;
    layer.name = fmt::format("{}_prepare{}", network.name, i);
    layer.op = DepthwiseConv2d{};
    layer.weights = floats ? Format::kFloat32 : Format::kInt8;
    layer.activations = floats ? Format::kFloat32 : integer_format(rng);
    layer.range_log2 = between(rng, -1, 2);
    network.layers.push_back(layer);
  }
}

Network draw_network(Rng& rng, const std::string& kernel, const std::string& name) {
  const Wanted w = wanted(kernel);
  Network network;
  network.name = name;
  network.input = input_shape(rng, w);
  network.input_format = input_format(rng, w.types);
  add_preparation(rng, w, network);
  LayerSpec layer;
  layer.name = name + "_layer";
  layer.from = static_cast<int>(network.layers.size()) - 1;
  layer.op = operation(rng, w, network.input, static_cast<int>(network.layers.size()));
  layer.weights = weights_of(rng, w);
  if (has_accumulators(layer.op)) {
    layer.activations = activations(rng, w);
    layer.bias = has_weights(layer.op) && chance(rng, 0.3);
    layer.relu = layer.activations == Format::kFloat32 && chance(rng, 0.3);
    if (chance(rng, 0.3)) layer.pool = window(rng, network.input, 4);
  }
  network.layers.push_back(layer);
  return network;
}

bool acceptable(const Network& network, const std::string& kernel) {
  try {
    const std::vector<std::string> able = kernels_for(network, static_cast<int>(network.layers.size()) - 1);
    const std::vector<LayerShapes> shapes = infer_shapes(network);
    const LayerSpec& spec = network.layers.back();
    const double pool = spec.pool ? static_cast<double>(spec.pool->h) * spec.pool->w : 1.0;
    const auto outputs = static_cast<double>(shapes.back().output.elements());
    const auto accumulators = static_cast<double>(std::max<int64_t>(shapes.back().accumulators.elements(), 1));
    const double products = static_cast<double>(macs(spec, shapes.back())) / accumulators * outputs * pool;
    return std::find(able.begin(), able.end(), kernel) != able.end() && products <= kMostMacs &&
           network.input.elements() <= kMostElements && outputs * pool <= kMostElements;
  } catch (const StructureError&) {
    return false;
  }
}

void draw_weights(Rng& rng, const LayerSpec& spec, int64_t count, QuantizedLayer& layer) {
  for (int64_t i = 0; i < count; ++i) {
    if (spec.weights == Format::kFloat32)
      layer.float_weights.push_back(static_cast<float>(rng.normal()));
    else if (spec.weights == Format::kBinary)
      layer.weights.push_back(chance(rng, 0.5) ? 1 : -1);
    else
      layer.weights.push_back(static_cast<int8_t>(between(rng, min_code(spec.weights), max_code(spec.weights))));
  }
}

// A sum of random signs grows with the root of its bound.
double typical_size(int64_t bound) {
  return 1.0 + std::sqrt(static_cast<double>(bound));
}

void draw_thresholds(Rng& rng, Format format, int channels, int64_t bound, QuantizedLayer& layer) {
  const double size = std::min(typical_size(bound), static_cast<double>(bound));
  for (int c = 0; c < channels; ++c) {
    const bool descending = chance(rng, 0.3);
    std::vector<int32_t> t;
    for (int k = 0; k < threshold_count(format); ++k)
      t.push_back(static_cast<int32_t>(std::lround(rng.uniform(-size, size))));
    std::sort(t.begin(), t.end());
    if (descending) std::reverse(t.begin(), t.end());
    layer.thresholds.insert(layer.thresholds.end(), t.begin(), t.end());
    layer.descending.push_back(descending);
  }
}

// Such that a typical accumulator fills the format: multiplier in [2^30, 2^31), as export normalises it.
void draw_multipliers(Rng& rng, Format format, int channels, int64_t bound, QuantizedLayer& layer) {
  const int down = static_cast<int>(std::lround(std::log2(typical_size(bound) / max_code(format))));
  for (int c = 0; c < channels; ++c) {
    layer.multiplier.push_back(static_cast<int32_t>(std::lround(rng.uniform(0x1p30, 0x1p31 - 1))));
    layer.shift.push_back(static_cast<uint8_t>(std::clamp(31 + down, 0, 60)));
    layer.offset.push_back(static_cast<int64_t>(std::ldexp(rng.uniform(-1.0, 1.0), layer.shift.back())));
  }
}

void draw_floats(Rng& rng, int channels, int64_t bound, QuantizedLayer& layer) {
  for (int c = 0; c < channels; ++c) {
    layer.float_scale.push_back(static_cast<float>(rng.uniform(0.5, 2.0) / typical_size(bound)));
    layer.float_offset.push_back(static_cast<float>(rng.normal()));
  }
}

void draw_epilogue(Rng& rng, const Network& network, int index, int channels, QuantizedLayer& layer) {
  const LayerSpec& spec = network.layers[static_cast<size_t>(index)];
  const Format out = storage_format(network, index);
  const bool sums_codes = has_accumulators(spec.op) && !computes_in_float(network, index);
  const int64_t bound = sums_codes ? accumulator_bound(network, index) : 4;
  switch (epilogue(network, index)) {
    case Epilogue::kNone: break;
    case Epilogue::kRaw:
      for (int c = 0; c < channels && spec.bias; ++c) layer.bias.push_back(between(rng, -1000, 1000));
      break;
    case Epilogue::kThreshold: draw_thresholds(rng, out, channels, bound, layer); break;
    case Epilogue::kRequantize: draw_multipliers(rng, out, channels, bound, layer); break;
    case Epilogue::kFloat: draw_floats(rng, channels, bound, layer); break;
  }
}

QuantizedLayer draw_layer(Rng& rng, const Network& network, int index, const LayerShapes& shapes) {
  const LayerSpec& spec = network.layers[static_cast<size_t>(index)];
  QuantizedLayer layer;
  if (has_weights(spec.op)) draw_weights(rng, spec, weight_count(spec, shapes), layer);
  if (const auto* add = std::get_if<Add>(&spec.op); add && !computes_in_float(network, index)) {
    const int a = *scale_log2(network, spec.from), b = *scale_log2(network, add->with);
    layer.shift_from = a - std::min(a, b);
    layer.shift_with = b - std::min(a, b);
  }
  draw_epilogue(rng, network, index, shapes.output.c, layer);
  const Format out = storage_format(network, index);
  if (is_integer(out) && spec.activations != Format::kAccumulator && has_accumulators(spec.op))
    layer.output_scale = activation_scale(out, spec.range_log2);
  if (epilogue(network, index) == Epilogue::kFloat && is_integer(out))
    layer.inverse_step = static_cast<float>(1.0 / layer.output_scale);
  return layer;
}

QuantizedModel draw_model(Rng& rng, const Network& network) {
  QuantizedModel model;
  model.network = network;
  const std::vector<LayerShapes> shapes = infer_shapes(network);
  for (size_t i = 0; i < shapes.size(); ++i)
    model.layers.push_back(draw_layer(rng, network, static_cast<int>(i), shapes[i]));
  check_model(model);
  return model;
}

}  // namespace

std::vector<std::string> all_kernels() {
  std::vector<std::string> names = {"conv2d_wf32",      "conv2d_f32",        "depthwise_f32",    "sum_pool_f32",
                                    "add_f32",          "max_pool_f32",      "max_pool",         "upsample",
                                    "log_variance_f32", "conv2d_a1w1_poly5", "conv2d_a1w1_poly4"};
  for (const char* integer : {"conv2d_a1w1", "conv2d_a1wt", "conv2d_atw1", "conv2d_atwt", "conv2d_a8w1", "conv2d_a16w1",
                              "conv2d_a16w2", "conv2d_a16w4", "conv2d_a16w8", "dense_a16w2", "dense_a16w4",
                              "dense_a16w8", "conv2d_axwx", "depthwise", "sum_pool", "add", "log_variance"}) {
    names.emplace_back(integer);
    names.push_back(std::string(integer) + "_to_f32");
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<QuantizedModel> calibration_models(const std::string& kernel, int count, uint64_t seed) {
  Rng rng(seed);
  std::vector<QuantizedModel> models;
  for (int attempt = 0; static_cast<int>(models.size()) < count; ++attempt) {
    BW_CHECK(attempt < 1000 * count);
    const Network network = draw_network(rng, kernel, fmt::format("m{}", models.size()));
    if (acceptable(network, kernel)) models.push_back(draw_model(rng, network));
  }
  return models;
}

Kernels calibration_kernels(const Network& network, const std::string& kernel) {
  Kernels kernels = default_kernels(network);
  kernels.back() = kernel;
  return kernels;
}

QuantizedModel with_random_weights(const Network& network, uint64_t seed) {
  Rng rng(seed);
  return draw_model(rng, network);
}

std::vector<int16_t> calibration_input(const Network& network, uint64_t seed) {
  Rng rng(seed);
  const int32_t low = min_code(network.input_format), high = max_code(network.input_format);
  std::vector<int16_t> codes;
  for (int64_t i = 0; i < network.input.elements(); ++i)
    codes.push_back(static_cast<int16_t>(network.input_format == Format::kBinary ? (chance(rng, 0.5) ? 1 : -1)
                                                                                 : between(rng, low, high)));
  return codes;
}

}  // namespace bitwright

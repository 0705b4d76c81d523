// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibrate/calibration_models.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/check.h"
#include "core/error.h"
#include "core/kernel.h"
#include "core/rng.h"

namespace bitwright {
namespace {

constexpr int64_t kMostMacs = 40'000;
constexpr int64_t kMostElements = 3'000;

Format integer_format(Rng& rng) {
  return static_cast<Format>(rng.between(static_cast<int>(Format::kBinary), static_cast<int>(Format::kInt16)));
}
Format weight_format(Rng& rng) {
  return static_cast<Format>(rng.between(static_cast<int>(Format::kBinary), static_cast<int>(Format::kInt8)));
}

// What a kernel's name asks for.
struct Wanted {
  std::string operation;  // "conv2d", "dense", "depthwise", "sum_pool", "add", "max_pool", "upsample", "log_variance"
  std::string types;      // "a1w1", ...; empty where the operation has none
  bool poly = false, poly2 = false;  // bits or codes of 2 bits by polynomials
  bool sliced = false;               // bits to bits, 32 channels at once
  bool few = false;
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
  w.sliced = is_sliced(kernel);
  w.few = is_few(kernel);
  w.poly2 = is_poly2(kernel);
  w.types = has_weight_rows(kernel) || kernel.find("axwx") != std::string::npos ? kernel_types(kernel) : "";
  w.operation = kernel.substr(0, kernel.size() - (w.to_float ? 7 : w.in_float ? 4 : 0));
  if (is_depthwise(kernel)) w.types = kernel_types(kernel);
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

Format two_bits(Rng& rng) {
  return rng.pick<Format>({Format::kTernary, Format::kInt2, Format::kUint2});
}

Format input_format(Rng& rng, const std::string& types) {
  if (types.starts_with("a2w")) return two_bits(rng);
  if (types.starts_with("a1w")) return Format::kBinary;
  if (types.starts_with("at")) return Format::kTernary;
  if (types.starts_with("a8") && rng.chance(0.5)) return rng.chance(0.5) ? Format::kInt8 : Format::kUint8;
  if (types == "a16w1") return Format::kInt16;
  if (seldom_has_border(types) && rng.chance(0.6)) return rng.chance(0.5) ? Format::kBinary : Format::kTernary;
  if (types.starts_with("a16") && rng.chance(0.6))
    return rng.pick<Format>({Format::kBinary, Format::kTernary, Format::kUint2, Format::kInt4, Format::kUint4,
                             Format::kInt8, Format::kUint8, Format::kInt16});
  return integer_format(rng);
}

Format weights_of(Rng& rng, const Wanted& w) {
  if (w.poly2)
    return rng.pick<Format>({Format::kBinary, Format::kTernary, Format::kInt2, Format::kInt2, Format::kInt4});
  if (w.types.ends_with("w1")) return Format::kBinary;
  if (w.types.ends_with("wt")) return Format::kTernary;
  if (w.types.ends_with("w2")) return rng.chance(0.5) ? Format::kTernary : Format::kInt2;
  if (w.types.ends_with("w4")) return rng.chance(0.3) ? Format::kInt3 : Format::kInt4;
  if (w.types.ends_with("w8"))
    return rng.pick<Format>({Format::kInt8, Format::kInt8, Format::kInt5, Format::kInt6, Format::kInt7});
  if (w.float_weights || (w.in_float && rng.chance(0.6))) return Format::kFloat32;
  return weight_format(rng);
}

Format activations(Rng& rng, const Wanted& w) {
  if (w.poly2) return two_bits(rng);
  if (w.poly || w.sliced || w.few) return Format::kBinary;
  if (w.to_float) return Format::kFloat32;
  if (w.in_float && rng.chance(0.4)) return Format::kFloat32;
  if (rng.chance(0.4)) return Format::kBinary;
  if (rng.chance(0.2)) return Format::kAccumulator;
  if (rng.chance(0.5)) return rng.pick<Format>({Format::kTernary, Format::kInt3, Format::kUint2, Format::kUint4});
  return integer_format(rng);
}

// Long windows of kernels that cut them into pieces, and short ones.
int dense_inputs(Rng& rng) {
  return rng.chance(0.5) ? rng.between(1, 200) : rng.between(200, 2600);
}

Shape input_shape(Rng& rng, const Wanted& w) {
  if (w.few) return {rng.between(1, 80), rng.chance(0.7) ? 1 : rng.between(1, 14), rng.between(1, 3)};
  int c = rng.pick<int>({1, 1, 2, 3, 4, 6, 8, 12, 16, 20, 24, 32, 32, 33, 40, 48, 64, 96});
  const bool bits = !w.poly && (w.types.starts_with("a1w") || w.types.starts_with("at"));
  if (bits && rng.chance(0.5)) c = rng.pick<int>({16, 24, 32, 40, 64, 64, 96, 128});  // windows of several words
  if (w.operation == "dense" && rng.chance(0.35)) return {rng.between(1, 4), rng.between(1, 3), c};
  if (w.operation == "dense") return {1, 1, dense_inputs(rng)};
  if (w.types == "a16w8" && rng.chance(0.15)) return {rng.between(5, 80), 1, 1};
  if (!w.poly && rng.chance(0.15)) return {1, 1, is_window(w) ? dense_inputs(rng) : rng.between(1, 12) * c};
  if (rng.chance(0.5)) return {rng.between(1, 80), 1, c};
  return {rng.between(1, 14), rng.between(1, 14), c};
}

Window window(Rng& rng, const Shape& in, int largest) {
  Window w;
  w.h = rng.between(1, largest);
  if (in.w > 1) w.w = rng.between(1, largest);
  if (rng.chance(0.3)) w.stride_h = rng.between(1, 3);
  if (rng.chance(0.3) && in.w > 1) w.stride_w = rng.between(1, 3);
  return w;
}

// Now and then a kernel as wide as the map, whose rows lie one behind another, or the five samples of a signal that
// conv2d_a16w8 keeps in registers.
Window kernel_window(Rng& rng, const Shape& in) {
  Window w = window(rng, in, 5);
  if (in.w == 1 && in.c == 1 && in.h >= 5 && rng.chance(0.4)) w.h = 5;
  if (in.w > 1 && rng.chance(0.1)) w.w = in.w;
  return w;
}

Window pool_window(Rng& rng, const Shape& in) {
  Window w = window(rng, in, 4);
  if (w.h * w.w == 1) w.h = 2;
  return w;
}

Padding padding(Rng& rng, const Wanted& w) {
  if (seldom_has_border(w.types) && rng.chance(0.5)) return rng.chance(0.5) ? Padding::kMinusOne : Padding::kPlusOne;
  return rng.pick<Padding>(
      {Padding::kValid, Padding::kValid, Padding::kZero, Padding::kZero, Padding::kMinusOne, Padding::kPlusOne});
}

// Few channels now and then: loops over several at a time then do nothing.
int out_channels(Rng& rng, int most) {
  return rng.between(1, rng.chance(0.2) ? 4 : most);
}

Op operation(Rng& rng, const Wanted& w, const Shape& in, int inputs) {
  if (w.operation == "depthwise") return DepthwiseConv2d{window(rng, in, 5), padding(rng, w)};
  if (w.operation == "max_pool") return MaxPool2d{window(rng, in, 4)};
  if (w.operation == "upsample") return Upsample2d{rng.between(1, 8), in.w > 1 ? rng.between(1, 8) : 1};
  if (w.operation == "add") return Add{rng.between(0, inputs - 1)};
  if (w.operation == "log_variance") return GlobalLogVariance{};
  if (w.operation == "sum_pool" && rng.chance(0.4)) return GlobalAvgPool{};
  if (w.operation == "sum_pool") return AvgPool2d{window(rng, in, 5)};
  if (w.operation == "dense" && in.h * in.w > 1)  // one window, often with a border
    return Conv2d{out_channels(rng, 40), {rng.between(1, 7), rng.between(1, 5), in.h, in.w}, Padding::kZero};
  if (in.h == 1 && in.w == 1 && (!seldom_has_border(w.types) || rng.chance(0.4))) return Dense{out_channels(rng, 40)};
  return Conv2d{out_channels(rng, rng.chance(0.2) ? 80 : 32), kernel_window(rng, in), padding(rng, w)};
}

// Accumulators of 16 bits that lie far within them: then sums of theirs have thresholds of 16 bits.
void add_small_sums(Rng& rng, Network& network) {
  LayerSpec layer;
  layer.name = network.name + "_sums";
  layer.op = DepthwiseConv2d{};
  layer.weights = rng.pick<Format>({Format::kInt5, Format::kInt6});
  layer.activations = Format::kAccumulator;
  network.input_format = Format::kInt4;
  network.layers.push_back(layer);
}

// Layers that turn the network's input into what `kernel` reads: a float map, or quantized maps to add.
void add_preparation(Rng& rng, const Wanted& w, Network& network) {
  const bool floats = w.in_float && (w.operation != "conv2d" || rng.chance(0.6));
  const int maps = w.operation == "add" ? 2 : floats ? 1 : 0;
  if (w.types == "a16w1" && rng.chance(0.4)) add_small_sums(rng, network);
  for (int i = 0; i < maps; ++i) {
    LayerSpec layer;
    layer.name = fmt::format("{}_prepare{}", network.name, i);
    layer.op = DepthwiseConv2d{};
    layer.weights = floats ? Format::kFloat32 : Format::kInt8;
    layer.activations = floats ? Format::kFloat32 : integer_format(rng);
    layer.range_log2 = rng.between(-1, 2);
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
    layer.bias = has_weights(layer.op) && rng.chance(0.3);
    layer.relu = layer.activations == Format::kFloat32 && rng.chance(0.3);
    if (rng.chance(0.4)) layer.pool = pool_window(rng, network.input);
  }
  network.layers.push_back(layer);
  // A network's last accumulators are stored in 32 bits, others in as few bytes as hold them.
  if (layer.activations == Format::kAccumulator && !w.in_float && rng.chance(0.5))
    append(network, {.name = name + "_flatten", .op = Flatten{}});
  return network;
}

bool acceptable(const Network& network, const std::string& kernel) {
  try {
    const auto layer = static_cast<size_t>(calibrated_layer(network));
    const std::vector<std::string> able = kernels_for(network, calibrated_layer(network));
    const LayerShapes shapes = infer_shapes(network)[layer];
    const LayerSpec& spec = network.layers[layer];
    const double pool = spec.pool ? static_cast<double>(spec.pool->h) * spec.pool->w : 1.0;
    const auto outputs = static_cast<double>(shapes.output.elements());
    const auto accumulators = static_cast<double>(std::max<int64_t>(shapes.accumulators.elements(), 1));
    const double products = static_cast<double>(macs(spec, shapes)) / accumulators * outputs * pool;
    return std::find(able.begin(), able.end(), kernel) != able.end() && products <= kMostMacs &&
           network.input.elements() <= kMostElements && outputs * pool <= kMostElements;
  } catch (const StructureError&) {
    return false;
  }
}

}  // namespace

std::vector<std::string> all_kernels() {
  std::vector<std::string> names = {"conv2d_wf32",       "conv2d_f32",         "depthwise_f32",     "sum_pool_f32",
                                    "add_f32",           "max_pool_f32",       "max_pool",          "upsample",
                                    "log_variance_f32",  "conv2d_a1w1_poly5",  "conv2d_a1w1_poly4", "conv2d_a2w4_poly4",
                                    "conv2d_a2w4_poly3", "conv2d_a1w1_sliced", "conv2d_a16w8_few"};
  for (const char* integer :
       {"conv2d_a1w1",  "conv2d_a1wt",    "conv2d_atw1",    "conv2d_atwt",     "conv2d_a8w1",    "conv2d_a16w1",
        "conv2d_a16w2", "conv2d_a16w4",   "conv2d_a16w8",   "dense_a16w2",     "dense_a16w4",    "dense_a16w8",
        "conv2d_axwx",  "depthwise_a1w1", "depthwise_a8w8", "depthwise_a16w8", "depthwise_axwx", "sum_pool",
        "add",          "log_variance"}) {
    names.emplace_back(integer);
    names.push_back(std::string(integer) + "_to_f32");
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<QuantizedModel> calibration_models(const std::string& kernel, int count, uint64_t seed,
                                               const std::function<bool(const Network&)>& wanted) {
  Rng rng(seed);
  std::vector<QuantizedModel> models;
  const int networks = wanted ? count * kFurtherNetworks : count;
  int drawn = 0;
  for (int attempt = 0; drawn < networks; ++attempt) {
    BW_CHECK(attempt < 1000 * networks);
    const Network network = draw_network(rng, kernel, fmt::format("m{}", models.size()));
    if (!acceptable(network, kernel)) continue;
    const bool wants = !wanted || wanted(network);
    if (drawn < count || wants) models.push_back(draw_model(rng, network));
    ++drawn;
  }
  return models;
}

int calibrated_layer(const Network& network) {
  int layer = static_cast<int>(network.layers.size()) - 1;
  while (std::holds_alternative<Flatten>(network.layers[static_cast<size_t>(layer)].op)) --layer;
  return layer;
}

Kernels calibration_kernels(const Network& network, const std::string& kernel) {
  Kernels kernels = default_kernels(network);
  kernels[static_cast<size_t>(calibrated_layer(network))] = kernel;
  return kernels;
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "core/kernel.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <numeric>
#include <set>

#include "core/error.h"
#include "core/memory_plan.h"
#include "core/quantized_model.h"

namespace bitwright {
namespace {

int64_t words(int64_t bytes) {
  return (bytes + 3) / 4 * 4;
}

bool fits(const Window& w) {
  return std::max({w.h, w.w, w.stride_h, w.stride_w}) <= 65535;
}

// The C descriptor holds heights, widths, windows and strides in 16 bits.
void check_dimensions(const LayerSpec& layer, const LayerShapes& shapes) {
  bool ok = std::max({shapes.input.h, shapes.input.w, shapes.accumulators.h, shapes.accumulators.w}) <= 65535;
  if (const auto* conv = std::get_if<Conv2d>(&layer.op)) ok = ok && fits(conv->kernel);
  if (const auto* depthwise = std::get_if<DepthwiseConv2d>(&layer.op)) ok = ok && fits(depthwise->kernel);
  if (const auto* pool = std::get_if<MaxPool2d>(&layer.op)) ok = ok && fits(pool->window);
  if (const auto* pool = std::get_if<AvgPool2d>(&layer.op)) ok = ok && fits(pool->window);
  if (layer.pool) ok = ok && fits(*layer.pool);
  if (!ok) throw StructureError("layer " + layer.name + ": no kernel for a height, width, window or stride over 65535");
}

// Accumulators along one dimension that some output needs.
int64_t positions(int outputs, int window, int stride) {
  return int64_t{outputs - 1} * stride + window;
}
bool is_dense(const KernelGeometry& g) {
  return positions(g.output.h, g.pool.h, g.pool.stride_h) == 1 && positions(g.output.w, g.pool.w, g.pool.stride_w) == 1;
}

// "a1", "at", "a8", "a16" or "ax".
std::string input_type(Format input) {
  if (input == Format::kBinary) return "a1";
  if (input == Format::kTernary) return "at";
  return bit_width(input) <= 8 ? "a8" : bit_width(input) <= 16 ? "a16" : "ax";
}

// The kernel that gathers windows.
std::string patch_kernel(const KernelGeometry& g, Format input, Format weights) {
  const std::string in = input_type(input);
  if (in == "ax") return "conv2d_axwx";
  if (weights == Format::kBinary) return "conv2d_" + in + "w1";
  if (weights == Format::kTernary && in[1] != '8' && in != "a16") return "conv2d_" + in + "wt";
  const int bits = bit_width(weights);
  return fmt::format("{}_a16w{}", is_dense(g) ? "dense" : "conv2d", bits <= 2 ? 2 : bits <= 4 ? 4 : 8);
}

bool fits_poly(const KernelGeometry& g, int columns, int64_t taps) {
  return g.kernel.w <= columns && g.taps() <= taps;
}

// Binary maps, stride 1; no accumulator may outgrow its slot: half of the window's taps is the most that it counts.
std::vector<std::string> poly_kernels(const Network& network, int layer, const KernelGeometry& g) {
  const LayerSpec& spec = network.layers[layer];
  const bool binary = storage_format(network, spec.from) == Format::kBinary && spec.weights == Format::kBinary &&
                      spec.activations == Format::kBinary && has_narrow_thresholds(network, layer);
  const bool steps = g.kernel.stride_h == 1 && g.kernel.stride_w == 1 && g.pool.w <= g.pool.stride_w;
  std::vector<std::string> names;
  if (!binary || !steps || g.kernel.w < 2 || is_dense(g)) return names;
  if (fits_poly(g, 5, 255)) names.push_back("conv2d_a1w1_poly5");
  if (fits_poly(g, 4, 511)) names.push_back("conv2d_a1w1_poly4");
  return names;
}

// Bits to bits; no window lies beyond both ends of a border that is skipped. Not dense: its weights, read once, would
// take five times the flash for a quarter of the cycles.
bool fits_sliced(const Network& network, int layer, const KernelGeometry& g) {
  const LayerSpec& spec = network.layers[layer];
  const bool cut_once = g.padding != Padding::kZero || (g.kernel.h <= g.input.h && g.kernel.w <= g.input.w);
  const bool binary = storage_format(network, spec.from) == Format::kBinary && spec.weights == Format::kBinary &&
                      spec.activations == Format::kBinary && has_narrow_thresholds(network, layer);
  return binary && cut_once && !is_dense(g) && std::max(g.kernel.h, g.kernel.w) <= 255;
}

// Bytes to bits, windows of a few codes, all inside the map.
bool fits_few(const Network& network, int layer, const KernelGeometry& g) {
  const LayerSpec& spec = network.layers[layer];
  const int bits = bit_width(spec.weights);
  return bit_width(storage_format(network, spec.from)) == 8 && bits > 4 && bits <= 8 &&
         spec.activations == Format::kBinary && g.taps() <= kFewCodes && g.pool.h * g.pool.w == 1 && !has_border(g);
}

bool has_two_bits(Format format) {
  return format == Format::kTernary || format == Format::kInt2 || format == Format::kUint2;
}

// Codes of 2 bits, rows of stride 1; a slot holds three times the weights of a window, whatever they are.
std::vector<std::string> poly2_kernels(const Network& network, int layer, const KernelGeometry& g) {
  const LayerSpec& spec = network.layers[layer];
  std::vector<std::string> names;
  if (!has_two_bits(storage_format(network, spec.from)) || !has_two_bits(spec.activations)) return names;
  if (bit_width(spec.weights) > 4 || g.kernel.w > 3 || g.kernel.stride_w != 1 || g.pool.w > g.pool.stride_w ||
      is_dense(g))
    return names;
  for (const char* name : {"conv2d_a2w4_poly4", "conv2d_a2w4_poly3"})
    if (3 * g.taps() * -min_code(spec.weights) < int64_t{1} << poly_layout(name).slot) names.emplace_back(name);
  return names;
}

// Every kernel of an integer convolution, without the suffix of its output.
std::vector<std::string> convolution_kernels(const Network& network, int layer, const KernelGeometry& g) {
  const LayerSpec& spec = network.layers[layer];
  std::vector<std::string> names = {patch_kernel(g, storage_format(network, spec.from), spec.weights)};
  for (const std::string& poly : poly_kernels(network, layer, g)) names.push_back(poly);
  for (const std::string& poly : poly2_kernels(network, layer, g)) names.push_back(poly);
  if (fits_sliced(network, layer, g)) names.emplace_back("conv2d_a1w1_sliced");
  if (names[0] == "conv2d_a16w8" && fits_few(network, layer, g)) names.emplace_back("conv2d_a16w8_few");
  if (names[0] != "conv2d_axwx") names.push_back("conv2d_axwx");
  return names;
}

// Bits where both sides have them, and weights as bytes; packed weights and no scratch memory last.
std::vector<std::string> depthwise_kernels(const KernelGeometry& g, Format input, Format weights) {
  const std::string in = input_type(input);
  std::vector<std::string> names;
  if (in == "a1" && weights == Format::kBinary && g.kernel.h * g.kernel.w <= kCountedTaps)
    names.push_back("depthwise_a1w1");
  if (in != "ax") names.push_back(in == "a16" ? "depthwise_a16w8" : "depthwise_a8w8");
  names.push_back("depthwise_axwx");
  return names;
}

std::string operation(const Network& network, int layer) {
  const LayerSpec& spec = network.layers[layer];
  if (std::holds_alternative<DepthwiseConv2d>(spec.op)) return "depthwise";
  if (std::holds_alternative<MaxPool2d>(spec.op)) return "max_pool";
  if (std::holds_alternative<Upsample2d>(spec.op)) return "upsample";
  if (std::holds_alternative<Add>(spec.op)) return "add";
  if (std::holds_alternative<AvgPool2d>(spec.op) || std::holds_alternative<GlobalAvgPool>(spec.op)) return "sum_pool";
  if (std::holds_alternative<GlobalLogVariance>(spec.op)) return "log_variance";
  return "conv2d";
}

int64_t poly_channels(const KernelGeometry& g) {
  return (g.input.c + 7) / 8 * 8;
}

int64_t even(int64_t n) {
  return (n + 1) / 2 * 2;
}

// Tables of a polynomial kernel: what a channel must reach, the sums of its taps where a border is skipped, and two
// words of bits a group of 32 channels.
int64_t poly_table_bytes(const KernelGeometry& g) {
  const int64_t channels = even(g.out_channels), taps = int64_t{g.kernel.h} * g.kernel.w;
  const bool skips = g.padding == Padding::kZero && has_border(g);
  return words(2 * channels) + (skips ? words(2 * channels * taps) : 0) + 8 * ((g.out_channels + 31) / 32);
}

// What a channel must reach, what its sums start from, and two bits a channel.
int64_t poly2_table_bytes(const KernelGeometry& g) {
  return 16 * even(g.out_channels) + 4 * ((g.out_channels + 15) / 16);
}

int64_t groups_of_32(const KernelGeometry& g) {
  return (g.out_channels + 31) / 32;
}

// Counters to start from, for every way in which a window is cut, and a word of directions.
int64_t sliced_table_bytes(const KernelGeometry& g) {
  const SlicedLayout layout = sliced_layout(g);
  return 4 * groups_of_32(g) * (int64_t{layout.rows.count()} * layout.columns.count() * layout.planes + 1);
}

// Carries, counters, results and codes of a strip.
int64_t sliced_scratch_bytes(const KernelGeometry& g, int64_t poly_tile) {
  const int64_t tile = sliced_tile(g, poly_tile);
  const int64_t windows = (tile - 1) * g.pool.stride_w + g.pool.w;
  const int64_t columns = (windows - 1) * g.kernel.stride_w + g.kernel.w;
  return 4 * (kSlicedTokens + sliced_layout(g).planes + tile * groups_of_32(g)) +
         words(columns * g.kernel.h * sliced_layout(g).triples + 7);
}

int64_t poly2_scratch_words(const KernelGeometry& g, int64_t tile) {
  return even(g.out_channels) + tile * (g.kernel.h * poly_channels(g) + 2 * ((g.out_channels + 3) / 4) + 4);
}

int64_t poly_scratch_words(const KernelGeometry& g, const PolyLayout& layout, int64_t tile) {
  const int64_t lanes = (layout.steps + 1) / 2;
  return even(g.out_channels) + tile * g.kernel.h * poly_channels(g) + tile * lanes +
         tile * lanes * ((g.out_channels + 7) / 8) + g.kernel.w + tile * layout.steps;
}

// True where every window is a run of the map that starts and ends on a multiple of `unit` codes, or all of the map.
bool in_place(const KernelGeometry& g, int unit) {
  if (has_border(g) || (g.kernel.h != 1 && g.kernel.w != g.input.w)) return false;
  if (g.taps() == g.input.elements()) return true;
  const int64_t column = int64_t{g.input.c} * g.kernel.stride_w,
                row = int64_t{g.input.w} * g.input.c * g.kernel.stride_h;
  const bool columns = positions(g.output.w, g.pool.w, g.pool.stride_w) == 1 || column % unit == 0;
  const bool rows = positions(g.output.h, g.pool.h, g.pool.stride_h) == 1 || row % unit == 0;
  return columns && rows && g.taps() % unit == 0;
}

int64_t epilogue_bytes(const Network& network, int layer, const std::string& kernel) {
  if (is_poly2(kernel)) return kPoly2Bytes;
  if (is_poly(kernel)) return kPolyBytes;
  if (is_sliced(kernel)) return kSlicedBytes;
  switch (epilogue(network, layer)) {
    case Epilogue::kNone: return 0;
    case Epilogue::kFloat: return kFloatEpilogueBytes;
    default: return kEpilogueBytes;
  }
}

}  // namespace

bool is_poly(const std::string& kernel) {
  return kernel.find("_poly") != std::string::npos;
}

bool is_few(const std::string& kernel) {
  return kernel.ends_with("_few");
}

bool is_sliced(const std::string& kernel) {
  return kernel.ends_with("_sliced");
}

bool is_poly2(const std::string& kernel) {
  return kernel.find("_a2w4_poly") != std::string::npos;
}

std::string kernel_types(const std::string& kernel) {
  const size_t at = kernel.find("_a");
  if (at == std::string::npos || kernel.starts_with("log_")) return "";
  return kernel.substr(at + 1, kernel.find('_', at + 1) - at - 1);
}

const std::vector<std::string>& part_kernels() {
  static const std::vector<std::string> kKernels = {"part_a8w1", "part_a16w1", "part_a16w2", "part_a16w4",
                                                    "part_a16w8"};
  return kKernels;
}

bool is_depthwise(const std::string& kernel) {
  return kernel.starts_with("depthwise_a") && !kernel.starts_with("depthwise_axwx");
}

bool sums_codes(const std::string& kernel) {
  return kernel == "add" || kernel == "add_to_f32" || kernel == "sum_pool" || kernel == "sum_pool_to_f32";
}

bool has_scratch(const std::string& kernel) {
  return has_weight_rows(kernel) || kernel == "conv2d_wf32" || sums_codes(kernel);
}

bool has_epilogue(const std::string& kernel) {
  return !kernel.empty() && !kernel.starts_with("max_pool") && kernel != "upsample";
}

bool has_weight_rows(const std::string& kernel) {
  const std::string types = kernel_types(kernel);
  return !types.empty() && types != "axwx" && types != "add";
}

std::vector<std::string> kernels_for(const Network& network, int layer) {
  const LayerSpec& spec = network.layers[layer];
  if (std::holds_alternative<Flatten>(spec.op)) return {};
  const LayerShapes shapes = layer_shapes(network, layer);
  check_dimensions(spec, shapes);
  const std::string name = operation(network, layer);
  const bool max_pool_of_floats = name == "max_pool" && storage_format(network, spec.from) == Format::kFloat32;
  if (name == "conv2d" && computes_in_float(network, layer) && spec.weights == Format::kFloat32 && !spec.pool)
    return {"conv2d_wf32", "conv2d_f32"};
  if (computes_in_float(network, layer) || max_pool_of_floats) return {name + "_f32"};
  std::vector<std::string> names = {name};
  if (name == "conv2d") names = convolution_kernels(network, layer, kernel_geometry(spec, shapes));
  if (name == "depthwise")
    names = depthwise_kernels(kernel_geometry(spec, shapes), storage_format(network, spec.from), spec.weights);
  if (epilogue(network, layer) == Epilogue::kFloat)
    for (std::string& n : names) n += "_to_f32";
  return names;
}

std::string kernel_of(const Network& network, int layer) {
  const std::vector<std::string> names = kernels_for(network, layer);
  return names.empty() ? "" : names.front();
}

Kernels default_kernels(const Network& network) {
  Kernels kernels;
  for (int i = 0; i < static_cast<int>(network.layers.size()); ++i) kernels.push_back(kernel_of(network, i));
  return kernels;
}

KernelGeometry kernel_geometry(const LayerSpec& spec, const LayerShapes& shapes) {
  KernelGeometry g;
  g.input = shapes.input;
  g.output = shapes.output;
  g.out_channels = shapes.output.c;
  const Slide slide = slide_of(spec, shapes.input);
  g.kernel = slide.window;
  g.padding = slide.padding;
  if (const auto* op = std::get_if<Upsample2d>(&spec.op)) g.kernel = {op->h, op->w, 1, 1};
  if (spec.pool) g.pool = *spec.pool;
  if (const auto* op = std::get_if<MaxPool2d>(&spec.op)) g.pool = op->window;
  if (g.input.w == 1 && g.output.w == 1 && g.kernel.w == 1 && g.pool.w == 1) {
    std::swap(g.input.h, g.input.w), std::swap(g.output.h, g.output.w);
    for (Window* w : {&g.kernel, &g.pool}) std::swap(w->h, w->w), std::swap(w->stride_h, w->stride_w);
  }
  g.pad_top = padding_before(g.input.h, g.kernel.h, g.kernel.stride_h, g.padding);
  g.pad_left = padding_before(g.input.w, g.kernel.w, g.kernel.stride_w, g.padding);
  return g;
}

bool has_border(const KernelGeometry& g) {
  const auto exceeds = [](int n, int before, int window, int stride, Padding padding) {
    return before > 0 || (padded_outputs(n, window, stride, padding) - 1) * stride + window > n;
  };
  return exceeds(g.input.h, g.pad_top, g.kernel.h, g.kernel.stride_h, g.padding) ||
         exceeds(g.input.w, g.pad_left, g.kernel.w, g.kernel.stride_w, g.padding);
}

PolyLayout poly_layout(const std::string& kernel) {
  if (is_poly2(kernel)) return kernel.ends_with("poly4") ? PolyLayout{4, 10} : PolyLayout{3, 12};
  return kernel.ends_with("poly5") ? PolyLayout{5, 7} : PolyLayout{4, 8};
}

SlicedLayout sliced_layout(const KernelGeometry& g) {
  SlicedLayout layout;
  layout.triples = (g.input.c + 2) / 3;
  layout.tables = (int64_t{g.kernel.h} * g.kernel.w * layout.triples + 7) / 8 * 8;
  layout.planes = std::max(8, static_cast<int>(std::bit_width(static_cast<uint64_t>(g.taps())))) + 1;
  if (g.padding != Padding::kZero) return layout;
  const auto cuts = [](int size, int before, int window, int stride) {
    const int end = (padded_outputs(size, window, stride, Padding::kZero) - 1) * stride + window - before;
    return SlicedCuts{before, std::max(0, end - size)};
  };
  layout.rows = cuts(g.input.h, g.pad_top, g.kernel.h, g.kernel.stride_h);
  layout.columns = cuts(g.input.w, g.pad_left, g.kernel.w, g.kernel.stride_w);
  return layout;
}

int64_t sliced_tile(const KernelGeometry& g, int64_t poly_tile) {
  const int64_t step = int64_t{g.pool.stride_w} * g.kernel.stride_w;
  return std::clamp<int64_t>(2 * poly_tile / step, 1, g.output.w);
}

int64_t weight_row_words(const KernelGeometry& g, const std::string& kernel) {
  if (is_sliced(kernel)) return kSlicedTableWords * sliced_layout(g).tables;
  if (is_poly(kernel)) return int64_t{2} * g.kernel.h * poly_channels(g);
  if (is_few(kernel)) return 1 + kFewCodes / 2;
  if (is_depthwise(kernel)) return int64_t{g.kernel.h} * g.kernel.w;
  const std::string types = kernel_types(kernel);
  if (types.ends_with("wt")) return 2 * ((g.taps() + 31) / 32) + (types == "a1wt" ? 1 : 0);
  const int bits = types.ends_with("w8") ? 8 : types.ends_with("w4") ? 4 : types.ends_with("w2") ? 2 : 1;
  return (g.taps() * bits + 31) / 32;
}

int64_t weight_bytes(const Network& network, int layer, const std::string& kernel) {
  const LayerSpec& spec = network.layers[layer];
  if (!has_weights(spec.op)) return 0;
  const LayerShapes shapes = layer_shapes(network, layer);
  if (!has_weight_rows(kernel)) return packed_bytes(weight_count(spec, shapes), spec.weights);
  const KernelGeometry g = kernel_geometry(spec, shapes);
  const int64_t at_once = is_poly(kernel)                                             ? 2
                          : kernel.starts_with("depthwise_a1w1") || is_sliced(kernel) ? 32
                          : is_depthwise(kernel)                                      ? 4
                                                                                      : 1;
  const int64_t rows = (g.out_channels + at_once - 1) / at_once;
  return 4 * rows * weight_row_words(g, kernel);
}

bool has_narrow_thresholds(const Network& network, int layer) {
  return accumulator_bound(network, layer) < 32767;
}

int64_t table_bytes(const Network& network, int layer, const std::string& kernel) {
  const LayerSpec& spec = network.layers[layer];
  const LayerShapes shapes = layer_shapes(network, layer);
  const int64_t channels = shapes.output.c;
  if (is_poly2(kernel)) return poly2_table_bytes(kernel_geometry(spec, shapes));
  if (is_poly(kernel)) return poly_table_bytes(kernel_geometry(spec, shapes));
  if (is_sliced(kernel)) return sliced_table_bytes(kernel_geometry(spec, shapes));
  switch (epilogue(network, layer)) {
    case Epilogue::kNone: return 0;
    case Epilogue::kRaw: return spec.bias ? 4 * channels : 0;
    case Epilogue::kThreshold: {
      if (is_few(kernel)) return words((channels + 7) / 8);  // the thresholds lie in the rows
      const int64_t each = has_narrow_thresholds(network, layer) ? 2 : 4;
      return words(each * channels * threshold_count(spec.activations)) + words((channels + 7) / 8);
    }
    case Epilogue::kRequantize: return 12 * channels + words(channels);
    case Epilogue::kFloat: return 8 * channels;
  }
  return 0;
}

int64_t constant_bytes(const Network& network, int layer, const std::string& kernel) {
  if (kernel.empty()) return 0;
  return kLayerBytes + epilogue_bytes(network, layer, kernel) + weight_bytes(network, layer, kernel) +
         table_bytes(network, layer, kernel);
}

int64_t scratch_bytes(const Network& network, int layer, const std::string& kernel, int poly_tile) {
  if (!has_scratch(kernel)) return 0;
  const LayerSpec& spec = network.layers[layer];
  const KernelGeometry g = kernel_geometry(spec, layer_shapes(network, layer));
  if (kernel == "conv2d_wf32") return 4 * (g.out_channels + std::min(g.taps(), kChunk));
  if (is_poly2(kernel)) return 4 * poly2_scratch_words(g, poly_tile);
  if (is_poly(kernel)) return 4 * poly_scratch_words(g, poly_layout(kernel), poly_tile);
  if (is_sliced(kernel)) return sliced_scratch_bytes(g, poly_tile);
  if (is_few(kernel)) return words((g.out_channels + 7) / 8);
  const std::string types = kernel_types(kernel);
  if (kernel.starts_with("part_")) {
    if (types != "a8w1") return 2 * kChunk;
    const Shape map = layer_shapes(network, spec.from).input;  // of the flatten in front
    const Format codes = storage_format(network, spec.from);
    const int bits = bit_width(codes);
    return bits == 8 && min_code(codes) == 0 ? 0 : words(int64_t{part_columns(map.c, bits)} * map.c);
  }
  const int64_t pooled = g.pool.h * g.pool.w > 1 ? g.out_channels : 0;
  if (sums_codes(kernel)) return 4 * (pooled + g.out_channels);
  if (kernel.starts_with("depthwise_a1w1")) return 4 * (pooled + (g.out_channels + 31) / 32 * 32);
  if (is_depthwise(kernel)) {
    const int64_t bits = bit_width(storage_format(network, spec.from)), list = g.kernel.h * g.kernel.w + 1;
    const int64_t room = bits % 8 == 0 ? (g.input.c * bits + 31) / 32 : (g.taps() + 3) / 4;
    return 4 * (pooled + g.out_channels + list + room);
  }
  if (types.starts_with("a16")) {
    const int64_t patches = kernel.starts_with("dense") || types == "a16w1" ? 1 : 2;
    const int64_t codes = (std::min(g.taps(), kChunk) + 31) / 32 * 32;
    return 4 * (pooled + patches * (g.out_channels + codes / 2));
  }
  const int64_t row = (g.taps() + 31) / 32;
  int64_t room = types.starts_with("at") ? 2 * row : in_place(g, 32) ? 0 : row;
  if (types == "a1w1" && room == 0) room = std::min(row, kFoldedWords);
  if (types == "a8w1")
    room = bit_width(storage_format(network, spec.from)) == 8 && in_place(g, 4) ? 0 : (g.taps() + 3) / 4;
  return 4 * (pooled + g.out_channels + room);
}

int part_columns(int channels, int bits) {
  const int whole = std::lcm(32 / std::gcd(channels * bits, 32), 32 / std::gcd(channels, 32));
  return (4 + whole - 1) / whole * whole;
}

std::vector<int64_t> scratch_bytes(const Network& network, const Kernels& kernels, int poly_tile) {
  std::vector<int64_t> bytes;
  for (size_t i = 0; i < kernels.size(); ++i)
    bytes.push_back(scratch_bytes(network, static_cast<int>(i), kernels[i], poly_tile));
  return bytes;
}

std::vector<std::string> runtime_files(const Kernels& kernels) {
  std::set<std::string> files = {"bw_kernels.h"};
  for (const std::string& kernel : kernels) {
    if (kernel.empty()) continue;
    files.insert({"bw_" + kernel + ".c", "bw_bits.h"});
    if (kernel == "upsample") continue;
    if (is_poly(kernel)) {
      files.insert(is_poly2(kernel) ? "bw_conv2d_poly2.h" : "bw_conv2d_poly.h");
      continue;
    }
    if (is_sliced(kernel)) {
      files.insert("bw_conv2d_sliced.h");
      continue;
    }
    if (is_few(kernel)) {
      files.insert({"bw_finish.h", "bw_convolve_few.h"});
      continue;
    }
    if (kernel == "conv2d_wf32") files.insert({"bw_pixels.h", "bw_pixels.c", "bw_finish.h"});
    if (kernel.starts_with("depthwise_a1w1"))
      files.insert("bw_depthwise_bits.h");
    else if (is_depthwise(kernel))
      files.insert({"bw_depthwise.h", "bw_convolve_depthwise.h", "bw_gather_columns.h"});
    const bool to_float = kernel.ends_with("_to_f32"), in_float = kernel.ends_with("f32") && !to_float;
    files.insert("bw_patch.h");
    if (to_float || in_float) files.insert({"bw_float.h", "bw_driver.h"});
    if (has_weight_rows(kernel) || sums_codes(kernel)) {
      const std::string types = kernel_types(kernel);
      if (kernel.starts_with("part_")) files.insert({"bw_stream.h", "bw_stream.c"});
      const char* patch = types.starts_with("a16") ? "halves" : types == "a8w1" ? "bytes" : "bits";
      if (types == "a16w1") files.insert("bw_convolve_a16w1.h");
      files.insert({"bw_pixels.h", "bw_pixels.c", "bw_finish.h"});
      if (sums_codes(kernel))
        files.insert("bw_add_codes.h");
      else if (!is_depthwise(kernel))
        files.insert({fmt::format("bw_gather_{}.h", patch), fmt::format("bw_accumulate_{}.h", patch),
                      fmt::format("bw_convolve_{}.h", patch)});
      if (to_float)
        files.insert("bw_finish_f32.c");
      else
        files.insert({"bw_finish.c", "bw_epilogue.h"});
      continue;
    }
    if (kernel == "max_pool") continue;
    files.insert("bw_driver.h");
    if (in_float) continue;
    files.insert("bw_accumulate.h");
    if (!to_float) files.insert({"bw_epilogue.h", "bw_epilogue.c"});
    if (kernel.starts_with("conv2d")) files.insert({"bw_dot.h", "bw_border.c"});
  }
  return {files.begin(), files.end()};
}

}  // namespace bitwright

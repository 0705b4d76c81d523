// SPDX-License-Identifier: Apache-2.0
#include "core/network.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/check.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/log_variance.h"

namespace bitwright {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

[[noreturn]] void fail(const LayerSpec& layer, const std::string& rule) {
  throw StructureError("layer " + layer.name + ": " + rule);
}

// Elements of a tensor and taps of a kernel. Keeps every count of this file far below 2^63 and every length below
// 2^31, whatever a file says.
constexpr int64_t kMaxElements = int64_t{1} << 24;

// False too where the product itself would overflow.
bool is_small(int64_t a, int64_t b, int64_t c) {
  return a <= kMaxElements && b <= kMaxElements / a && c <= kMaxElements / (a * b);
}

void check_window(const LayerSpec& layer, const Window& window, int channels) {
  if (window.h < 1 || window.w < 1 || window.stride_h < 1 || window.stride_w < 1)
    fail(layer, "kernel, window and stride must be at least 1");
  if (!is_small(window.h, window.w, channels) || !is_small(window.stride_h, window.stride_w, 1))
    fail(layer, "kernel, window or stride of more than 2^24 elements");
}

Shape windowed(const LayerSpec& layer, const Shape& in, const Window& window, Padding padding, int channels) {
  check_window(layer, window, in.c);
  const Shape out{padded_outputs(in.h, window.h, window.stride_h, padding),
                  padded_outputs(in.w, window.w, window.stride_w, padding), channels};
  if (out.h < 1 || out.w < 1)
    fail(layer, "a window of " + std::to_string(window.h) + "x" + std::to_string(window.w) +
                    " does not fit into its input of " + shape_text(in));
  return out;
}

Shape upsampled(const LayerSpec& layer, const Upsample2d& op, const Shape& in) {
  if (std::min(op.h, op.w) < 1 || std::max(op.h, op.w) > kMaxUpsampling)
    fail(layer, "size must be in 1.." + std::to_string(kMaxUpsampling));
  return {in.h * op.h, in.w * op.w, in.c};
}

Shape accumulator_shape(const LayerSpec& layer, const Shape& in) {
  return std::visit(
      Overloaded{[&](const Conv2d& op) {
                   if (op.out_channels < 1) fail(layer, "channels must be at least 1");
                   return windowed(layer, in, op.kernel, op.padding, op.out_channels);
                 },
                 [&](const DepthwiseConv2d& op) { return windowed(layer, in, op.kernel, op.padding, in.c); },
                 [&](const Dense& op) {
                   if (in.h != 1 || in.w != 1)
                     fail(layer, "dense reads a flat input, not " + shape_text(in) + ": add a flatten");
                   if (op.units < 1) fail(layer, "units must be at least 1");
                   return Shape{1, 1, op.units};
                 },
                 [&](const MaxPool2d& op) { return windowed(layer, in, op.window, Padding::kValid, in.c); },
                 [&](const AvgPool2d& op) { return windowed(layer, in, op.window, Padding::kValid, in.c); },
                 [&](const GlobalAvgPool&) {
                   return Shape{1, 1, in.c};
                 },
                 [&](const Flatten&) {
                   return Shape{1, 1, static_cast<int>(in.elements())};
                 },
                 [&](const Add&) { return in; }, [&](const Upsample2d& op) { return upsampled(layer, op, in); },
                 [&](const GlobalLogVariance&) {
                   return Shape{1, 1, in.c};
                 }},
      layer.op);
}

Shape pooled(const LayerSpec& layer, const Shape& accumulators) {
  return layer.pool ? windowed(layer, accumulators, *layer.pool, Padding::kValid, accumulators.c) : accumulators;
}

// Shape alone, formats and the other side of adds unchecked; `layer` and all it reads come earlier in the list.
Shape output_shape(const Network& network, int layer) {
  if (layer == kNetworkInput) return network.input;
  const LayerSpec& spec = network.layers[layer];
  return pooled(spec, accumulator_shape(spec, output_shape(network, spec.from)));
}

Padding padding_of(const Op& op) {
  if (const auto* conv = std::get_if<Conv2d>(&op)) return conv->padding;
  if (const auto* depthwise = std::get_if<DepthwiseConv2d>(&op)) return depthwise->padding;
  return Padding::kValid;
}

// Largest |code| of a tensor that a layer reads.
int64_t code_bound(const Network& network, int layer);

int64_t positions(const Network& network, int layer) {
  const Shape s = output_shape(network, layer);
  return int64_t{s.h} * s.w;
}

bool has_biased_accumulators(const Network& network, int layer) {
  const int source = source_of(network, layer);
  return source != kNetworkInput && network.layers[source].bias && epilogue(network, source) == Epilogue::kRaw;
}

void check_log_variance(const Network& network, int index) {
  const LayerSpec& layer = network.layers[index];
  if (layer.activations == Format::kAccumulator) fail(layer, "needs an activation format");
  if (computes_in_float(network, index)) return;
  if (has_biased_accumulators(network, layer.from))
    fail(layer, "reads accumulators with a bias, which no variance sees: leave the bias out");
  const int64_t n = positions(network, layer.from), code = code_bound(network, layer.from);
  if (n * code > kMaxLogVarianceSum)
    fail(layer,
         std::to_string(n) + " positions of codes up to " + std::to_string(code) + ": their product exceeds 2^26");
}

void check_formats(const Network& network, int index) {
  const LayerSpec& layer = network.layers[index];
  if (has_weights(layer.op) && !is_weight_format(layer.weights))
    fail(layer, "weights cannot be " + std::string(format_name(layer.weights)));
  if (!has_accumulators(layer.op)) {
    if (layer.pool || layer.batch_norm || layer.bias || layer.relu)
      fail(layer, op_name(layer.op) + " takes no pool, bias, batch_norm or relu");
    return;
  }
  if (!is_activation_format(layer.activations))
    fail(layer, "activations cannot be " + std::string(format_name(layer.activations)));
  if (layer.relu && layer.activations != Format::kFloat32) fail(layer, "relu needs float32 activations");
  if (layer.range_log2 < -8 || layer.range_log2 > 8) fail(layer, "range_log2 must be in -8..8");
  if (layer.bias && !has_weights(layer.op)) fail(layer, op_name(layer.op) + " takes no bias");
  if (layer.batch_norm && layer.activations == Format::kAccumulator && !computes_in_float(network, index))
    fail(layer, "batch_norm needs an activation format (or float32)");
  const Padding padding = padding_of(layer.op);
  if (padding == Padding::kMinusOne || padding == Padding::kPlusOne) {
    const Format in = storage_format(network, layer.from);
    if (in != Format::kBinary && in != Format::kTernary)
      fail(layer, "padding with -1 or +1 needs a binary or ternary input");
  }
  if (const auto* add = std::get_if<Add>(&layer.op)) {
    for (const int side : {layer.from, add->with})
      if (source_of(network, side) == kNetworkInput)
        fail(layer, "add cannot read the network's input, whose scale is the data's: no power of two");
    const bool floats = storage_format(network, layer.from) == Format::kFloat32 &&
                        storage_format(network, add->with) == Format::kFloat32;
    const auto a = scale_log2(network, layer.from), b = scale_log2(network, add->with);
    if (!floats && (!a || !b)) fail(layer, "add needs quantized activations on both sides, or float32 on both");
    if (!floats && std::abs(*a - *b) > 12) fail(layer, "the scales of the two sides differ by more than 2^12");
  }
  if (std::holds_alternative<GlobalLogVariance>(layer.op)) check_log_variance(network, index);
  if (!computes_in_float(network, index) && accumulator_bound(network, index) > (int64_t{1} << 30))
    fail(layer, "accumulators may exceed 2^30");
}

void check_name(const std::string& name, const char* what) {
  const bool first = !name.empty() && name[0] >= 'a' && name[0] <= 'z';
  const bool rest = std::all_of(name.begin(), name.end(),
                                [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
  if (!first || !rest || name.size() > 64)
    throw StructureError(std::string(what) + " \"" + name.substr(0, 80) +
                         "\": a name is [a-z][a-z0-9_]*, at most 64 long");
}

int64_t code_bound(const Network& network, int layer) {
  if (layer == kNetworkInput) {
    const Format f = network.input_format;
    return std::max<int64_t>(-int64_t{min_code(f)}, max_code(f));
  }
  const LayerSpec& spec = network.layers[layer];
  if (!has_accumulators(spec.op)) return code_bound(network, spec.from);
  if (spec.activations == Format::kAccumulator) return spec.bias ? int64_t{1} << 30 : accumulator_bound(network, layer);
  return std::max<int64_t>(-int64_t{min_code(spec.activations)}, max_code(spec.activations));
}

std::string text(const Window& w) {
  return std::to_string(w.h) + "x" + std::to_string(w.w) + "/" + std::to_string(w.stride_h) + "x" +
         std::to_string(w.stride_w);
}

const char* text(Padding padding) {
  switch (padding) {
    case Padding::kValid: return "valid";
    case Padding::kZero: return "zero";
    case Padding::kMinusOne: return "minus_one";
    case Padding::kPlusOne: return "plus_one";
  }
  return "?";
}

std::string op_text(const Op& op) {
  return std::visit(
      Overloaded{[](const Conv2d& o) {
                   return "conv " + std::to_string(o.out_channels) + " " + text(o.kernel) + " " + text(o.padding);
                 },
                 [](const DepthwiseConv2d& o) { return "depthwise " + text(o.kernel) + " " + text(o.padding); },
                 [](const Dense& o) { return "dense " + std::to_string(o.units); },
                 [](const MaxPool2d& o) { return "max_pool " + text(o.window); },
                 [](const AvgPool2d& o) { return "avg_pool " + text(o.window); },
                 [](const GlobalAvgPool&) { return std::string("global_avg_pool"); },
                 [](const Flatten&) { return std::string("flatten"); },
                 [](const Add& o) { return "add " + std::to_string(o.with); },
                 [](const Upsample2d& o) { return "upsample " + std::to_string(o.h) + "x" + std::to_string(o.w); },
                 [](const GlobalLogVariance&) { return std::string("global_log_variance"); }},
      op);
}

}  // namespace

int source_of(const Network& network, int layer) {
  while (layer != kNetworkInput && !has_accumulators(network.layers[layer].op)) layer = network.layers[layer].from;
  return layer;
}

int append(Network& network, LayerSpec layer) {
  layer.from = static_cast<int>(network.layers.size()) - 1;
  network.layers.push_back(std::move(layer));
  return static_cast<int>(network.layers.size()) - 1;
}

int padded_outputs(int n, int window, int stride, Padding padding) {
  if (padding == Padding::kValid) return n < window ? 0 : (n - window) / stride + 1;
  return (n + stride - 1) / stride;
}

int padding_before(int n, int window, int stride, Padding padding) {
  if (padding == Padding::kValid) return 0;
  const int out = padded_outputs(n, window, stride, padding);
  return std::max((out - 1) * stride + window - n, 0) / 2;
}

Slide slide_of(const LayerSpec& layer, const Shape& input) {
  if (const auto* op = std::get_if<Conv2d>(&layer.op)) return {op->kernel, op->padding};
  if (const auto* op = std::get_if<DepthwiseConv2d>(&layer.op)) return {op->kernel, op->padding};
  if (const auto* op = std::get_if<AvgPool2d>(&layer.op)) return {op->window, Padding::kValid};
  if (std::holds_alternative<GlobalAvgPool>(layer.op) || std::holds_alternative<GlobalLogVariance>(layer.op))
    return {{input.h, input.w, 1, 1}, Padding::kValid};
  return {};
}

std::vector<LayerShapes> infer_shapes(const Network& network) {
  check_name(network.name, "network");
  if (network.layers.empty()) throw StructureError("network " + network.name + ": at least one layer");
  if (network.input.h < 1 || network.input.w < 1 || network.input.c < 1)
    throw StructureError("network " + network.name + ": input shape must be at least 1x1x1");
  if (!is_integer(network.input_format) || network.input_format == Format::kInt32)
    throw StructureError("network " + network.name + ": input format cannot be " +
                         std::string(format_name(network.input_format)));
  if (!is_small(network.input.h, network.input.w, network.input.c))
    throw StructureError("network " + network.name + ": input of more than 2^24 elements");
  std::vector<LayerShapes> shapes;
  const auto output_of = [&](int layer) { return layer == kNetworkInput ? network.input : shapes[layer].output; };
  std::set<std::string> names;
  for (int i = 0; i < static_cast<int>(network.layers.size()); ++i) {
    const LayerSpec& layer = network.layers[i];
    check_name(layer.name, "layer");
    if (!names.insert(layer.name).second) fail(layer, "the name is used twice");
    const auto* add = std::get_if<Add>(&layer.op);
    if (layer.from < kNetworkInput || layer.from >= i || (add && (add->with < kNetworkInput || add->with >= i)))
      fail(layer, "reads a layer that does not come before it");
    LayerShapes s;
    s.input = output_of(layer.from);
    s.accumulators = accumulator_shape(layer, s.input);
    if (!is_small(s.accumulators.h, s.accumulators.w, s.accumulators.c)) fail(layer, "more than 2^24 elements");
    if (add && !(output_of(add->with) == s.input))
      fail(layer, "adds " + shape_text(output_of(add->with)) + " to " + shape_text(s.input));
    check_formats(network, i);
    s.output = pooled(layer, s.accumulators);
    shapes.push_back(s);
  }
  return shapes;
}

LayerShapes layer_shapes(const Network& network, int layer) {
  const LayerSpec& spec = network.layers[layer];
  LayerShapes s;
  s.input = output_shape(network, spec.from);
  s.accumulators = accumulator_shape(spec, s.input);
  s.output = pooled(spec, s.accumulators);
  return s;
}

bool has_weights(const Op& op) {
  return std::holds_alternative<Conv2d>(op) || std::holds_alternative<DepthwiseConv2d>(op) ||
         std::holds_alternative<Dense>(op);
}

bool has_accumulators(const Op& op) {
  return !std::holds_alternative<MaxPool2d>(op) && !std::holds_alternative<Flatten>(op) &&
         !std::holds_alternative<Upsample2d>(op);
}

std::string op_name(const Op& op) {
  const std::string all = op_text(op);
  return all.substr(0, all.find(' '));
}

int64_t macs(const LayerSpec& layer, const LayerShapes& shapes) {
  const int64_t positions = int64_t{shapes.accumulators.h} * shapes.accumulators.w;
  return has_weights(layer.op) ? positions * weight_count(layer, shapes) : 0;
}

int64_t macs(const Network& network) {
  const auto shapes = infer_shapes(network);
  int64_t sum = 0;
  for (size_t i = 0; i < network.layers.size(); ++i) sum += macs(network.layers[i], shapes[i]);
  return sum;
}

int64_t weight_count(const LayerSpec& layer, const LayerShapes& shapes) {
  if (const auto* conv = std::get_if<Conv2d>(&layer.op))
    return int64_t{conv->out_channels} * conv->kernel.h * conv->kernel.w * shapes.input.c;
  if (const auto* depthwise = std::get_if<DepthwiseConv2d>(&layer.op))
    return int64_t{depthwise->kernel.h} * depthwise->kernel.w * shapes.input.c;
  if (const auto* dense = std::get_if<Dense>(&layer.op)) return int64_t{dense->units} * shapes.input.c;
  return 0;
}

int64_t parameter_count(const Network& network) {
  const auto shapes = infer_shapes(network);
  int64_t sum = 0;
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const LayerSpec& layer = network.layers[i];
    sum += weight_count(layer, shapes[i]);
    if (layer.bias) sum += shapes[i].output.c;
    if (layer.batch_norm) sum += 2 * shapes[i].output.c;
  }
  return sum;
}

bool computes_in_float(const Network& network, int layer) {
  const LayerSpec& spec = network.layers[layer];
  if (!has_accumulators(spec.op)) return false;
  if (has_weights(spec.op) && spec.weights == Format::kFloat32) return true;
  return storage_format(network, spec.from) == Format::kFloat32;
}

int64_t accumulator_bound(const Network& network, int layer) {
  const LayerSpec& spec = network.layers[layer];
  const int64_t x = code_bound(network, spec.from);
  const Format w = spec.weights;
  const auto weight_bound = [&] { return std::max<int64_t>(-int64_t{min_code(w)}, max_code(w)); };
  const auto shape_of = [&](int i) { return output_shape(network, i); };
  return std::visit(
      Overloaded{[&](const Conv2d& op) {
                   return int64_t{op.kernel.h} * op.kernel.w * shape_of(spec.from).c * weight_bound() * x;
                 },
                 [&](const DepthwiseConv2d& op) { return int64_t{op.kernel.h} * op.kernel.w * weight_bound() * x; },
                 [&](const Dense&) { return int64_t{shape_of(spec.from).c} * weight_bound() * x; },
                 [&](const MaxPool2d&) { return x; },
                 [&](const AvgPool2d& op) { return int64_t{op.window.h} * op.window.w * x; },
                 [&](const GlobalAvgPool&) { return int64_t{shape_of(spec.from).h} * shape_of(spec.from).w * x; },
                 [&](const Flatten&) { return x; },
                 [&](const Add& op) {
                   const int a = scale_log2(network, spec.from).value_or(0),
                             b = scale_log2(network, op.with).value_or(0);
                   const int base = std::min(a, b);
                   return (x << (a - base)) + (code_bound(network, op.with) << (b - base));
                 },
                 [&](const Upsample2d&) { return x; },
                 [&](const GlobalLogVariance&) {
                   const auto sum = static_cast<double>(positions(network, spec.from) * x);
                   return int64_t{log2_steps(clamped_variance(sum * sum, kSmallestCodeVariance))};
                 }},
      spec.op);
}

Format storage_format(const Network& network, int layer) {
  if (layer == kNetworkInput) return network.input_format;
  const LayerSpec& spec = network.layers[layer];
  if (!has_accumulators(spec.op)) return storage_format(network, spec.from);
  if (spec.activations != Format::kAccumulator) return spec.activations;
  if (computes_in_float(network, layer)) return Format::kFloat32;
  if (spec.bias || layer + 1 == static_cast<int>(network.layers.size())) return Format::kInt32;
  const int64_t bound = accumulator_bound(network, layer);
  return bound <= 127 ? Format::kInt8 : bound <= 32767 ? Format::kInt16 : Format::kInt32;
}

Epilogue epilogue(const Network& network, int layer) {
  const LayerSpec& spec = network.layers[layer];
  if (!has_accumulators(spec.op)) return Epilogue::kNone;
  if (computes_in_float(network, layer) || spec.activations == Format::kFloat32) return Epilogue::kFloat;
  if (spec.activations == Format::kAccumulator) return Epilogue::kRaw;
  return bit_width(spec.activations) <= 4 ? Epilogue::kThreshold : Epilogue::kRequantize;
}

double activation_scale(Format format, int range_log2) {
  if (format == Format::kBinary || format == Format::kTernary || !is_integer(format)) return 1.0;
  return std::ldexp(1.0, range_log2 + (is_unsigned(format) ? 0 : 1) - bit_width(format));
}

std::optional<int> scale_log2(const Network& network, int layer) {
  if (layer == kNetworkInput) return std::nullopt;
  const LayerSpec& spec = network.layers[layer];
  if (!has_accumulators(spec.op)) return scale_log2(network, spec.from);
  if (!is_integer(spec.activations)) return std::nullopt;
  return std::ilogb(activation_scale(spec.activations, spec.range_log2));
}

std::string shape_text(const Shape& s) {
  return std::to_string(s.h) + "x" + std::to_string(s.w) + "x" + std::to_string(s.c);
}

std::string canonical_text(const Network& network) {
  std::string out = "input " + shape_text(network.input) + " " + std::string(format_name(network.input_format)) + "\n";
  for (const LayerSpec& layer : network.layers) {
    out += std::to_string(layer.from) + " " + op_text(layer.op);
    if (has_weights(layer.op)) out += " w " + std::string(format_name(layer.weights));
    if (layer.bias) out += " bias";
    if (layer.pool) out += " pool " + text(*layer.pool);
    if (layer.batch_norm) out += " bn";
    if (has_accumulators(layer.op)) {
      out += " a " + std::string(format_name(layer.activations));
      const bool ranged = is_integer(layer.activations) && layer.activations != Format::kBinary &&
                          layer.activations != Format::kTernary;
      if (ranged) out += " range " + std::to_string(layer.range_log2);
      if (layer.relu) out += " relu";
    }
    out += "\n";
  }
  return out;
}

std::string network_hash(const Network& network) {
  return sha256_hex(canonical_text(network)).substr(0, 32);
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "core/kernel.h"

#include <algorithm>
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

std::string operand_types(Format input, Format weights) {
  const bool bytes = input == Format::kInt8 || input == Format::kUint8;
  if (input == Format::kBinary && weights == Format::kBinary) return "a1w1";
  if (input == Format::kBinary && weights == Format::kTernary) return "a1wt";
  if (input == Format::kTernary && weights == Format::kTernary) return "atwt";
  if (bytes && weights == Format::kInt8) return "a8w8";
  if (bytes && weights == Format::kBinary) return "a8w1";
  return "axwx";
}

std::string operation(const Network& network, int layer) {
  const LayerSpec& spec = network.layers[layer];
  if (std::holds_alternative<DepthwiseConv2d>(spec.op)) return "depthwise";
  if (std::holds_alternative<MaxPool2d>(spec.op)) return "max_pool";
  if (std::holds_alternative<Upsample2d>(spec.op)) return "upsample";
  if (std::holds_alternative<Add>(spec.op)) return "add";
  if (std::holds_alternative<AvgPool2d>(spec.op) || std::holds_alternative<GlobalAvgPool>(spec.op)) return "sum_pool";
  if (std::holds_alternative<GlobalLogVariance>(spec.op)) return "log_variance";
  if (computes_in_float(network, layer)) return "conv2d";
  return "conv2d_" + operand_types(storage_format(network, spec.from), spec.weights);
}

bool starts_with(const std::string& text, const char* prefix) {
  return text.rfind(prefix, 0) == 0;
}

bool ends_with(const std::string& text, const std::string& suffix) {
  return text.size() >= suffix.size() && text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

int64_t epilogue_bytes(const Network& network, int layer) {
  switch (epilogue(network, layer)) {
    case Epilogue::kNone: return 0;
    case Epilogue::kFloat: return kFloatEpilogueBytes;
    default: return kEpilogueBytes;
  }
}

}  // namespace

std::string kernel_of(const Network& network, int layer) {
  const LayerSpec& spec = network.layers[layer];
  if (std::holds_alternative<Flatten>(spec.op)) return "";
  check_dimensions(spec, infer_shapes(network)[layer]);
  const std::string name = operation(network, layer);
  const bool max_pool_of_floats = name == "max_pool" && storage_format(network, spec.from) == Format::kFloat32;
  if (computes_in_float(network, layer) || max_pool_of_floats) return name + "_f32";
  return epilogue(network, layer) == Epilogue::kFloat ? name + "_to_f32" : name;
}

int64_t weight_bytes(const Network& network, int layer) {
  const LayerSpec& spec = network.layers[layer];
  if (!has_weights(spec.op)) return 0;
  const int64_t count = weight_count(spec, infer_shapes(network)[layer]);
  if (starts_with(kernel_of(network, layer), "conv2d_a1wt")) return (count + 31) / 32 * 8;
  return packed_bytes(count, spec.weights);
}

bool has_narrow_thresholds(const Network& network, int layer) {
  return accumulator_bound(network, layer) < 32767;
}

int64_t table_bytes(const Network& network, int layer) {
  const LayerSpec& spec = network.layers[layer];
  const int64_t channels = infer_shapes(network)[layer].output.c;
  switch (epilogue(network, layer)) {
    case Epilogue::kNone: return 0;
    case Epilogue::kRaw: return spec.bias ? 4 * channels : 0;
    case Epilogue::kThreshold: {
      const int64_t each = has_narrow_thresholds(network, layer) ? 2 : 4;
      return words(each * channels * threshold_count(spec.activations)) + words((channels + 7) / 8);
    }
    case Epilogue::kRequantize: return 12 * channels + words(channels);
    case Epilogue::kFloat: return 8 * channels;
  }
  return 0;
}

int64_t constant_bytes(const Network& network, int layer) {
  if (std::holds_alternative<Flatten>(network.layers[layer].op)) return 0;
  return kLayerBytes + epilogue_bytes(network, layer) + weight_bytes(network, layer) + table_bytes(network, layer);
}

std::vector<std::string> runtime_files(const Network& network) {
  std::set<std::string> files = {"bw_kernels.h"};
  for (int i = 0; i < static_cast<int>(network.layers.size()); ++i) {
    const std::string kernel = kernel_of(network, i);
    if (kernel.empty()) continue;
    files.insert({"bw_" + kernel + ".c", "bw_bits.h"});
    if (kernel == "upsample") continue;
    files.insert("bw_driver.h");
    const bool in_float = ends_with(kernel, "_f32") && !ends_with(kernel, "_to_f32");
    if (ends_with(kernel, "_f32")) files.insert("bw_float.h");
    if (in_float || starts_with(kernel, "max_pool")) continue;
    files.insert("bw_accumulate.h");
    if (!ends_with(kernel, "_to_f32")) files.insert({"bw_epilogue.h", "bw_epilogue.c"});
    if (starts_with(kernel, "conv2d")) files.insert({"bw_dot.h", "bw_border.c"});
  }
  return {files.begin(), files.end()};
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "experiments/bench/kernels/kernel_cases.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "core/error.h"

namespace bitwright {
namespace {

constexpr int kChannels = 32;

Op conv(int h, int w) {
  return Conv2d{kChannels, {h, w, 1, 1}, Padding::kZero};
}

// The named ones, in the order of `all`.
template <class T>
std::vector<T> pick(const std::vector<T>& all, const std::vector<std::string>& names, const std::string& option) {
  if (names.empty()) return all;
  std::vector<std::string> known;
  for (const T& item : all) known.push_back(item.name);
  for (const std::string& name : names)
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw ConfigError(fmt::format("{} = {}: must be one of {}", option, name, fmt::join(known, ", ")));
  std::vector<T> picked;
  for (const T& item : all)
    if (std::find(names.begin(), names.end(), item.name) != names.end()) picked.push_back(item);
  return picked;
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

LayerSpec layer_of(const std::string& name, const Op& op, const FormatPair& pair) {
  LayerSpec layer;
  layer.name = name;
  layer.op = op;
  layer.weights = pair.weights;
  layer.activations = pair.input;
  return layer;
}

Network network_of(const KernelShape& shape, const FormatPair& pair) {
  Network network;
  network.name = lower_case(fmt::format("{}_{}", shape.name, pair.name));
  network.input = shape.input;
  network.input_format = pair.input;
  if (pair.input == Format::kFloat32) {
    network.input_format = Format::kInt8;
    append(network, layer_of(network.name + "_to_float", DepthwiseConv2d{}, pair));
  }
  append(network, layer_of(network.name + "_layer", shape.op, pair));
  return network;
}

}  // namespace

const std::vector<KernelShape>& kernel_shapes() {
  static const std::vector<KernelShape> all = {
      {"conv_k5", {600, 1, kChannels}, conv(5, 1)},
      {"conv_k3", {600, 1, kChannels}, conv(3, 1)},
      {"conv_k1", {600, 1, kChannels}, conv(1, 1)},
      {"conv2d_3x3", {24, 25, kChannels}, conv(3, 3)},
      {"dense", {1, 1, 2048}, Dense{64}},
      {"depthwise_3x3", {24, 25, kChannels}, DepthwiseConv2d{{3, 3, 1, 1}, Padding::kZero}},
      {"conv_in1", {600, 1, 1}, conv(5, 1)},
  };
  return all;
}

const std::vector<FormatPair>& format_pairs() {
  static const std::vector<FormatPair> all = {
      {"W1A1", Format::kBinary, Format::kBinary},   {"WtA1", Format::kTernary, Format::kBinary},
      {"WtAt", Format::kTernary, Format::kTernary}, {"W1Au8", Format::kBinary, Format::kUint8},
      {"W1As8", Format::kBinary, Format::kInt8},    {"W1A16", Format::kBinary, Format::kInt16},
      {"W2A2", Format::kInt2, Format::kUint2},      {"W4A4", Format::kInt4, Format::kUint4},
      {"W8A8", Format::kInt8, Format::kInt8},       {"W4A8", Format::kInt4, Format::kInt8},
      {"W2A8", Format::kInt2, Format::kInt8},       {"float", Format::kFloat32, Format::kFloat32},
  };
  return all;
}

std::vector<KernelCase> kernel_cases(const std::vector<std::string>& shapes, const std::vector<std::string>& pairs) {
  std::vector<KernelCase> cases;
  for (const KernelShape& shape : pick(kernel_shapes(), shapes, "--shape"))
    for (const FormatPair& pair : pick(format_pairs(), pairs, "--pair"))
      cases.push_back({shape.name, pair.name, network_of(shape, pair)});
  return cases;
}

int64_t measured_macs(const Network& network) {
  return macs(network.layers.back(), infer_shapes(network).back());
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "core/op_profile.h"

#include <fmt/format.h>

#include <algorithm>

namespace bitwright {
namespace {

enum class Mode { kMultiBit, kTernary, kBinary, kFloat };

Mode mode_of(Format format) {
  switch (format) {
    case Format::kBinary: return Mode::kBinary;
    case Format::kTernary: return Mode::kTernary;
    case Format::kFloat32:
    case Format::kAccumulator: return Mode::kFloat;
    default: return Mode::kMultiBit;
  }
}

int bits_of(Format format) {
  return mode_of(format) == Mode::kFloat ? 32 : bit_width(format);
}

bool is_counted(const LayerSpec& layer) {
  return has_weights(layer.op) && layer.weights != Format::kFloat32;
}

// The format whose mode a tensor counts with; kAccumulator for what QKeras calls linear.
Format counted_format(const Network& network, int layer) {
  if (layer == kNetworkInput) return network.input_format;
  const LayerSpec& spec = network.layers[layer];
  const bool quantizes = has_accumulators(spec.op) && is_integer(spec.activations);
  if (quantizes || is_counted(spec)) return spec.activations;
  return counted_format(network, spec.from);
}

const char* operation(Mode weight, Mode input) {
  if (input == Mode::kFloat) return "fmult";
  if (weight == Mode::kBinary && input == Mode::kBinary) return "xor";
  return weight == Mode::kMultiBit && input == Mode::kMultiBit ? "mult" : "mux";
}

std::string operation_name(Format weights, Format input) {
  return fmt::format("s{}_{}_{}", operation(mode_of(weights), mode_of(input)), bits_of(weights), bits_of(input));
}

LayerProfile profile_layer(const Network& network, const LayerSpec& layer, const LayerShapes& shapes) {
  LayerProfile p;
  p.layer = layer.name;
  p.operation = operation_name(layer.weights, counted_format(network, layer.from));
  p.operations = macs(layer, shapes);
  p.weights = weight_count(layer, shapes);
  if (std::holds_alternative<DepthwiseConv2d>(layer.op)) p.weights *= shapes.input.c;  // as QKeras counts them
  p.bits = bit_width(layer.weights);
  p.biases = layer.bias ? shapes.output.c : 0;
  return p;
}

std::string percent(int64_t part, int64_t whole) {
  return fmt::format("{:5.1f} %", whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

// Lines are sorted by layer name, as print_qstats does.
std::vector<LayerProfile> by_name(std::vector<LayerProfile> layers) {
  std::sort(layers.begin(), layers.end(), [](const auto& a, const auto& b) { return a.layer < b.layer; });
  return layers;
}

std::string weight_line(const std::string& name, int64_t count, int bits, int64_t total_bits) {
  const std::string unit = fmt::format("({}-bit unit)", bits);
  return fmt::format("    {:30} : {:<5} {:13} {}\n", name, count, unit, percent(count * bits, total_bits));
}

std::string formats_text(const Network& network, int index) {
  const LayerSpec& layer = network.layers[index];
  std::string out;
  if (has_weights(layer.op)) out = fmt::format("w {} ", format_name(layer.weights));
  return out + fmt::format("x {} y {}", format_name(storage_format(network, layer.from)),
                           format_name(storage_format(network, index)));
}

std::vector<std::string> layer_row(const Network& network, int index, const LayerShapes& shapes) {
  const LayerSpec& layer = network.layers[index];
  return {layer.name,
          op_name(layer.op),
          shape_text(shapes.input),
          shape_text(shapes.output),
          formats_text(network, index),
          fmt::format("{}", macs(layer, shapes)),
          fmt::format("{}", weight_count(layer, shapes))};
}

// Columns as wide as their widest cell; the last two, numbers, to the right.
std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> width(rows.front().size(), 0);
  for (const auto& row : rows)
    for (size_t c = 0; c < row.size(); ++c) width[c] = std::max(width[c], row[c].size());
  std::string out;
  for (const auto& row : rows)
    for (size_t c = 0; c < row.size(); ++c) {
      const bool number = c + 2 >= row.size();
      out += number ? fmt::format("{:>{}}", row[c], width[c]) : fmt::format("{:<{}}", row[c], width[c]);
      out += c + 1 < row.size() ? "  " : "\n";
    }
  return out;
}

}  // namespace

OpProfile op_profile(const Network& network) {
  const auto shapes = infer_shapes(network);
  OpProfile profile;
  for (size_t i = 0; i < network.layers.size(); ++i) {
    if (!is_counted(network.layers[i])) continue;
    const LayerProfile p = profile_layer(network, network.layers[i], shapes[i]);
    profile.operations[p.operation] += p.operations;
    profile.total_bits += p.weights * p.bits + p.biases * 32;
    profile.layers.push_back(p);
  }
  return profile;
}

std::string qstats_text(const OpProfile& profile) {
  const auto layers = by_name(profile.layers);
  int64_t sum = 0;
  for (const auto& [name, count] : profile.operations) sum += count;
  std::string out = "Number of operations in model:\n";
  for (const LayerProfile& p : layers)
    out += fmt::format("    {:30}: {:<5} {:15} {}\n", p.layer, p.operations, "(" + p.operation + ")",
                       percent(p.operations, sum));
  out += "\nNumber of operation types in model:\n";
  for (const auto& [name, count] : profile.operations)
    out += fmt::format("    {:30}: {:<10} {}\n", name, count, percent(count, sum));
  out += "\nWeight profiling:\n";
  for (const LayerProfile& p : layers) {
    out += weight_line(p.layer + "_weights", p.weights, p.bits, profile.total_bits);
    out += weight_line(p.layer + "_bias", p.biases, 32, profile.total_bits);
  }
  out += fmt::format("    {:-<40}\n", "");
  return out + fmt::format("    {:30} : {:<5}\n", "Total Bits", profile.total_bits);
}

std::string layer_table(const Network& network) {
  const auto shapes = infer_shapes(network);
  std::vector<std::vector<std::string>> rows = {{"layer", "op", "input", "output", "formats", "MACs", "weights"}};
  int64_t weights = 0;
  for (int i = 0; i < static_cast<int>(network.layers.size()); ++i) {
    rows.push_back(layer_row(network, i, shapes[i]));
    weights += weight_count(network.layers[i], shapes[i]);
  }
  rows.push_back({"total", "", "", "", "", fmt::format("{}", macs(network)), fmt::format("{}", weights)});
  return aligned(rows);
}

}  // namespace bitwright

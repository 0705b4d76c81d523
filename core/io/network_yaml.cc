// SPDX-License-Identifier: Apache-2.0
#include "core/io/network_yaml.h"

#include "core/error.h"
#include "core/io/config_reader.h"
#include "core/kernel.h"

namespace bitwright {
namespace {

const std::vector<std::string> kOps = {"conv",     "depthwise",          "dense",   "max_pool",
                                       "avg_pool", "global_avg_pool",    "flatten", "add",
                                       "upsample", "global_log_variance"};
const std::vector<std::string> kPaddings = {"valid", "zero", "minus_one", "plus_one"};  // in the order of Padding

constexpr size_t kMaxLayers = 256;

std::vector<Format> all_formats() {
  std::vector<Format> formats;
  for (int i = 0; i <= static_cast<int>(Format::kAccumulator); ++i) formats.push_back(static_cast<Format>(i));
  return formats;
}

// What the maps of one network file are read with.
struct Context {
  Mistakes& mistakes;
  bool one_dimensional = false;     // input w == 1: a single number n is {n, 1}
  std::vector<std::string> layers;  // names read so far, in order
};

// A kernel, a pooling window, a stride or how often to repeat: n, or [h, w].
void read_pair(FieldReader& reader, std::string_view key, Need need, bool one_dimensional, int& h, int& w,
               int most = 65'535) {
  const YamlNode* node = reader.node(key, need);
  if (!node) return;
  const Codec<int> codec = whole(1, most);
  const bool pair = node->kind == YamlNode::Kind::kList && node->items.size() == 2;
  if (!pair && node->kind != YamlNode::Kind::kScalar) return reader.mistake(key, "n or [height, width]");
  std::string rule = codec.parse(pair ? node->items[0].scalar : node->scalar, h);
  if (rule.empty() && pair) rule = codec.parse(node->items[1].scalar, w);
  if (!rule.empty()) return reader.mistake(key, rule);
  if (!pair) w = one_dimensional ? 1 : h;
}

// max_pool, avg_pool: size and stride lie in the layer itself; the stride is the size unless given.
Window read_pooling_window(FieldReader& reader, Need need, const Context& context) {
  Window window;
  read_pair(reader, "size", need, context.one_dimensional, window.h, window.w);
  window.stride_h = window.h;
  window.stride_w = window.w;
  read_pair(reader, "stride", Need::kOptional, context.one_dimensional, window.stride_h, window.stride_w);
  return window;
}

// `pool: 4`, `pool: [2, 2]` or `pool: {size: 4, stride: 2}`.
void read_pool(FieldReader& reader, const std::string& path, Context& context, LayerSpec& layer) {
  const YamlNode* node = reader.node("pool");
  if (!node) return;
  if (node->kind == YamlNode::Kind::kMap) {
    FieldReader inner(*node, path + ".pool", context.mistakes);
    layer.pool = read_pooling_window(inner, Need::kRequired, context);
    inner.finish();
    return;
  }
  Window window;
  read_pair(reader, "pool", Need::kOptional, context.one_dimensional, window.h, window.w);
  window.stride_h = window.h;
  window.stride_w = window.w;
  layer.pool = window;
}

void read_kernel(FieldReader& reader, const Context& context, Window& kernel, Padding& padding) {
  read_pair(reader, "kernel", Need::kRequired, context.one_dimensional, kernel.h, kernel.w);
  read_pair(reader, "stride", Need::kOptional, context.one_dimensional, kernel.stride_h, kernel.stride_w);
  std::string name = "valid";
  reader.value("padding", name, one_of(kPaddings));
  padding = static_cast<Padding>(std::find(kPaddings.begin(), kPaddings.end(), name) - kPaddings.begin());
}

// The name of an earlier layer, or `input`.
void read_source(FieldReader& reader, std::string_view key, Need need, const Context& context, int& index) {
  std::vector<std::string> known = {"input"};
  known.insert(known.end(), context.layers.begin(), context.layers.end());
  const auto parse = [&](const std::string& text, int& value) -> std::string {
    const auto found = std::find(known.begin(), known.end(), text);
    if (found == known.end()) return "no layer before this one has the name" + did_you_mean(text, known);
    value = static_cast<int>(found - known.begin()) - 1;
    return "";
  };
  reader.value(key, index, Codec<int>{parse, nullptr}, need);
}

Op read_op(FieldReader& reader, const std::string& op, const Context& context) {
  if (op == "conv") {
    Conv2d conv;
    reader.value("channels", conv.out_channels, whole(1, 65'536), Need::kRequired);
    read_kernel(reader, context, conv.kernel, conv.padding);
    return conv;
  }
  if (op == "depthwise") {
    DepthwiseConv2d depthwise;
    read_kernel(reader, context, depthwise.kernel, depthwise.padding);
    return depthwise;
  }
  if (op == "dense") {
    Dense dense;
    reader.value("units", dense.units, whole(1, 65'536), Need::kRequired);
    return dense;
  }
  if (op == "max_pool") return MaxPool2d{read_pooling_window(reader, Need::kRequired, context)};
  if (op == "avg_pool") return AvgPool2d{read_pooling_window(reader, Need::kRequired, context)};
  if (op == "global_avg_pool") return GlobalAvgPool{};
  if (op == "global_log_variance") return GlobalLogVariance{};
  if (op == "add") {
    Add add;
    read_source(reader, "with", Need::kRequired, context, add.with);
    return add;
  }
  if (op == "upsample") {
    Upsample2d upsample;
    read_pair(reader, "size", Need::kRequired, context.one_dimensional, upsample.h, upsample.w, kMaxUpsampling);
    return upsample;
  }
  return Flatten{};
}

void read_epilogue(FieldReader& reader, const std::string& path, Context& context, LayerSpec& layer) {
  if (has_weights(layer.op)) {
    reader.value("weights", layer.weights, one_of(all_formats()), Need::kRequired);
    reader.value("bias", layer.bias, flag());
  }
  read_pool(reader, path, context, layer);
  reader.value("batch_norm", layer.batch_norm, flag());
  reader.value("activation", layer.activations, one_of(all_formats()));
  reader.value("relu", layer.relu, flag());
  reader.value("range_log2", layer.range_log2, whole(-8, 8));
}

void read_layer(const YamlNode& node, const std::string& path, Context& context, Network& network) {
  FieldReader reader(node, path, context.mistakes);
  LayerSpec layer;
  std::string op;
  layer.from = static_cast<int>(network.layers.size()) - 1;
  reader.value("name", layer.name, name_text(), Need::kRequired);
  reader.check("name", layer.name != "input", "another name: `input` is what the network reads");
  reader.value("op", op, one_of(kOps), Need::kRequired);
  if (op.empty()) return;  // what else it may hold is not known
  read_source(reader, "from", Need::kOptional, context, layer.from);
  layer.op = read_op(reader, op, context);
  if (has_accumulators(layer.op)) read_epilogue(reader, path, context, layer);
  reader.finish();
  context.layers.push_back(layer.name);
  network.layers.push_back(std::move(layer));
}

void read_layers(FieldReader& reader, const YamlNode& node, Mistakes& mistakes, Network& network) {
  if (node.kind != YamlNode::Kind::kList || node.items.empty() || node.items.size() > kMaxLayers)
    return reader.mistake("layers", fmt::format("a list of maps, 1..{}", kMaxLayers));
  Context context{mistakes, network.input.w == 1, {}};
  for (size_t i = 0; i < node.items.size(); ++i)
    read_layer(node.items[i], fmt::format("layers[{}]", i), context, network);
}

void read_shape(FieldReader& reader, Shape& shape) {
  const YamlNode* node = reader.node("shape", Need::kRequired);
  if (!node) return;
  if (node->kind != YamlNode::Kind::kList || node->items.size() != 3)
    return reader.mistake("shape", "[height, width, channels]");
  int* sides[] = {&shape.h, &shape.w, &shape.c};
  for (size_t i = 0; i < 3; ++i) {
    const std::string rule = whole(1, 1 << 20).parse(node->items[i].scalar, *sides[i]);
    if (!rule.empty()) return reader.mistake("shape", rule);
  }
}

void read_input(FieldReader& reader, Mistakes& mistakes, Network& network) {
  const YamlNode* node = reader.node("input", Need::kRequired);
  if (!node) return;
  FieldReader input(*node, "input", mistakes);
  read_shape(input, network.input);
  input.value("format", network.input_format, one_of(all_formats()), Need::kRequired);
  input.finish();
}

// A fault of shapes or formats, or a layer without a kernel, is reported at the layer that its message names, else at
// the document.
void check_structure_of(const Network& network, const YamlNode& root, Mistakes& mistakes) {
  try {
    infer_shapes(network);
    default_kernels(network);
  } catch (const StructureError& e) {
    const std::string what = e.what();
    const YamlNode& layers = *root.find("layers");
    for (size_t i = network.layers.size(); i-- > 0;) {
      const std::string prefix = "layer " + network.layers[i].name + ": ";
      if (what.starts_with(prefix)) return mistakes.add(layers.items[i].place, fmt::format("layers[{}]", i), what);
    }
    mistakes.add(root.place, "", what);
  }
}

std::string pair_text(int h, int w, bool one_dimensional) {
  if (w == (one_dimensional ? 1 : h)) return std::to_string(h);
  return fmt::format("[{}, {}]", h, w);
}

// `key: size`, and `stride` where it is not what a reader would take.
std::string pooling_text(const Window& window, bool one_dimensional) {
  std::string text = "size: " + pair_text(window.h, window.w, one_dimensional);
  if (window.stride_h != window.h || window.stride_w != window.w)
    text += ", stride: " + pair_text(window.stride_h, window.stride_w, one_dimensional);
  return text;
}

std::string kernel_text(const Window& kernel, Padding padding, bool one_dimensional) {
  std::string text = ", kernel: " + pair_text(kernel.h, kernel.w, one_dimensional);
  if (kernel.stride_h != 1 || kernel.stride_w != 1)
    text += ", stride: " + pair_text(kernel.stride_h, kernel.stride_w, one_dimensional);
  return text + ", padding: " + kPaddings[static_cast<size_t>(padding)];
}

std::string source_name(const Network& network, int index) {
  return index == kNetworkInput ? "input" : network.layers[static_cast<size_t>(index)].name;
}

std::string op_fields(const Network& network, const Op& op, bool one_dimensional) {
  if (const auto* conv = std::get_if<Conv2d>(&op))
    return fmt::format(", channels: {}", conv->out_channels) +
           kernel_text(conv->kernel, conv->padding, one_dimensional);
  if (const auto* depthwise = std::get_if<DepthwiseConv2d>(&op))
    return kernel_text(depthwise->kernel, depthwise->padding, one_dimensional);
  if (const auto* dense = std::get_if<Dense>(&op)) return fmt::format(", units: {}", dense->units);
  if (const auto* pool = std::get_if<MaxPool2d>(&op)) return ", " + pooling_text(pool->window, one_dimensional);
  if (const auto* pool = std::get_if<AvgPool2d>(&op)) return ", " + pooling_text(pool->window, one_dimensional);
  if (const auto* add = std::get_if<Add>(&op)) return ", with: " + source_name(network, add->with);
  if (const auto* upsample = std::get_if<Upsample2d>(&op))
    return ", size: " + pair_text(upsample->h, upsample->w, one_dimensional);
  return "";
}

std::string epilogue_fields(const LayerSpec& layer, bool one_dimensional) {
  std::string text;
  if (has_weights(layer.op)) text += fmt::format(", weights: {}", format_name(layer.weights));
  if (layer.bias) text += ", bias: true";
  if (layer.pool) text += ", pool: {" + pooling_text(*layer.pool, one_dimensional) + "}";
  if (layer.batch_norm) text += ", batch_norm: true";
  text += fmt::format(", activation: {}", format_name(layer.activations));
  if (layer.relu) text += ", relu: true";
  if (layer.range_log2 != LayerSpec{}.range_log2) text += fmt::format(", range_log2: {}", layer.range_log2);
  return text;
}

std::string layer_text(const Network& network, size_t index) {
  const LayerSpec& layer = network.layers[index];
  const bool one_dimensional = network.input.w == 1;
  std::string text = fmt::format("  - {{name: {}, op: {}", layer.name, op_name(layer.op));
  if (layer.from != static_cast<int>(index) - 1) text += ", from: " + source_name(network, layer.from);
  text += op_fields(network, layer.op, one_dimensional);
  if (has_accumulators(layer.op)) text += epilogue_fields(layer, one_dimensional);
  return text + "}\n";
}

}  // namespace

Network load_network(const std::string& path) {
  return network_from_yaml(read_text_file(path), path);
}

Network network_from_yaml(const std::string& text, const std::string& place) {
  const YamlNode root = parse_yaml(text, place);
  Mistakes mistakes(place);
  FieldReader reader(root, "", mistakes);
  Network network;
  reader.value("name", network.name, model_name(), Need::kRequired);
  read_input(reader, mistakes, network);
  const YamlNode* layers = reader.node("layers", Need::kRequired);
  if (layers) read_layers(reader, *layers, mistakes, network);
  reader.finish();
  if (mistakes.empty()) check_structure_of(network, root, mistakes);
  mistakes.throw_if_any();
  return network;
}

std::string network_to_yaml(const Network& network) {
  const Shape& in = network.input;
  std::string text = fmt::format("name: {}\ninput: {{shape: [{}, {}, {}], format: {}}}\nlayers:\n", network.name, in.h,
                                 in.w, in.c, format_name(network.input_format));
  for (size_t i = 0; i < network.layers.size(); ++i) text += layer_text(network, i);
  return text;
}

std::vector<std::string> network_fields() {
  std::vector<std::string> fields = {"name", "input.shape", "input.format"};
  for (const char* field : {"name", "op", "from", "channels", "units", "kernel", "stride", "padding", "size", "with",
                            "weights", "bias", "pool", "batch_norm", "activation", "relu", "range_log2"})
    fields.push_back(std::string("layers.") + field);
  std::sort(fields.begin(), fields.end());
  return fields;
}

}  // namespace bitwright

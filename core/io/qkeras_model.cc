// SPDX-License-Identifier: Apache-2.0
#include "core/io/qkeras_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/error.h"
#include "core/io/model_json.h"
#include "core/io/qkeras_json.h"
#include "core/kernel.h"
#include "core/qkeras_text.h"

namespace bitwright {
namespace {

using nlohmann::json;

// ---- formats

Format signed_format(int bits) {
  return bits == 16 ? Format::kInt16 : static_cast<Format>(static_cast<int>(Format::kInt2) + bits - 2);
}
Format unsigned_format(int bits) {
  return static_cast<Format>(static_cast<int>(Format::kUint2) + bits - 2);
}

// A format and the real range of its codes: LayerSpec::range_log2.
struct Quantized {
  Format format = Format::kAccumulator;
  int range_log2 = 1;
};

// Nothing: no format of ours.
std::optional<Quantized> quantized_of(int bits, int integer, bool is_signed, bool symmetric) {
  if (is_signed && bits == 1) return Quantized{Format::kBinary, 1};
  if (is_signed && bits == 2 && symmetric) return Quantized{Format::kTernary, 1};
  if (bits < 2 || (bits > 8 && !(is_signed && bits == 16))) return std::nullopt;
  return Quantized{is_signed ? signed_format(bits) : unsigned_format(bits), integer};
}

struct FormatOf {
  std::optional<Quantized> operator()(const QuantizedBits& q) const {
    return quantized_of(q.bits, q.integer, q.keep_negative, q.symmetric);
  }
  std::optional<Quantized> operator()(const QuantizedLinear& q) const {
    return quantized_of(q.bits, q.integer, q.keep_negative, q.symmetric);
  }
  std::optional<Quantized> operator()(const QuantizedRelu& q) const {
    if (q.negative_slope != 0.0f || q.use_sigmoid) return std::nullopt;
    return quantized_of(q.bits, q.integer, false, false);
  }
  std::optional<Quantized> operator()(const QuantizedTanh& q) const {
    if (q.use_real_tanh) return std::nullopt;
    return quantized_of(q.bits, 0, true, q.symmetric);
  }
  std::optional<Quantized> operator()(const Binary& q) const {
    return q.use_01 ? std::nullopt : std::optional(Quantized{Format::kBinary, 1});
  }
  std::optional<Quantized> operator()(const StochasticBinary&) const { return Quantized{Format::kBinary, 1}; }
  std::optional<Quantized> operator()(const Ternary&) const { return Quantized{Format::kTernary, 1}; }
  std::optional<Quantized> operator()(const StochasticTernary&) const { return Quantized{Format::kTernary, 1}; }
  template <class Other>
  std::optional<Quantized> operator()(const Other&) const {
    return std::nullopt;
  }
};

// ---- one layer of the file

[[noreturn]] void refuse(const std::string& place, const std::string& rule) {
  throw ConfigError(fmt::format("{}: {}", place, rule));
}

std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

struct KerasLayer {
  std::string type, name, place;
  json config;
  std::vector<std::string> inputs;  // names of layers

  template <class T>
  T get(const char* key, const T& otherwise) const {
    const auto it = config.find(key);
    if (it == config.end() || it->is_null()) return otherwise;
    try {
      return it->get<T>();
    } catch (const json::exception&) {
      refuse(place, fmt::format("{} = {}: not what Keras writes", key, it->dump()));
    }
  }
  void require(const char* key, const json& value) const {
    const auto it = config.find(key);
    if (it != config.end() && !it->is_null() && *it != value)
      refuse(place, fmt::format("{} = {}: must be {}", key, it->dump(), value.dump()));
  }
  // A number, or one or two of them: {n, 1} of a signal.
  std::pair<int, int> extents(const char* key, int otherwise) const {
    const json value = config.contains(key) && !config[key].is_null() ? config[key] : json(otherwise);
    const bool one = value.is_number_integer() || (value.is_array() && value.size() == 1);
    try {
      const int first = value.is_array() ? value.at(0).get<int>() : value.get<int>();
      if (type.find("1D") != std::string::npos) return {first, 1};
      return {first, one ? first : value.at(1).get<int>()};
    } catch (const json::exception&) {
      refuse(place, fmt::format("{} = {}: not what Keras writes", key, value.dump()));
    }
  }
  bool is(std::initializer_list<std::string_view> names) const {
    return std::find(names.begin(), names.end(), type) != names.end();
  }
};

std::string identifier(const std::string& name) {
  std::string word;
  for (char c : name) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool keeps = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
    word += keeps ? lower : '_';
  }
  return word.empty() || word[0] < 'a' || word[0] > 'z' ? "n" + word : word;
}

// [[["name", 0, 0, {}], ...]] of Keras 2; of Keras 3 tensors whose "keras_history" is ["name", 0, 0].
void read_inputs(const json& nodes, std::vector<std::string>& names) {
  if (nodes.is_object() && nodes.contains("keras_history")) {
    names.push_back(nodes["keras_history"].at(0).get<std::string>());
  } else if (nodes.is_array() && nodes.size() >= 3 && nodes[0].is_string()) {
    names.push_back(nodes[0].get<std::string>());
  } else if (nodes.is_structured()) {
    for (const json& node : nodes) read_inputs(node, names);
  }
}

// ---- the whole

class Reader {
 public:
  explicit Reader(std::string place) : place_(std::move(place)) {}

  QkerasModel read(const json& model) {
    std::vector<KerasLayer> layers = layers_of(model);
    for (const KerasLayer& layer : layers)
      for (const std::string& input : layer.inputs) ++readers_[input];
    for (const KerasLayer& layer : layers) read_layer(layer);
    if (network().layers.empty()) refuse(place_, "no layer that computes");
    check_output(model.at("config"));
    network() = closed(std::move(network()));
    if (!softmax_.empty()) note(fmt::format("{}: softmax left out; it changes no decision", softmax_));
    if (!quantized_biases_.empty())
      note(fmt::format("biases of {} are 32-bit codes here, whatever their quantizer",
                       fmt::join(quantized_biases_, ", ")));
    return std::move(model_);
  }

 private:
  Network& network() { return model_.network; }
  // A batch norm without a quantizer gives floats.
  static Network closed(Network network) {
    for (LayerSpec& layer : network.layers)
      if (layer.batch_norm && layer.activations == Format::kAccumulator) layer.activations = Format::kFloat32;
    return network;
  }
  void note(const std::string& text) { model_.notes.push_back(text); }

  std::vector<KerasLayer> layers_of(const json& model) {
    const json& config = model.at("config");
    const json& list = config.is_array() ? config : config.at("layers");
    network().name = identifier(config.is_object() ? config.value("name", "model") : "model");
    const bool chain = model.at("class_name") == "Sequential";
    std::vector<KerasLayer> layers;
    for (const json& entry : list) layers.push_back(layer_of(entry, chain, layers));
    return layers;
  }

  KerasLayer layer_of(const json& entry, bool chain, const std::vector<KerasLayer>& before) const {
    KerasLayer layer;
    layer.type = entry.at("class_name").get<std::string>();
    layer.config = entry.at("config");
    layer.name = layer.config.value("name", entry.value("name", layer.type));
    layer.place = fmt::format("{}: layer {}", place_, layer.name);
    if (chain && !before.empty()) layer.inputs = {before.back().name};
    if (!chain && entry.contains("inbound_nodes")) read_inputs(entry["inbound_nodes"], layer.inputs);
    return layer;
  }

  void check_output(const json& config) const {
    if (!config.is_object() || !config.contains("output_layers")) return;
    std::vector<std::string> outputs;
    read_inputs(config["output_layers"], outputs);
    const int last = static_cast<int>(model_.network.layers.size()) - 1;
    const auto is_last = [&](const std::string& name) { return tensors_.contains(name) && tensors_.at(name) == last; };
    if (outputs.size() != 1 || !is_last(outputs.front()))
      refuse(place_, fmt::format("output_layers = {}: must be one, the last layer", fmt::join(outputs, ", ")));
  }

  void read_layer(const KerasLayer& l) {
    const json shape =
        l.config.contains("batch_input_shape") ? l.config["batch_input_shape"] : l.config.value("batch_shape", json());
    if (l.type == "InputLayer" && has_input_) refuse(l.place, "a second input: a network has one");
    if (!has_input_ && shape.is_array()) read_input(l, shape);
    if (l.type == "InputLayer") {
      tensors_[l.name] = kNetworkInput;
      return;
    }
    if (!has_input_) refuse(l.place, "the shape of the model's input is not known before it");
    if (l.type != "Add" && l.inputs.size() > 1) refuse(l.place, "is called more than once, or reads several tensors");
    const int from = l.inputs.empty() ? kNetworkInput : tensor(l, l.inputs.front());
    tensors_[l.name] = read_operator(l, from);
    if (!l.inputs.empty() && (tensors_[l.name] == from || moves_codes(tensors_[l.name])))
      passes_on_[l.name] = l.inputs.front();
  }

  void read_input(const KerasLayer& l, const json& shape) {
    std::vector<int> sizes;
    for (size_t i = 1; i < shape.size(); ++i) {
      if (!shape[i].is_number_integer())
        refuse(l.place, fmt::format("input of shape {}: sizes must be known", shape.dump()));
      sizes.push_back(shape[i].get<int>());
    }
    if (sizes.empty() || sizes.size() > 3)
      refuse(l.place, fmt::format("input of shape {}: one to three sizes beside the batch", shape.dump()));
    if (sizes.size() == 1) network().input = {1, 1, sizes[0]};
    if (sizes.size() == 2) network().input = {sizes[0], 1, sizes[1]};
    if (sizes.size() == 3) network().input = {sizes[0], sizes[1], sizes[2]};
    network().input_format = Format::kUint8;  // as print_qstats takes it: quantized_relu(8, 0)
    has_input_ = true;
  }

  int tensor(const KerasLayer& l, const std::string& input) const {
    const auto it = tensors_.find(input);
    if (it == tensors_.end()) refuse(l.place, fmt::format("reads {}, which comes later or not at all", input));
    return it->second;
  }

  int read_operator(const KerasLayer& l, int from) {
    if (l.is({"Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise"})) return from;
    if (l.is({"QActivation", "Activation", "ReLU", "Softmax"})) return activate(l, from);
    if (l.type == "BatchNormalization") return normalize(l, from);
    if (l.is({"MaxPooling1D", "MaxPooling2D"})) return pool(l, from);
    if (l.type == "Flatten") return flat(from) ? from : add(l, from, Flatten{});
    std::optional<Op> op = plain_operator(l);
    if (!op) op = weighted_operator(l);
    if (!op) refuse(l.place, fmt::format("{}: no such layer here; docs/profile.md lists those that are read", l.type));
    const int layer = add(l, from, *op);
    if (const auto own = l.config.find("activation"); own != l.config.end()) apply(l, *own, layer);
    return layer;
  }

  // Without weights.
  std::optional<Op> plain_operator(const KerasLayer& l) {
    if (l.is({"AveragePooling1D", "AveragePooling2D", "QAveragePooling2D"})) return AvgPool2d{pool_window(l)};
    if (l.is({"GlobalAveragePooling1D", "GlobalAveragePooling2D", "QGlobalAveragePooling2D"})) return GlobalAvgPool{};
    if (l.is({"UpSampling1D", "UpSampling2D"})) {
      l.require("interpolation", "nearest");
      const auto [h, w] = l.extents("size", 2);
      return Upsample2d{h, w};
    }
    if (l.type != "Add") return std::nullopt;
    if (l.inputs.size() != 2) refuse(l.place, fmt::format("{} inputs: must be two", l.inputs.size()));
    return Add{tensor(l, l.inputs[1])};
  }

  std::optional<Op> weighted_operator(const KerasLayer& l) {
    const bool depthwise = l.is({"DepthwiseConv2D", "QDepthwiseConv2D", "QDepthwiseConv2DBatchnorm"});
    if (l.is({"Dense", "QDense", "QDenseBatchnorm"})) return Dense{l.get("units", 0)};
    if (!depthwise && !l.is({"Conv1D", "Conv2D", "QConv1D", "QConv2D", "QConv2DBatchnorm"})) return std::nullopt;
    l.require("data_format", "channels_last");
    if (l.extents("dilation_rate", 1) != std::pair(1, 1)) refuse(l.place, "dilation_rate: must be 1");
    if (l.get("groups", 1) != 1) refuse(l.place, "groups: must be 1");
    if (depthwise && l.get("depth_multiplier", 1) != 1) refuse(l.place, "depth_multiplier: must be 1");
    const auto [h, w] = l.extents("kernel_size", 1);
    const auto [stride_h, stride_w] = l.extents("strides", 1);
    const Window window{h, w, stride_h, stride_w};
    const Padding padding = padding_of(l);
    if (depthwise) return DepthwiseConv2d{window, padding};
    return Conv2d{l.get("filters", 0), window, padding};
  }

  Padding padding_of(const KerasLayer& l) const {
    const auto padding = l.get<std::string>("padding", "valid");
    if (padding != "valid" && padding != "same") refuse(l.place, fmt::format("padding = {}: valid or same", padding));
    return padding == "same" ? Padding::kZero : Padding::kValid;
  }

  Window pool_window(const KerasLayer& l) const {
    l.require("data_format", "channels_last");
    if (padding_of(l) != Padding::kValid) refuse(l.place, "padding = same: pooling takes windows inside the map");
    const auto [h, w] = l.extents("pool_size", 2);
    if (!l.config.contains("strides") || l.config["strides"].is_null()) return {h, w, h, w};
    const auto [stride_h, stride_w] = l.extents("strides", 2);
    return {h, w, stride_h, stride_w};
  }

  int add(const KerasLayer& l, int from, const Op& op) {
    LayerSpec spec;
    spec.name = identifier(l.name);
    spec.op = op;
    spec.from = from;
    if (has_weights(op)) {
      spec.weights = weight_format(l);
      spec.bias = l.get("use_bias", true);
      spec.batch_norm = l.type.ends_with("Batchnorm");
      if (spec.bias && l.config.contains("bias_quantizer") && !l.config["bias_quantizer"].is_null())
        quantized_biases_.push_back(spec.name);
    }
    network().layers.push_back(spec);
    return static_cast<int>(network().layers.size()) - 1;
  }

  Format weight_format(const KerasLayer& l) const {
    for (const char* key : {"kernel_quantizer", "depthwise_quantizer"}) {
      if (!l.config.contains(key)) continue;
      const auto quantizer = read_qkeras_quantizer(l.config[key], fmt::format("{}: {}", l.place, key));
      if (!quantizer) continue;
      const auto quantized = std::visit(FormatOf(), *quantizer);
      if (!quantized || !is_weight_format(quantized->format))
        refuse(l.place, fmt::format("{} = {}: no such weights here; binary, ternary, or 2 to 8 bits with a sign", key,
                                    qkeras_text(*quantizer)));
      return quantized->format;
    }
    return Format::kFloat32;
  }

  // What `l` is computed on: back from the tensor that it reads past layers that pass codes on or move them (flatten,
  // max-pooling: what follows may as well come before). Nothing where another layer reads one of them, too.
  std::optional<int> source(const KerasLayer& l) const {
    if (l.inputs.empty()) return kNetworkInput;
    std::string name = l.inputs.front();
    while (readers_.at(name) == 1 && passes_on_.contains(name)) name = passes_on_.at(name);
    return readers_.at(name) == 1 ? std::optional(tensors_.at(name)) : std::nullopt;
  }
  bool moves_codes(int tensor) {
    if (tensor == kNetworkInput) return false;
    const Op& op = network().layers[static_cast<size_t>(tensor)].op;
    return std::holds_alternative<Flatten>(op) || std::holds_alternative<MaxPool2d>(op);
  }
  // A layer that gives sums, without a quantizer yet.
  LayerSpec* open_layer(std::optional<int> tensor) {
    if (!tensor || *tensor == kNetworkInput) return nullptr;
    LayerSpec& spec = network().layers[static_cast<size_t>(*tensor)];
    return has_accumulators(spec.op) && !quantizes(spec) ? &spec : nullptr;
  }
  static bool quantizes(const LayerSpec& spec) { return is_integer(spec.activations); }

  int normalize(const KerasLayer& l, int from) {
    LayerSpec* spec = source(l) == from ? open_layer(from) : nullptr;
    if (!spec || spec->batch_norm || spec->relu)
      refuse(l.place,
             "a batch norm must follow a layer's sums, before their quantizer, and nobody else may read these");
    spec->batch_norm = true;
    return from;
  }

  int pool(const KerasLayer& l, int from) {
    const Window window = pool_window(l);
    LayerSpec* spec = source(l) == from ? open_layer(from) : nullptr;
    const bool fuses = spec && has_weights(spec->op) && !spec->pool && !spec->batch_norm;
    if (!fuses) return add(l, from, MaxPool2d{window});
    spec->pool = window;
    return from;
  }

  int activate(const KerasLayer& l, int from) {
    const json activation = l.type == "ReLU"      ? json("relu")
                            : l.type == "Softmax" ? json("softmax")
                                                  : l.config.value("activation", json("linear"));
    apply(l, activation, source(l));
    return from;
  }

  // on: the layer's own tensor, or its source().
  void apply(const KerasLayer& l, const json& activation, std::optional<int> on) {
    if (activation == "linear" || activation.is_null()) return;
    if (activation == "softmax") {
      if (readers_[l.name] > 0) refuse(l.place, "a softmax must be the last layer");
      softmax_ = l.name;
      return;
    }
    if (activation == "relu") return rectify(l, on);
    if (activation.is_string() && !is_qkeras_quantizer(activation.get<std::string>()))
      refuse(l.place, fmt::format("activation = {}: linear, relu, a last softmax or a quantizer",
                                  activation.get<std::string>()));
    const auto quantizer = read_qkeras_quantizer(activation, l.place + ": activation");
    const auto quantized = quantizer ? std::visit(FormatOf(), *quantizer) : std::nullopt;
    if (!quantized) refuse(l.place, fmt::format("activation = {}: no format here", activation.dump()));
    quantize(l, *quantized, on);
  }

  void rectify(const KerasLayer& l, std::optional<int> on) {
    LayerSpec* spec = open_layer(on);
    if (!spec)
      refuse(l.place, "a relu must follow a layer's sums, before their quantizer, and nobody else may read these");
    spec->activations = Format::kFloat32;
    spec->relu = true;
  }

  void quantize(const KerasLayer& l, const Quantized& quantized, std::optional<int> on) {
    if (on == kNetworkInput) return quantize_input(l, quantized);
    LayerSpec* spec = open_layer(on);
    if (!spec) refuse(l.place, "a quantizer must follow a layer's sums that nobody else reads");
    if (spec->relu && !is_unsigned(quantized.format))
      refuse(l.place, "behind a relu only an unsigned quantizer has a kernel");
    spec->relu = false;
    spec->activations = quantized.format;
    spec->range_log2 = quantized.range_log2;
  }

  void quantize_input(const KerasLayer& l, const Quantized& quantized) {
    if (!network().layers.empty() || input_quantized_) refuse(l.place, "the input is quantized a second time");
    network().input_format = quantized.format;
    input_quantized_ = true;
  }

  bool flat(int tensor) {
    if (tensor == kNetworkInput) return network().input.h == 1 && network().input.w == 1;
    const Shape shape = infer_shapes(closed(network()))[static_cast<size_t>(tensor)].output;
    return shape.h == 1 && shape.w == 1;
  }

  std::string place_;
  QkerasModel model_;
  std::map<std::string, int> tensors_;            // by the layer's name in the file
  std::map<std::string, std::string> passes_on_;  // layers that change no code: the one that each reads
  std::map<std::string, int> readers_;
  std::vector<std::string> quantized_biases_;
  std::string softmax_;
  bool has_input_ = false, input_quantized_ = false;
};

}  // namespace

bool is_keras_model(const json& document) {
  if (document.is_string()) return is_keras_model(json::parse(document.get<std::string>(), nullptr, false));
  return document.is_object() && document.contains("class_name") && document.contains("config");
}

QkerasModel read_qkeras_model(const json& document, const std::string& place) {
  if (document.is_string()) return read_qkeras_model(json::parse(document.get<std::string>(), nullptr, false), place);
  try {
    const json kind = document.is_object() ? document.value("class_name", json()) : json();
    if (kind != "Sequential" && kind != "Functional" && kind != "Model")
      refuse(place, fmt::format("class_name = {}: Sequential, Functional or Model", text_of(kind)));
    QkerasModel model = Reader(place).read(document);
    infer_shapes(model.network);
    default_kernels(model.network);  // throws where a layer has none
    return model;
  } catch (const json::exception& error) {
    refuse(place, fmt::format("not a Keras model as to_json() writes it: {}", json_rule(error)));
  }
}

}  // namespace bitwright

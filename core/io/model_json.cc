// SPDX-License-Identifier: Apache-2.0
#include "core/io/model_json.h"

#include <bit>
#include <cstring>

#include "core/io/enum_words.h"

namespace bitwright {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "arrays are stored as their bytes in memory");

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64(const std::string& bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t word = 0;
    for (size_t k = 0; k < count; ++k) word |= uint32_t{static_cast<uint8_t>(bytes[i + k])} << (16 - 8 * k);
    for (size_t k = 0; k < 4; ++k) text += k <= count ? kAlphabet[(word >> (18 - 6 * k)) & 63] : '=';
  }
  return text;
}

std::string from_base64(const std::string& text) {
  if (text.size() % 4 != 0) throw ConfigError("base64: length is no multiple of 4");
  std::string bytes;
  for (size_t i = 0; i < text.size(); i += 4) {
    uint32_t word = 0;
    size_t count = 3;
    for (size_t k = 0; k < 4; ++k) {
      const char* found = text[i + k] == '\0' ? nullptr : std::strchr(kAlphabet, text[i + k]);
      const bool padding = text[i + k] == '=' && i + 4 == text.size() && k >= 2 && (k == 3 || text[i + 3] == '=');
      if (!found && !padding) throw ConfigError("base64: illegal character");
      if (padding) count = std::min(count, k - 1);
      if (found) word |= static_cast<uint32_t>(found - kAlphabet) << (18 - 6 * k);
    }
    for (size_t k = 0; k < count; ++k) bytes += static_cast<char>(word >> (16 - 8 * k));
  }
  return bytes;
}

template <class T>
json packed(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return base64(bytes);
}

// Absent keys are empty arrays.
template <class T>
void unpack(const json& j, const char* key, std::vector<T>& values) {
  values.clear();
  if (!j.contains(key)) return;
  const std::string bytes = from_base64(j.at(key).get<std::string>());
  if (bytes.size() % sizeof(T) != 0) throw ConfigError(std::string(key) + ": not a whole number of values");
  values.resize(bytes.size() / sizeof(T));
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
}

template <class T>
void pack(json& j, const char* key, const std::vector<T>& values) {
  if (!values.empty()) j[key] = packed(values);
}

double number(const json& j) {
  return j.is_null() ? std::numeric_limits<double>::quiet_NaN() : j.get<double>();
}
double number(const json& j, const char* key) {
  return number(j.at(key));
}

// 0 of null, and where the key is absent.
double known_number(const json& j, const char* key) {
  return j.contains(key) && !j.at(key).is_null() ? j.at(key).get<double>() : 0.0;
}

// Absent in what an earlier version wrote: stays as it is.
template <class T>
void read_if_present(const json& j, const char* key, T& value) {
  if (j.contains(key)) value = j.at(key).get<T>();
}

template <class E>
E value_of(const EnumWords<E>& words, const json& j, const char* key) {
  const std::string word = j.at(key);
  const auto found = std::find(words.words.begin(), words.words.end(), word);
  if (found == words.words.end()) throw ConfigError(fmt::format("{} {}: unknown", key, word.substr(0, 80)));
  return static_cast<E>(found - words.words.begin());
}

json format_json(Format format) {
  return format_name(format);
}

Format format_from(const json& j) {
  const std::string name = j.get<std::string>();
  const auto format = format_from_name(name);
  if (!format) throw ConfigError("format " + name.substr(0, 80) + ": unknown");
  return *format;
}

constexpr std::array kPaddings = {"valid", "zero", "minus_one", "plus_one"};  // in the order of Padding

Padding padding_from(const json& j) {
  const std::string name = j.get<std::string>();
  const auto found = std::find(kPaddings.begin(), kPaddings.end(), name);
  if (found == kPaddings.end()) throw ConfigError("padding " + name.substr(0, 80) + ": unknown");
  return static_cast<Padding>(found - kPaddings.begin());
}

struct OpWriter {
  json& j;
  void operator()(const Conv2d& op) const {
    j["channels"] = op.out_channels;
    j["kernel"] = op.kernel;
    j["padding"] = kPaddings[static_cast<size_t>(op.padding)];
  }
  void operator()(const DepthwiseConv2d& op) const {
    j["kernel"] = op.kernel;
    j["padding"] = kPaddings[static_cast<size_t>(op.padding)];
  }
  void operator()(const Dense& op) const { j["units"] = op.units; }
  void operator()(const MaxPool2d& op) const { j["window"] = op.window; }
  void operator()(const AvgPool2d& op) const { j["window"] = op.window; }
  void operator()(const Add& op) const { j["with"] = op.with; }
  void operator()(const GlobalAvgPool&) const {}
  void operator()(const GlobalLogVariance&) const {}
  void operator()(const Flatten&) const {}
  void operator()(const Upsample2d& op) const { j["size"] = {op.h, op.w}; }
};

Op op_from(const json& j) {
  const std::string op = j.at("op");
  if (op == "conv") return Conv2d{j.at("channels"), j.at("kernel"), padding_from(j.at("padding"))};
  if (op == "depthwise") return DepthwiseConv2d{j.at("kernel"), padding_from(j.at("padding"))};
  if (op == "dense") return Dense{j.at("units")};
  if (op == "max_pool") return MaxPool2d{j.at("window")};
  if (op == "avg_pool") return AvgPool2d{j.at("window")};
  if (op == "global_avg_pool") return GlobalAvgPool{};
  if (op == "global_log_variance") return GlobalLogVariance{};
  if (op == "flatten") return Flatten{};
  if (op == "add") return Add{j.at("with")};
  if (op == "upsample") return Upsample2d{j.at("size").at(0), j.at("size").at(1)};
  throw ConfigError("op " + op.substr(0, 80) + ": unknown");
}

json layer_json(const LayerSpec& layer) {
  json j = {{"name", layer.name},
            {"op", op_name(layer.op)},
            {"from", layer.from},
            {"weights", format_json(layer.weights)},
            {"bias", layer.bias},
            {"batch_norm", layer.batch_norm},
            {"activations", format_json(layer.activations)},
            {"relu", layer.relu},
            {"range_log2", layer.range_log2}};
  std::visit(OpWriter{j}, layer.op);
  if (layer.pool) j["pool"] = *layer.pool;
  return j;
}

LayerSpec layer_from(const json& j) {
  LayerSpec layer;
  layer.name = j.at("name");
  layer.op = op_from(j);
  layer.from = j.at("from");
  layer.weights = format_from(j.at("weights"));
  layer.bias = j.at("bias");
  layer.batch_norm = j.at("batch_norm");
  layer.activations = format_from(j.at("activations"));
  layer.relu = j.at("relu");
  layer.range_log2 = j.at("range_log2");
  if (j.contains("pool")) layer.pool = j.at("pool").get<Window>();
  return layer;
}

json quantized_json(const QuantizedLayer& layer) {
  json j = {{"output_scale", layer.output_scale},
            {"shift_from", layer.shift_from},
            {"shift_with", layer.shift_with},
            {"inverse_step", layer.inverse_step}};
  pack(j, "weights", layer.weights);
  pack(j, "float_weights", layer.float_weights);
  pack(j, "bias", layer.bias);
  pack(j, "thresholds", layer.thresholds);
  pack(j, "descending", layer.descending);
  pack(j, "multiplier", layer.multiplier);
  pack(j, "offset", layer.offset);
  pack(j, "shift", layer.shift);
  pack(j, "float_scale", layer.float_scale);
  pack(j, "float_offset", layer.float_offset);
  return j;
}

QuantizedLayer quantized_from(const json& j) {
  QuantizedLayer layer;
  layer.output_scale = number(j, "output_scale");
  layer.shift_from = j.at("shift_from");
  layer.shift_with = j.at("shift_with");
  layer.inverse_step = static_cast<float>(number(j, "inverse_step"));
  unpack(j, "weights", layer.weights);
  unpack(j, "float_weights", layer.float_weights);
  unpack(j, "bias", layer.bias);
  unpack(j, "thresholds", layer.thresholds);
  unpack(j, "descending", layer.descending);
  unpack(j, "multiplier", layer.multiplier);
  unpack(j, "offset", layer.offset);
  unpack(j, "shift", layer.shift);
  unpack(j, "float_scale", layer.float_scale);
  unpack(j, "float_offset", layer.float_offset);
  return layer;
}

json parameters_json(const LayerParameters& layer) {
  json j = json::object();
  pack(j, "weights", layer.weights);
  pack(j, "bias", layer.bias);
  pack(j, "gamma", layer.gamma);
  pack(j, "beta", layer.beta);
  pack(j, "running_mean", layer.running_mean);
  pack(j, "running_var", layer.running_var);
  pack(j, "weight_steps", layer.weight_steps);
  if (layer.activation_step != 0.0f) j["activation_step"] = layer.activation_step;
  return j;
}

LayerParameters parameters_from(const json& j) {
  LayerParameters layer;
  unpack(j, "weights", layer.weights);
  unpack(j, "bias", layer.bias);
  unpack(j, "gamma", layer.gamma);
  unpack(j, "beta", layer.beta);
  unpack(j, "running_mean", layer.running_mean);
  unpack(j, "running_var", layer.running_var);
  unpack(j, "weight_steps", layer.weight_steps);
  if (j.contains("activation_step")) layer.activation_step = static_cast<float>(number(j, "activation_step"));
  return layer;
}

}  // namespace

void to_json(json& j, const Shape& shape) {
  j = {shape.h, shape.w, shape.c};
}
void from_json(const json& j, Shape& shape) {
  shape = {j.at(0), j.at(1), j.at(2)};
}

void to_json(json& j, const Window& w) {
  j = {w.h, w.w, w.stride_h, w.stride_w};
}
void from_json(const json& j, Window& w) {
  w = {j.at(0), j.at(1), j.at(2), j.at(3)};
}

void to_json(json& j, const Network& network) {
  j = {{"name", network.name},
       {"input", {{"shape", network.input}, {"format", format_json(network.input_format)}}},
       {"layers", json::array()}};
  for (const LayerSpec& layer : network.layers) j["layers"].push_back(layer_json(layer));
}

void from_json(const json& j, Network& network) {
  Network read;
  read.name = j.at("name");
  read.input = j.at("input").at("shape").get<Shape>();
  read.input_format = format_from(j.at("input").at("format"));
  for (const json& layer : j.at("layers")) read.layers.push_back(layer_from(layer));
  infer_shapes(read);
  network = std::move(read);
}

void to_json(json& j, const QuantizedModel& model) {
  j = {{"network", model.network}, {"input_scale", model.input_scale}, {"layers", json::array()}};
  for (const QuantizedLayer& layer : model.layers) j["layers"].push_back(quantized_json(layer));
}

void from_json(const json& j, QuantizedModel& model) {
  QuantizedModel read;
  read.network = j.at("network").get<Network>();
  read.input_scale = number(j, "input_scale");
  for (const json& layer : j.at("layers")) read.layers.push_back(quantized_from(layer));
  check_model(read);
  model = std::move(read);
}

void to_json(json& j, const Parameters& parameters) {
  j = json::array();
  for (const LayerParameters& layer : parameters.layers) j.push_back(parameters_json(layer));
}

void from_json(const json& j, Parameters& parameters) {
  parameters.layers.clear();
  for (const json& layer : j) parameters.layers.push_back(parameters_from(layer));
}

void to_json(json& j, const FrontEnd& f) {
  j = {{"kind", f.kind}, {"output", f.output}, {"format", format_json(f.format)},
       {"mean", f.mean}, {"step", f.step},     {"input_scale", f.input_scale}};
}

void from_json(const json& j, FrontEnd& f) {
  f.kind = j.at("kind");
  f.output = j.at("output").get<Shape>();
  f.format = format_from(j.at("format"));
  f.mean = j.at("mean").get<std::vector<double>>();
  f.step = j.at("step").get<std::vector<double>>();
  f.input_scale = j.at("input_scale");
  const size_t channels = static_cast<size_t>(f.output.c);
  if (f.kind != "raw" || f.mean.size() != channels || f.step.size() != channels)
    throw ConfigError("front end: kind raw, one mean and one step per channel");
  for (double step : f.step)
    if (!(step > 0.0)) throw ConfigError("front end: steps above 0");
  if (!(f.input_scale > 0.0)) throw ConfigError("front end: input_scale above 0");
}

void to_json(json& j, const Recipe& r) {
  j = {{"epochs", r.epochs},
       {"batch_size", r.batch_size},
       {"learning_rate", r.learning_rate},
       {"final_learning_rate", r.final_learning_rate},
       {"warmup_fraction", r.warmup_fraction},
       {"batch_norm_momentum", r.batch_norm_momentum},
       {"latent_init", r.latent_init},
       {"patience", r.patience},
       {"max_train_examples", r.max_train_examples},
       {"device", kDeviceWords[r.device]},
       {"surrogate", kSurrogateWords[r.surrogate]},
       {"weight_scale", kWeightScaleWords[r.weight_scale]},
       {"activation_range", kActivationRangeWords[r.activation_range]},
       {"stochastic_rounding", r.stochastic_rounding},
       {"float_weights", r.float_weights},
       {"float_activations", r.float_activations},
       {"label_smoothing", r.label_smoothing},
       {"balanced_classes", r.balanced_classes},
       {"distillation", r.distillation},
       {"distillation_temperature", r.distillation_temperature},
       {"teacher_epochs", r.teacher_epochs},
       {"circular_shift", r.circular_shift},
       {"jitter", r.jitter},
       {"scaling", r.scaling},
       {"mixup", r.mixup}};
}

void from_json(const json& j, Recipe& r) {
  r.epochs = j.at("epochs");
  r.batch_size = j.at("batch_size");
  r.learning_rate = j.at("learning_rate");
  r.final_learning_rate = j.at("final_learning_rate");
  r.warmup_fraction = j.at("warmup_fraction");
  r.batch_norm_momentum = j.at("batch_norm_momentum");
  r.latent_init = j.at("latent_init");
  r.patience = j.at("patience");
  r.max_train_examples = j.at("max_train_examples");
  r.device = value_of(kDeviceWords, j, "device");
  r.surrogate = value_of(kSurrogateWords, j, "surrogate");
  r.weight_scale = value_of(kWeightScaleWords, j, "weight_scale");
  r.activation_range = value_of(kActivationRangeWords, j, "activation_range");
  r.stochastic_rounding = j.at("stochastic_rounding");
  r.float_weights = j.at("float_weights");
  r.float_activations = j.at("float_activations");
  r.label_smoothing = j.at("label_smoothing");
  r.balanced_classes = j.at("balanced_classes");
  r.distillation = j.at("distillation");
  r.distillation_temperature = j.at("distillation_temperature");
  r.teacher_epochs = j.at("teacher_epochs");
  r.circular_shift = j.at("circular_shift");
  r.jitter = j.at("jitter");
  r.scaling = j.at("scaling");
  r.mixup = j.at("mixup");
}

void to_json(json& j, const EpochRecord& e) {
  j = {{"epoch", e.epoch},
       {"learning_rate", e.learning_rate},
       {"train_loss", e.train_loss},
       {"validation_accuracy", e.validation_accuracy}};
}

void from_json(const json& j, EpochRecord& e) {
  e.epoch = j.at("epoch");
  e.learning_rate = number(j, "learning_rate");
  e.train_loss = number(j, "train_loss");
  e.validation_accuracy = number(j, "validation_accuracy");
}

void to_json(json& j, const Metrics& m) {
  j = {{"accuracy", m.accuracy},
       {"fake_quantized_accuracy", m.fake_quantized_accuracy},
       {"train_accuracy", m.train_accuracy},
       {"windows", m.windows},
       {"differing", m.differing},
       {"balanced_accuracy", m.balanced_accuracy},
       {"macro_f1", m.macro_f1},
       {"auc", m.auc},
       {"confusion", m.confusion},
       {"threshold", m.threshold},
       {"f1", m.f1},
       {"r2", m.r2},
       {"rmse", m.rmse},
       {"mae", m.mae}};
}

void from_json(const json& j, Metrics& m) {
  m.accuracy = number(j, "accuracy");
  m.fake_quantized_accuracy = number(j, "fake_quantized_accuracy");
  m.train_accuracy = number(j, "train_accuracy");
  m.windows = j.at("windows");
  read_if_present(j, "differing", m.differing);
  read_if_present(j, "balanced_accuracy", m.balanced_accuracy);
  read_if_present(j, "macro_f1", m.macro_f1);
  read_if_present(j, "auc", m.auc);
  read_if_present(j, "confusion", m.confusion);
  read_if_present(j, "threshold", m.threshold);
  read_if_present(j, "f1", m.f1);
  read_if_present(j, "r2", m.r2);
  read_if_present(j, "rmse", m.rmse);
  read_if_present(j, "mae", m.mae);
}

void to_json(json& j, const LayerEstimate& e) {
  j = {{"name", e.name},
       {"kernel", e.kernel},
       {"macs", e.macs},
       {"constant_bytes", e.constant_bytes},
       {"output_bytes", e.output_bytes},
       {"instructions", e.instructions},
       {"cycles", e.cycles}};
}

void from_json(const json& j, LayerEstimate& e) {
  e.name = j.at("name");
  e.kernel = j.at("kernel");
  e.macs = j.at("macs");
  e.constant_bytes = j.at("constant_bytes");
  e.output_bytes = j.at("output_bytes");
  e.instructions = number(j, "instructions");
  e.cycles = number(j, "cycles");
}

void to_json(json& j, const Estimates& e) {
  j = {{"flash_bytes", e.flash_bytes},
       {"code_bytes", e.code_bytes},
       {"constant_bytes", e.constant_bytes},
       {"ram_bytes", e.ram_bytes},
       {"arena_bytes", e.arena_bytes},
       {"stack_bytes", e.stack_bytes},
       {"macs", e.macs},
       {"parameters", e.parameters},
       {"instructions", e.instructions},
       {"cycles", e.cycles},
       {"latency_us", e.latency_us},
       {"energy_uj", known(e.energy_uj)},
       {"average_power_uw", known(e.average_power_uw)},
       {"layers", e.layers}};
}

void from_json(const json& j, Estimates& e) {
  e.flash_bytes = j.at("flash_bytes");
  e.code_bytes = j.at("code_bytes");
  e.constant_bytes = j.at("constant_bytes");
  e.ram_bytes = j.at("ram_bytes");
  e.arena_bytes = j.at("arena_bytes");
  e.stack_bytes = j.at("stack_bytes");
  e.macs = j.at("macs");
  e.parameters = j.at("parameters");
  e.instructions = number(j, "instructions");
  e.cycles = number(j, "cycles");
  e.latency_us = number(j, "latency_us");
  e.energy_uj = known_number(j, "energy_uj");
  e.average_power_uw = known_number(j, "average_power_uw");
  e.layers = j.at("layers").get<std::vector<LayerEstimate>>();
}

void to_json(json& j, const Violation& v) {
  j = {{"rule", v.rule}, {"value", v.value}, {"limit", v.limit}, {"message", v.message}};
}

void from_json(const json& j, Violation& v) {
  v.rule = j.at("rule");
  v.value = number(j, "value");
  v.limit = number(j, "limit");
  v.message = j.at("message");
}

void to_json(json& j, const Candidate& c) {
  j = {{"parameters", c.parameters}, {"network", c.network}, {"hash", c.hash}};
}

void from_json(const json& j, Candidate& c) {
  c.parameters = j.at("parameters").get<std::map<std::string, std::string>>();
  c.network = j.at("network").get<Network>();
  c.hash = j.at("hash");
  if (c.hash != network_hash(c.network)) throw ConfigError("candidate: the hash is not its network's");
}

json known(double value) {
  return value > 0.0 ? json(value) : json();
}

std::string json_rule(const json::exception& error) {
  const std::string text = error.what();
  const size_t end = text.starts_with("[json.exception.") ? text.find("] ") : std::string::npos;
  return end == std::string::npos ? text : text.substr(end + 2);
}

json parse_json(const std::string& text, const std::string& place) {
  try {
    return json::parse(text);
  } catch (const json::exception& e) {
    throw ConfigError(place + ": not JSON: " + json_rule(e));
  }
}

}  // namespace bitwright

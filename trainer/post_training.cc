// SPDX-License-Identifier: Apache-2.0
#include "trainer/post_training.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/error.h"
#include "core/quantize.h"
#include "core/rng.h"
#include "trainer/adaptive_rounding.h"
#include "trainer/affine.h"
#include "trainer/equalization.h"
#include "trainer/real_layer.h"

namespace bitwright {
namespace {

constexpr double kSmallestStep = 0x1p-20;
constexpr int kMseGrid = 100;
constexpr int64_t kMostValues = 1 << 16;         // of a map that kMse looks at
constexpr int64_t kMostRows = 2048;              // positions of a layer's output that AdaRound learns from
constexpr int kFirstRange = -3, kLastRange = 8;  // range_log2 of what an Add reads: never 2^12 apart

// ---- twins

// Whether a layer hands the network's output on, as it is: the last one, and what only Flatten follows.
bool is_output(const Network& network, int index) {
  int output = static_cast<int>(network.layers.size()) - 1;
  while (output != kNetworkInput && std::holds_alternative<Flatten>(network.layers[output].op))
    output = network.layers[output].from;
  return index == output;
}

bool never_negative(const Network& network, int index) {
  if (index == kNetworkInput) return is_unsigned(network.input_format);
  const LayerSpec& layer = network.layers[index];
  if (layer.relu) return true;
  if (has_weights(layer.op) || layer.batch_norm || std::holds_alternative<GlobalLogVariance>(layer.op)) return false;
  if (!never_negative(network, layer.from)) return false;
  const auto* add = std::get_if<Add>(&layer.op);
  return !add || never_negative(network, add->with);
}

void set_float_padding(const Network& network, int from, Padding& padding) {
  const bool float_map = from != kNetworkInput && storage_format(network, from) == Format::kFloat32;
  if (float_map && padding != Padding::kValid) padding = Padding::kZero;
}

void check_float(const Network& network) {
  infer_shapes(network);
  for (int i = 0; i < std::ssize(network.layers); ++i) {
    const LayerSpec& layer = network.layers[i];
    const bool weights = !has_weights(layer.op) || layer.weights == Format::kFloat32;
    const bool maps = !has_accumulators(layer.op) || storage_format(network, i) == Format::kFloat32;
    if (!weights || !maps) throw StructureError("layer " + layer.name + ": neither weights nor output may be integers");
  }
}

// ---- ranges

// Covers what was seen, or for kMse loses the least of it.
int fit_range_log2(std::span<const float> values, Format format, RangeRule rule) {
  const auto step = [&](int range) { return activation_scale(format, range); };
  const auto error = [&](int range) { return rounding_error(values, min_code(format), max_code(format), step(range)); };
  const float wanted = fit_step(values, min_code(format), max_code(format), RangeRule::kMinMax);
  int best = kLastRange;
  for (int range = kLastRange - 1; range >= kFirstRange; --range)
    if (rule == RangeRule::kMinMax ? step(range) >= wanted : error(range) < error(best)) best = range;
  return best;
}

std::vector<float> sampled(const RealMap& map, Rng& rng) {
  if (std::ssize(map) <= kMostValues) return map;
  std::vector<float> values(kMostValues);
  for (float& value : values) value = map[rng.below(map.size())];
  return values;
}

// The largest value must be among them, so that both rules see the same range.
std::vector<float> values_to_fit(const RealMap& map, RangeRule rule, Rng& rng) {
  if (rule == RangeRule::kMinMax) return map;
  std::vector<float> values = sampled(map, rng);
  values.push_back(
      *std::max_element(map.begin(), map.end(), [](float a, float b) { return std::fabs(a) < std::fabs(b); }));
  return values;
}

// ---- the procedure

// Outputs of one layer for all calibration examples.
struct LayerMaps {
  RealMap real;       // of the float network
  RealMap quantized;  // of the twin, in real units
};

class PostTraining {
 public:
  PostTraining(const Network& network, const Parameters& parameters, const Dataset& train,
               const PostTrainingOptions& options);
  QuantizedTwin run();

 private:
  const LayerMaps& maps(int layer) const { return maps_[layer + 1]; }
  double twin_scale(int layer) const;
  RealMap real_pre_activations(int index) const;
  RealMap twin_pre_activations(int index) const;
  LayerMaps moved(int index) const;
  void set_weight_steps(int index);
  void set_output_step(int index, const RealMap& outputs);
  RoundingRows rounding_rows(int index, Rng& rng) const;
  void round_adaptively(int index);
  void correct_bias(int index, const RealMap& wanted, RealMap& pre_activations);
  void quantize_outputs(int index, RealMap& values) const;
  LayerMaps quantized_layer(int index);
  void release_maps(int index);

  const Network& network_;
  const Parameters& parameters_;
  const PostTrainingOptions& options_;
  const std::vector<LayerShapes> shapes_;
  double code_scale_ = 1.0;
  QuantizedTwin twin_;
  std::vector<LayerMaps> maps_;  // [layer + 1]; of the input first
};

RealMap evenly_spaced_examples(const Dataset& data, int64_t most) {
  const int64_t count = std::min(data.size(), most);
  RealMap map;
  for (int64_t i = 0; i < count; ++i)
    for (int16_t code : data.example(i * data.size() / count))
      map.push_back(static_cast<float>(code * data.front_end.input_scale));
  return map;
}

PostTraining::PostTraining(const Network& network, const Parameters& parameters, const Dataset& train,
                           const PostTrainingOptions& options)
    : network_(network),
      parameters_(parameters),
      options_(options),
      shapes_(infer_shapes(network)),
      code_scale_(train.front_end.input_scale),
      twin_{integer_twin(network), parameters},
      maps_(network.layers.size() + 1) {
  maps_[0].real = maps_[0].quantized = evenly_spaced_examples(train, options.calibration_examples);
}

// Real units per code of what the twin's layer gives.
double PostTraining::twin_scale(int layer) const {
  const int source = source_of(network_, layer);
  if (source == kNetworkInput) return code_scale_;
  return output_scale(twin_.network.layers[source], twin_.parameters.layers[source].activation_step);
}

RealMap PostTraining::real_pre_activations(int index) const {
  const LayerSpec& layer = network_.layers[index];
  const auto* add = std::get_if<Add>(&layer.op);
  const double code_scale = source_of(network_, layer.from) == kNetworkInput ? code_scale_ : 0.0;
  return pre_activations(layer, shapes_[index], parameters_.layers[index], code_scale, maps(layer.from).real,
                         add ? maps(add->with).real : RealMap{});
}

RealMap PostTraining::twin_pre_activations(int index) const {
  const LayerSpec& layer = twin_.network.layers[index];
  LayerParameters p = twin_.parameters.layers[index];
  const QuantizedWeights weights = quantize_layer(twin_.network, index, shapes_[index], p.weights, p.weight_steps);
  const size_t row = weights.scales.empty() ? 1 : weights.codes.size() / weights.scales.size();
  for (size_t i = 0; i < weights.codes.size(); ++i) p.weights[i] = weights.scales[i / row] * weights.codes[i];
  const auto* add = std::get_if<Add>(&layer.op);
  return pre_activations(layer, shapes_[index], p, twin_scale(layer.from), maps(layer.from).quantized,
                         add ? maps(add->with).quantized : RealMap{});
}

// MaxPool2d, Upsample2d and Flatten.
LayerMaps PostTraining::moved(int index) const {
  const LayerMaps& in = maps(network_.layers[index].from);
  const Op& op = network_.layers[index].op;
  const auto move = [&](const RealMap& map) {
    if (const auto* pool = std::get_if<MaxPool2d>(&op))
      return max_pooled(map, shapes_[index].input, pool->window, shapes_[index].output);
    if (const auto* upsample = std::get_if<Upsample2d>(&op)) return upsampled(map, shapes_[index].input, *upsample);
    return map;
  };
  return {move(in.real), move(in.quantized)};
}

void PostTraining::set_weight_steps(int index) {
  LayerParameters& p = twin_.parameters.layers[index];
  const int rows = epilogue(twin_.network, index) == Epilogue::kRaw ? 1 : shapes_[index].output.c;
  const size_t length = p.weights.size() / rows;
  for (int r = 0; r < rows; ++r)
    p.weight_steps.push_back(fit_step(std::span(p.weights).subspan(r * length, length), min_weight_code(Format::kInt8),
                                      max_code(Format::kInt8), options_.weights));
}

void PostTraining::set_output_step(int index, const RealMap& outputs) {
  LayerSpec& layer = twin_.network.layers[index];
  const Format format = layer.activations;
  if (!is_integer(format)) return;
  Rng rng(options_.seed, 2 * static_cast<uint64_t>(index));
  std::vector<float> values = values_to_fit(outputs, options_.activations, rng);
  const bool dead = std::all_of(values.begin(), values.end(), [](float value) { return value == 0.0f; });
  if (dead) values = {1.0f};
  if (may_learn_step(twin_.network, index))
    twin_.parameters.layers[index].activation_step =
        fit_step(values, min_code(format), max_code(format), options_.activations);
  else
    layer.range_log2 = fit_range_log2(values, format, options_.activations);
}

RoundingRows PostTraining::rounding_rows(int index, Rng& rng) const {
  const LayerSpec& layer = network_.layers[index];
  const Shape in = shapes_[index].input, out = shapes_[index].accumulators;
  const PatchReader reader = patch_reader(layer, shapes_[index], code_scale_);
  const std::vector<float> weights = taps_first(parameters_.layers[index].weights, out.c);
  const LayerMaps& read = maps(layer.from);
  const int64_t area = int64_t{out.h} * out.w, positions = std::ssize(read.real) / in.elements() * area;
  RoundingRows rows{.count = std::min(positions, kMostRows), .taps = std::ssize(weights) / out.c, .outputs = out.c};
  rows.depthwise = std::holds_alternative<DepthwiseConv2d>(layer.op);
  rows.inputs.resize(rows.count * reader.size());
  rows.targets.resize(rows.count * out.c);
  std::vector<float> patch(reader.size());
  for (int64_t i = 0; i < rows.count; ++i) {
    const int64_t at = positions == rows.count ? i : static_cast<int64_t>(rng.below(positions));
    const int64_t example = at / area * in.elements();
    const int y = static_cast<int>(at % area / out.w), x = static_cast<int>(at % out.w);
    reader.read(read.quantized.data() + example, y, x, rows.inputs.data() + i * reader.size());
    reader.read(read.real.data() + example, y, x, patch.data());
    accumulate(layer.op, reader, patch.data(), weights, out.c, rows.targets.data() + i * out.c);
  }
  return rows;
}

void PostTraining::round_adaptively(int index) {
  Rng rng(options_.seed, 2 * static_cast<uint64_t>(index) + 1);
  const RoundingRows rows = rounding_rows(index, rng);
  LayerParameters& p = twin_.parameters.layers[index];
  const RoundingOptions options{.iterations = options_.rounding_iterations, .seed = rng.next()};
  const std::vector<int8_t> codes = learn_rounding(p.weights, p.weight_steps, rows, options);
  const size_t row = codes.size() / p.weight_steps.size();
  for (size_t i = 0; i < codes.size(); ++i) p.weights[i] = p.weight_steps[i / row] * codes[i];
}

void PostTraining::correct_bias(int index, const RealMap& wanted, RealMap& pre_activations) {
  LayerParameters& p = twin_.parameters.layers[index];
  std::vector<float>& offset = network_.layers[index].batch_norm ? p.beta : p.bias;
  const size_t channels = offset.size();
  if (channels == 0) return;
  std::vector<double> error(channels, 0.0);
  const double count = static_cast<double>(wanted.size() / channels);
  for (size_t i = 0; i < wanted.size(); ++i) error[i % channels] += (double{wanted[i]} - pre_activations[i]) / count;
  for (size_t c = 0; c < channels; ++c) offset[c] = static_cast<float>(offset[c] + error[c]);
  for (size_t i = 0; i < wanted.size(); ++i)
    pre_activations[i] = static_cast<float>(pre_activations[i] + error[i % channels]);
}

void PostTraining::quantize_outputs(int index, RealMap& values) const {
  const LayerSpec& layer = twin_.network.layers[index];
  if (!is_integer(layer.activations)) return;
  const double scale = output_scale(layer, twin_.parameters.layers[index].activation_step);
  for (float& value : values) value = static_cast<float>(quantize_activation(value, layer.activations, scale) * scale);
}

LayerMaps PostTraining::quantized_layer(int index) {
  if (!has_accumulators(network_.layers[index].op)) return moved(index);
  const RealMap wanted = real_pre_activations(index);
  LayerMaps out{wanted, {}};
  if (network_.layers[index].relu)
    for (float& value : out.real) value = std::max(value, 0.0f);
  set_output_step(index, out.real);
  if (has_weights(network_.layers[index].op)) {
    set_weight_steps(index);
    if (options_.adaptive_rounding) round_adaptively(index);
  }
  out.quantized = twin_pre_activations(index);
  if (options_.correct_bias) correct_bias(index, wanted, out.quantized);
  quantize_outputs(index, out.quantized);
  return out;
}

// Frees the maps that nobody reads after layer `index`.
void PostTraining::release_maps(int index) {
  for (int layer = kNetworkInput; layer <= index; ++layer) {
    const auto reads = [&](const LayerSpec& reader) {
      const auto* add = std::get_if<Add>(&reader.op);
      return reader.from == layer || (add && add->with == layer);
    };
    if (std::none_of(network_.layers.begin() + index + 1, network_.layers.end(), reads)) maps_[layer + 1] = {};
  }
}

QuantizedTwin PostTraining::run() {
  for (int i = 0; i < std::ssize(network_.layers); ++i) {
    maps_[i + 1] = quantized_layer(i);
    release_maps(i);
  }
  return std::move(twin_);
}

}  // namespace

Network float_twin(const Network& network) {
  Network twin = network;
  for (int i = 0; i < std::ssize(twin.layers); ++i) {
    LayerSpec& layer = twin.layers[i];
    if (auto* conv = std::get_if<Conv2d>(&layer.op)) set_float_padding(twin, layer.from, conv->padding);
    if (auto* conv = std::get_if<DepthwiseConv2d>(&layer.op)) set_float_padding(twin, layer.from, conv->padding);
    if (has_weights(layer.op)) layer.weights = Format::kFloat32;
    if (!has_accumulators(layer.op)) continue;
    layer.relu = layer.relu || (is_integer(layer.activations) && !is_output(network, i));
    layer.activations = Format::kFloat32;
  }
  return twin;
}

Network integer_twin(const Network& float_network) {
  check_float(float_network);
  Network twin = float_network;
  for (int i = 0; i < std::ssize(twin.layers); ++i) {
    LayerSpec& layer = twin.layers[i];
    if (has_weights(layer.op)) layer.weights = Format::kInt8;
    if (!has_accumulators(layer.op)) continue;
    const bool may_be_raw = !layer.relu && !layer.batch_norm && !std::holds_alternative<GlobalLogVariance>(layer.op);
    const bool raw = is_output(float_network, i) && may_be_raw;
    layer.activations = raw ? Format::kAccumulator : never_negative(float_network, i) ? Format::kUint8 : Format::kInt8;
    layer.relu = false;
  }
  infer_shapes(twin);
  return twin;
}

double rounding_error(std::span<const float> values, int32_t low, int32_t high, double step) {
  double sum = 0.0;
  for (double value : values) {
    const double code = std::clamp<double>(std::floor(value / step + 0.5), low, high);
    sum += (step * code - value) * (step * code - value);
  }
  return sum / static_cast<double>(values.size());
}

float fit_step(std::span<const float> values, int32_t low, int32_t high, RangeRule rule) {
  double largest = 0.0;
  for (double value : values) largest = std::max(largest, std::fabs(value));
  const double widest = std::max(largest / high, kSmallestStep);
  if (rule == RangeRule::kMinMax) return static_cast<float>(widest);
  double best = widest, least = rounding_error(values, low, high, widest);
  for (int k = kMseGrid - 1; k >= 1; --k) {
    const double step = std::max(widest * k / kMseGrid, kSmallestStep);
    const double error = rounding_error(values, low, high, step);
    if (error < least) best = step, least = error;
  }
  return static_cast<float>(best);
}

QuantizedTwin quantize_after_training(const Network& float_network, const Parameters& parameters, const Dataset& train,
                                      const PostTrainingOptions& options) {
  BW_CHECK(train.size() > 0 && options.calibration_examples > 0 && options.rounding_iterations > 0);
  check_parameters(float_network, infer_shapes(float_network), parameters);
  const Parameters trained = options.equalize ? equalize(float_network, parameters) : parameters;
  return PostTraining(float_network, trained, train, options).run();
}

}  // namespace bitwright

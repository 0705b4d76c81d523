// SPDX-License-Identifier: Apache-2.0
#include "trainer/affine.h"

#include <cmath>
#include <string>

#include "core/error.h"
#include "core/log_variance.h"
#include "core/quantize.h"

namespace bitwright {
namespace {

[[noreturn]] void fail(const LayerSpec& layer, const std::string& rule) {
  throw StructureError("layer " + layer.name + ": " + rule);
}

void check_values(const LayerSpec& layer, const char* what, const std::vector<float>& values, int64_t wanted) {
  if (static_cast<int64_t>(values.size()) != wanted)
    fail(layer, std::to_string(values.size()) + " values of " + what + ", not " + std::to_string(wanted));
  for (float value : values)
    if (!std::isfinite(value)) fail(layer, std::string(what) + " is not finite");
}

// How many codes an accumulator adds up, where the layer's output is their mean; else 1.
double summed_codes(const LayerSpec& layer, const LayerShapes& shapes) {
  if (const auto* average = std::get_if<AvgPool2d>(&layer.op)) return double(average->window.h) * average->window.w;
  if (std::holds_alternative<GlobalAvgPool>(layer.op)) return double(shapes.input.h) * shapes.input.w;
  return 1.0;
}

}  // namespace

Affine fold_affine(const LayerSpec& layer, const LayerShapes& shapes, const LayerParameters& parameters,
                   std::span<const float> weight_scales, double input_scale) {
  const size_t channels = static_cast<size_t>(shapes.output.c);
  const bool is_log = std::holds_alternative<GlobalLogVariance>(layer.op);
  Affine out{std::vector<double>(channels), std::vector<double>(channels)};
  for (size_t c = 0; c < channels; ++c) {
    const double weight_scale = weight_scales.empty() ? 1.0 : weight_scales[weight_scales.size() == 1 ? 0 : c];
    const double scale = is_log ? 1.0 / kLogSteps : weight_scale * input_scale / summed_codes(layer, shapes);
    const double bias = is_log ? 2.0 * std::log2(input_scale) : parameters.bias.empty() ? 0.0 : parameters.bias[c];
    if (!layer.batch_norm) {
      out.a[c] = scale, out.b[c] = bias;
      continue;
    }
    const double gain = parameters.gamma[c] / std::sqrt(parameters.running_var[c] + kBatchNormEpsilon);
    out.a[c] = scale * gain;
    out.b[c] = (bias - parameters.running_mean[c]) * gain + parameters.beta[c];
  }
  return out;
}

namespace {

void check_steps(const Network& network, int index, const LayerShapes& shapes, const LayerParameters& p) {
  const LayerSpec& layer = network.layers[index];
  const bool quantized = has_weights(layer.op) && layer.weights != Format::kFloat32;
  const bool one = epilogue(network, index) == Epilogue::kRaw;
  const size_t steps = p.weight_steps.size(), channels = static_cast<size_t>(shapes.output.c);
  if (steps != 0 && (!quantized || (steps != 1 && (one || steps != channels))))
    fail(layer, std::to_string(steps) + " weight steps");
  for (float step : p.weight_steps)
    if (!std::isfinite(step) || step <= 0.0f) fail(layer, "a weight step is not above 0");
  if (p.activation_step == 0.0f) return;
  if (!std::isfinite(p.activation_step) || p.activation_step < 0.0f) fail(layer, "the activation step is not above 0");
  if (!may_learn_step(network, index)) fail(layer, "its output cannot have a step of its own");
}

}  // namespace

void check_parameters(const Network& network, const std::vector<LayerShapes>& shapes, const Parameters& parameters) {
  if (parameters.layers.size() != network.layers.size())
    throw StructureError("network " + network.name + ": parameters of " + std::to_string(parameters.layers.size()) +
                         " layers, not " + std::to_string(network.layers.size()));
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const LayerSpec& layer = network.layers[i];
    const LayerParameters& p = parameters.layers[i];
    const int64_t norms = layer.batch_norm ? shapes[i].output.c : 0;
    check_values(layer, "weights", p.weights, weight_count(layer, shapes[i]));
    check_values(layer, "bias", p.bias, layer.bias ? shapes[i].output.c : 0);
    check_values(layer, "gamma", p.gamma, norms);
    check_values(layer, "beta", p.beta, norms);
    check_values(layer, "running_mean", p.running_mean, norms);
    check_values(layer, "running_var", p.running_var, norms);
    for (float variance : p.running_var)
      if (variance < 0.0f) fail(layer, "running_var is negative");
    check_steps(network, static_cast<int>(i), shapes[i], p);
  }
}

double output_scale(const LayerSpec& layer, float step) {
  return step > 0.0f ? step : activation_scale(layer.activations, layer.range_log2);
}

bool may_learn_step(const Network& network, int index) {
  const LayerSpec& layer = network.layers[index];
  if (!has_accumulators(layer.op) || !is_integer(layer.activations) || layer.activations == Format::kBinary)
    return false;
  const auto hands_on = [&](int from) {  // the same codes under another name
    return from != kNetworkInput && !has_accumulators(network.layers[from].op);
  };
  for (const LayerSpec& reader : network.layers) {
    const auto* add = std::get_if<Add>(&reader.op);
    if (!add) continue;
    for (int source : {reader.from, add->with}) {
      while (hands_on(source)) source = network.layers[source].from;
      if (source == index) return false;
    }
  }
  return true;
}

QuantizedWeights quantize_layer(const Network& network, int index, const LayerShapes& shapes,
                                std::span<const float> latent, std::span<const float> steps) {
  const LayerSpec& layer = network.layers[index];
  if (!has_weights(layer.op) || layer.weights == Format::kFloat32) return {};
  if (!steps.empty()) return quantize_weights(latent, shapes.output.c, layer.weights, steps);
  return quantize_weights(latent, shapes.output.c, layer.weights, epilogue(network, index) != Epilogue::kRaw);
}

}  // namespace bitwright

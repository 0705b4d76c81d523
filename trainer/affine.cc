// SPDX-License-Identifier: Apache-2.0
#include "trainer/affine.h"

#include <cmath>
#include <string>

#include "core/error.h"
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
  Affine out{std::vector<double>(channels), std::vector<double>(channels)};
  for (size_t c = 0; c < channels; ++c) {
    const double weight_scale = weight_scales.empty() ? 1.0 : weight_scales[weight_scales.size() == 1 ? 0 : c];
    const double scale = weight_scale * input_scale / summed_codes(layer, shapes);
    const double bias = parameters.bias.empty() ? 0.0 : parameters.bias[c];
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
  }
}

QuantizedWeights quantize_layer(const Network& network, int index, const LayerShapes& shapes,
                                std::span<const float> latent) {
  const LayerSpec& layer = network.layers[index];
  if (!has_weights(layer.op) || layer.weights == Format::kFloat32) return {};
  return quantize_weights(latent, shapes.output.c, layer.weights, epilogue(network, index) != Epilogue::kRaw);
}

}  // namespace bitwright

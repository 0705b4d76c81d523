// SPDX-License-Identifier: Apache-2.0
#include "trainer/export.h"

#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/quantize.h"
#include "trainer/affine.h"
#include "trainer/fixed_point.h"

namespace bitwright {
namespace {

void check_range(const LayerSpec& layer, const Affine& affine) {
  for (const auto& values : {affine.a, affine.b})
    for (double value : values)
      if (!(std::fabs(value) <= std::numeric_limits<float>::max()))
        throw StructureError("layer " + layer.name + ": the folded scale or offset exceeds float32");
}

void set_thresholds(const LayerSpec& spec, const Affine& affine, int64_t bound, QuantizedLayer& out) {
  for (size_t c = 0; c < affine.a.size(); ++c) {
    const auto thresholds = channel_thresholds(affine.a[c], affine.b[c], spec.activations, out.output_scale, bound);
    out.thresholds.insert(out.thresholds.end(), thresholds.begin(), thresholds.end());
    out.descending.push_back(affine.a[c] < 0.0);
  }
}

void set_multipliers(const Affine& affine, QuantizedLayer& out) {
  for (size_t c = 0; c < affine.a.size(); ++c) {
    const FixedPoint f = fixed_point(affine.a[c] / out.output_scale, affine.b[c] / out.output_scale + 0.5);
    out.multiplier.push_back(f.multiplier);
    out.offset.push_back(f.offset);
    out.shift.push_back(f.shift);
  }
}

void set_floats(const Affine& affine, QuantizedLayer& out) {
  for (size_t c = 0; c < affine.a.size(); ++c) {
    out.float_scale.push_back(static_cast<float>(affine.a[c]));
    out.float_offset.push_back(static_cast<float>(affine.b[c]));
  }
  out.inverse_step = static_cast<float>(1.0 / out.output_scale);
}

void set_epilogue(const Network& network, int index, const Affine& affine, QuantizedLayer& out) {
  const LayerSpec& spec = network.layers[index];
  switch (epilogue(network, index)) {
    case Epilogue::kNone: break;
    case Epilogue::kRaw:
      out.output_scale = affine.a.front();
      if (spec.bias) out.bias = raw_bias(affine, accumulator_bound(network, index));
      break;
    case Epilogue::kThreshold: set_thresholds(spec, affine, accumulator_bound(network, index), out); break;
    case Epilogue::kRequantize: set_multipliers(affine, out); break;
    case Epilogue::kFloat: set_floats(affine, out); break;
  }
}

void set_shifts(const Network& network, const LayerSpec& spec, QuantizedLayer& out) {
  const auto* add = std::get_if<Add>(&spec.op);
  if (!add || storage_format(network, spec.from) == Format::kFloat32) return;
  const int from = *scale_log2(network, spec.from), with = *scale_log2(network, add->with);
  out.shift_from = from - std::min(from, with);
  out.shift_with = with - std::min(from, with);
}

// Real units per code of what a layer accumulates: for Add, of the finer of its two inputs.
double accumulator_scale(const LayerSpec& spec, const QuantizedModel& model, const QuantizedLayer& layer) {
  const double scale = spec.from == kNetworkInput ? model.input_scale : model.layers[spec.from].output_scale;
  return std::ldexp(scale, -layer.shift_from);
}

QuantizedLayer export_layer(const QuantizedModel& model, int index, const LayerShapes& shapes,
                            const LayerParameters& parameters) {
  const LayerSpec& spec = model.network.layers[index];
  QuantizedLayer out;
  set_shifts(model.network, spec, out);
  const double input_scale = accumulator_scale(spec, model, out);
  out.output_scale = input_scale;
  if (!has_accumulators(spec.op)) return out;
  out.output_scale = output_scale(spec, parameters.activation_step);
  QuantizedWeights weights = quantize_layer(model.network, index, shapes, parameters.weights, parameters.weight_steps);
  if (weights.codes.empty()) out.float_weights = parameters.weights;
  out.weights = std::move(weights.codes);
  const Affine affine = fold_affine(spec, shapes, parameters, weights.scales, input_scale);
  check_range(spec, affine);
  set_epilogue(model.network, index, affine, out);
  return out;
}

}  // namespace

QuantizedModel export_quantized(const Network& network, const Parameters& parameters, double input_scale) {
  const auto shapes = infer_shapes(network);
  check_parameters(network, shapes, parameters);
  QuantizedModel model{network, input_scale, {}};
  if (!std::isfinite(input_scale) || input_scale <= 0.0)
    throw StructureError("network " + network.name + ": input scale must be positive");
  for (size_t i = 0; i < network.layers.size(); ++i)
    model.layers.push_back(export_layer(model, static_cast<int>(i), shapes[i], parameters.layers[i]));
  check_model(model);
  return model;
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibrate/drawn_weights.h"

#include <algorithm>
#include <cmath>

namespace bitwright {
namespace {

void draw_weights(Rng& rng, const LayerSpec& spec, int64_t count, QuantizedLayer& layer) {
  for (int64_t i = 0; i < count; ++i) {
    if (spec.weights == Format::kFloat32)
      layer.float_weights.push_back(static_cast<float>(rng.normal()));
    else if (spec.weights == Format::kBinary)
      layer.weights.push_back(rng.chance(0.5) ? 1 : -1);
    else
      layer.weights.push_back(static_cast<int8_t>(rng.between(min_code(spec.weights), max_code(spec.weights))));
  }
}

// A sum of random signs grows with the root of its bound.
double typical_size(int64_t bound) {
  return 1.0 + std::sqrt(static_cast<double>(bound));
}

void draw_thresholds(Rng& rng, Format format, int channels, int64_t bound, QuantizedLayer& layer) {
  const double size = std::min(typical_size(bound), static_cast<double>(bound));
  for (int c = 0; c < channels; ++c) {
    const bool descending = rng.chance(0.3);
    std::vector<int32_t> t;
    for (int k = 0; k < threshold_count(format); ++k)
      t.push_back(static_cast<int32_t>(std::lround(rng.uniform(-size, size))));
    std::sort(t.begin(), t.end());
    if (descending) std::reverse(t.begin(), t.end());
    layer.thresholds.insert(layer.thresholds.end(), t.begin(), t.end());
    layer.descending.push_back(descending);
  }
}

// Such that a typical accumulator fills the format: multiplier in [2^30, 2^31), as export normalises it.
void draw_multipliers(Rng& rng, int channels, int shift, QuantizedLayer& layer) {
  for (int c = 0; c < channels; ++c) {
    layer.multiplier.push_back(static_cast<int32_t>(std::lround(rng.uniform(0x1p30, 0x1p31 - 1))));
    layer.shift.push_back(static_cast<uint8_t>(shift));
    layer.offset.push_back(static_cast<int64_t>(std::ldexp(rng.uniform(-1.0, 1.0), shift)));
  }
}

void draw_floats(Rng& rng, int channels, int64_t bound, QuantizedLayer& layer) {
  for (int c = 0; c < channels; ++c) {
    layer.float_scale.push_back(static_cast<float>(rng.uniform(0.5, 2.0) / typical_size(bound)));
    layer.float_offset.push_back(static_cast<float>(rng.normal()));
  }
}

void draw_epilogue(Rng& rng, const Network& network, int index, int channels, QuantizedLayer& layer) {
  const LayerSpec& spec = network.layers[static_cast<size_t>(index)];
  const Format out = storage_format(network, index);
  const bool sums_codes = has_accumulators(spec.op) && !computes_in_float(network, index);
  const int64_t bound = sums_codes ? accumulator_bound(network, index) : 4;
  switch (epilogue(network, index)) {
    case Epilogue::kNone: break;
    case Epilogue::kRaw:
      for (int c = 0; c < channels && spec.bias; ++c) layer.bias.push_back(rng.between(-1000, 1000));
      break;
    case Epilogue::kThreshold: draw_thresholds(rng, out, channels, bound, layer); break;
    case Epilogue::kRequantize: draw_multipliers(rng, channels, typical_shift(network, index), layer); break;
    case Epilogue::kFloat: draw_floats(rng, channels, bound, layer); break;
  }
}

QuantizedLayer draw_layer(Rng& rng, const Network& network, int index, const LayerShapes& shapes) {
  const LayerSpec& spec = network.layers[static_cast<size_t>(index)];
  QuantizedLayer layer;
  if (has_weights(spec.op)) draw_weights(rng, spec, weight_count(spec, shapes), layer);
  if (const auto* add = std::get_if<Add>(&spec.op); add && !computes_in_float(network, index)) {
    const int a = *scale_log2(network, spec.from), b = *scale_log2(network, add->with);
    layer.shift_from = a - std::min(a, b);
    layer.shift_with = b - std::min(a, b);
  }
  draw_epilogue(rng, network, index, shapes.output.c, layer);
  const Format out = storage_format(network, index);
  if (is_integer(out) && spec.activations != Format::kAccumulator && has_accumulators(spec.op))
    layer.output_scale = activation_scale(out, spec.range_log2);
  if (epilogue(network, index) == Epilogue::kFloat && is_integer(out))
    layer.inverse_step = static_cast<float>(1.0 / layer.output_scale);
  return layer;
}

}  // namespace

QuantizedModel draw_model(Rng& rng, const Network& network) {
  QuantizedModel model;
  model.network = network;
  const std::vector<LayerShapes> shapes = infer_shapes(network);
  for (size_t i = 0; i < shapes.size(); ++i)
    model.layers.push_back(draw_layer(rng, network, static_cast<int>(i), shapes[i]));
  check_model(model);
  return model;
}

QuantizedModel with_random_weights(const Network& network, uint64_t seed) {
  Rng rng(seed);
  return draw_model(rng, network);
}

std::vector<int16_t> calibration_input(const Network& network, uint64_t seed) {
  Rng rng(seed);
  const int32_t low = min_code(network.input_format), high = max_code(network.input_format);
  std::vector<int16_t> codes;
  for (int64_t i = 0; i < network.input.elements(); ++i)
    codes.push_back(static_cast<int16_t>(network.input_format == Format::kBinary ? (rng.chance(0.5) ? 1 : -1)
                                                                                 : rng.between(low, high)));
  return codes;
}

}  // namespace bitwright

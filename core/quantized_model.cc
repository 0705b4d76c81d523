// SPDX-License-Identifier: Apache-2.0
#include "core/quantized_model.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/check.h"
#include "core/error.h"

namespace bitwright {
namespace {

void expect(bool ok, const LayerSpec& layer, const char* rule) {
  if (!ok) throw StructureError("model layer " + layer.name + ": " + rule);
}

void check_weights(const LayerSpec& spec, const LayerShapes& shapes, const QuantizedLayer& layer) {
  const size_t count = static_cast<size_t>(weight_count(spec, shapes));
  const bool floats = has_weights(spec.op) && spec.weights == Format::kFloat32;
  expect(layer.float_weights.size() == (floats ? count : 0), spec, "wrong number of float weights");
  expect(layer.weights.size() == (floats ? 0 : count), spec, "wrong number of weights");
  for (int8_t code : layer.weights)
    expect(code >= min_code(spec.weights) && code <= max_code(spec.weights) &&
               !(spec.weights == Format::kBinary && code == 0),
           spec, "a weight code is outside its format");
  for (float w : layer.float_weights) expect(std::isfinite(w), spec, "a weight is not finite");
}

void check_epilogue(const LayerSpec& spec, Epilogue kind, size_t channels, const QuantizedLayer& layer) {
  const auto sized = [&](size_t size, Epilogue wanted, size_t count) { return size == (kind == wanted ? count : 0); };
  expect(layer.bias.empty() || sized(layer.bias.size(), Epilogue::kRaw, channels), spec, "wrong number of biases");
  const size_t levels = kind == Epilogue::kThreshold ? threshold_count(spec.activations) : 0;
  expect(sized(layer.thresholds.size(), Epilogue::kThreshold, channels * levels), spec, "wrong number of thresholds");
  expect(sized(layer.descending.size(), Epilogue::kThreshold, channels), spec, "wrong number of directions");
  for (size_t size : {layer.multiplier.size(), layer.offset.size(), layer.shift.size()})
    expect(sized(size, Epilogue::kRequantize, channels), spec, "wrong number of multipliers, offsets or shifts");
  for (uint8_t shift : layer.shift) expect(shift <= 62, spec, "a shift exceeds 62");
  for (int32_t m : layer.multiplier) expect(m != INT32_MIN, spec, "a multiplier is not within 2^31");
  for (int64_t o : layer.offset)
    expect(o > -(int64_t{1} << 62) && o < (int64_t{1} << 62), spec, "an offset is not within 2^62");
  for (int32_t b : layer.bias) expect(std::abs(int64_t{b}) <= (1 << 30), spec, "a bias exceeds 2^30");
  for (uint8_t d : layer.descending) expect(d <= 1, spec, "a direction must be 0 or 1");
  for (size_t size : {layer.float_scale.size(), layer.float_offset.size()})
    expect(sized(size, Epilogue::kFloat, channels), spec, "wrong number of float scales or offsets");
  for (float value : layer.float_scale) expect(std::isfinite(value), spec, "a float scale is not finite");
  for (float value : layer.float_offset) expect(std::isfinite(value), spec, "a float offset is not finite");
  expect(std::isfinite(layer.inverse_step) && layer.inverse_step > 0.0f, spec, "inverse step must be positive");
  expect(std::isfinite(layer.output_scale) && layer.output_scale > 0.0, spec, "output scale must be positive");
  expect(layer.shift_from >= 0 && layer.shift_from <= 12 && layer.shift_with >= 0 && layer.shift_with <= 12, spec,
         "shifts of an add must be in 0..12");
}

}  // namespace

int threshold_count(Format format) {
  BW_CHECK(is_integer(format) && bit_width(format) <= 4);
  return format == Format::kBinary ? 1 : max_code(format) - min_code(format);
}

int typical_shift(const Network& network, int layer) {
  const LayerSpec& spec = network.layers[static_cast<size_t>(layer)];
  const bool sums_codes = has_accumulators(spec.op) && !computes_in_float(network, layer);
  const double bound = sums_codes ? static_cast<double>(accumulator_bound(network, layer)) : 4.0;
  const double range = (1.0 + std::sqrt(bound)) / max_code(storage_format(network, layer));
  return std::clamp(31 + static_cast<int>(std::lround(std::log2(range))), 0, 60);
}

void check_model(const QuantizedModel& model) {
  const auto shapes = infer_shapes(model.network);
  if (model.layers.size() != model.network.layers.size())
    throw StructureError("model " + model.network.name + ": one entry per layer");
  if (!(std::isfinite(model.input_scale) && model.input_scale > 0.0))
    throw StructureError("model " + model.network.name + ": input scale must be positive");
  for (size_t i = 0; i < model.layers.size(); ++i) {
    const LayerSpec& spec = model.network.layers[i];
    check_weights(spec, shapes[i], model.layers[i]);
    check_epilogue(spec, epilogue(model.network, static_cast<int>(i)), shapes[i].output.c, model.layers[i]);
  }
}

}  // namespace bitwright

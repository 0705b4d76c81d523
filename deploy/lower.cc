// SPDX-License-Identifier: Apache-2.0
#include "deploy/lower.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "core/check.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/kernel.h"
#include "core/packing.h"
#include "core/weight_packing.h"

namespace bitwright {
namespace {

// As in deploy/runtime/bw_kernels.h.
enum Kind { kBinaryKind = 0, kSignedKind = 1, kUnsignedKind = 2, kFloatKind = 3 };
enum EpilogueKind { kRawKind = 0, kThresholdKind = 1, kRequantizeKind = 2 };

Kind kind_of(Format format) {
  if (format == Format::kFloat32) return kFloatKind;
  if (format == Format::kBinary) return kBinaryKind;
  return is_unsigned(format) ? kUnsignedKind : kSignedKind;
}

template <class T>
Constant constant(const char* suffix, const char* type, const std::vector<T>& values) {
  return {suffix, type, {values.begin(), values.end()}};
}

// Zeros at the end, so that the bytes are whole words and the linker puts no gap between two arrays.
template <class T>
std::vector<T> whole_words(std::vector<T> values) {
  while (values.size() * sizeof(T) % 4 != 0) values.push_back(0);
  return values;
}

Constant float_constant(const char* suffix, const std::vector<float>& values) {
  return constant(suffix, "float", pack_floats(values));
}

[[noreturn]] void fail(const LayerSpec& spec, const char* rule) {
  throw StructureError("model layer " + spec.name + ": " + rule);
}

void check_range(const LayerSpec& spec, const QuantizedLayer& layer) {
  if (!layer.bias.empty() && !spec.bias) fail(spec, "a bias where the network has none");
  for (int32_t b : layer.bias)
    if (b <= -(1 << 30) || b >= (1 << 30)) fail(spec, "a bias reaches 2^30");
  for (int64_t o : layer.offset)
    if (o <= -(int64_t{1} << 62) || o >= (int64_t{1} << 62)) fail(spec, "an offset reaches 2^62");
  for (int32_t m : layer.multiplier)
    if (m == INT32_MIN) fail(spec, "a multiplier reaches 2^31");
  for (const auto* floats : {&layer.float_scale, &layer.float_offset})
    for (float f : *floats)
      if (!std::isfinite(f)) fail(spec, "a float scale or offset is not finite");
  if (!std::isfinite(layer.inverse_step)) fail(spec, "inverse step is not finite");
}

// ---- constants

std::vector<uint32_t> packed_weights(const LayerSpec& spec, const QuantizedLayer& layer, const LoweredOp& op) {
  if (spec.weights == Format::kFloat32) return pack_floats(layer.float_weights);
  return pack_weights(layer.weights, op.kernel, kernel_geometry(spec, op.shapes), spec.weights);
}

// acc <= t of a descending channel is "not acc >= t + 1". A threshold beyond every reachable accumulator acts as one
// just beyond: it then fits the table's type. Those of a channel ascend, so that a kernel can search them by halves.
std::vector<int32_t> stored_thresholds(const QuantizedLayer& layer, int levels, int64_t bound) {
  std::vector<int32_t> out;
  for (size_t i = 0; i < layer.thresholds.size(); ++i) {
    const int64_t t = int64_t{layer.thresholds[i]} + (layer.descending[i / static_cast<size_t>(levels)] ? 1 : 0);
    out.push_back(static_cast<int32_t>(std::clamp(t, -bound - 1, bound + 1)));
  }
  for (auto channel = out.begin(); channel != out.end(); channel += levels) std::sort(channel, channel + levels);
  return out;
}

std::vector<uint32_t> direction_bits(const std::vector<uint8_t>& descending) {
  std::vector<uint32_t> words((descending.size() + 31) / 32);
  for (size_t c = 0; c < descending.size(); ++c) words[c / 32] |= uint32_t{descending[c] != 0} << (c % 32);
  return words;
}

std::vector<uint32_t> low_and_high_words(const std::vector<int64_t>& offsets) {
  std::vector<uint32_t> words;
  for (int64_t o : offsets) {
    words.push_back(static_cast<uint32_t>(static_cast<uint64_t>(o)));
    words.push_back(static_cast<uint32_t>(static_cast<uint64_t>(o) >> 32));
  }
  return words;
}

// The accumulators' bias; zeros if the network has one and the model none.
std::vector<int32_t> bias_of(const QuantizedLayer& layer, int channels) {
  return layer.bias.empty() ? std::vector<int32_t>(channels) : layer.bias;
}

void add_threshold_tables(const Network& network, int index, const QuantizedLayer& layer, LoweredOp& op) {
  const int levels = threshold_count(network.layers[index].activations);
  const auto thresholds = stored_thresholds(layer, levels, accumulator_bound(network, index));
  if (has_narrow_thresholds(network, index))
    op.constants.push_back(
        constant("threshold", "int16_t", whole_words(std::vector<int16_t>(thresholds.begin(), thresholds.end()))));
  else
    op.constants.push_back(constant("threshold", "int32_t", thresholds));
  op.constants.push_back(constant("descending", "uint32_t", direction_bits(layer.descending)));
}

// ---- descriptors

std::vector<Field> integer_epilogue(const Network& network, int index, LoweredOp& op, const QuantizedLayer& layer) {
  const LayerSpec& spec = network.layers[index];
  const Format out = storage_format(network, index);
  std::vector<Field> fields;
  const auto number = [&](const char* name, int64_t value) { fields.push_back({name, value, "", false}); };
  const auto pointer = [&](const char* name, const char* to) { fields.push_back({name, 0, to, false}); };
  switch (epilogue(network, index)) {
    case Epilogue::kThreshold: {
      add_threshold_tables(network, index, layer, op);
      number("kind", kThresholdKind), number("bits", bit_width(out)), number("levels", threshold_count(out));
      // A binary field is 0 or 1: it starts from 0, not from the code -1.
      number("low", out == Format::kBinary ? 0 : min_code(out)), number("high", max_code(out));
      pointer(has_narrow_thresholds(network, index) ? "narrow" : "table", "threshold");
      pointer("extra", "descending");
      break;
    }
    case Epilogue::kRequantize:
      op.constants.push_back(constant("multiplier", "int32_t", layer.multiplier));
      op.constants.push_back(constant("offset", "uint32_t", low_and_high_words(layer.offset)));
      op.constants.push_back(constant("shift", "uint8_t", whole_words(layer.shift)));
      number("kind", kRequantizeKind), number("bits", bit_width(out));
      number("low", min_code(out)), number("high", max_code(out));
      pointer("table", "multiplier"), pointer("extra", "offset"), pointer("shift", "shift");
      break;
    default:
      number("kind", kRawKind), number("bits", bit_width(out));
      if (!spec.bias) break;
      op.constants.push_back(constant("bias", "int32_t", bias_of(layer, op.shapes.output.c)));
      pointer("table", "bias");
  }
  return fields;
}

std::vector<Field> float_epilogue(const Network& network, int index, LoweredOp& op, const QuantizedLayer& layer) {
  const Format out = storage_format(network, index);
  op.constants.push_back(float_constant("scale", layer.float_scale));
  op.constants.push_back(float_constant("offset", layer.float_offset));
  std::vector<Field> fields = {{"kind", kind_of(out), "", false}, {"bits", bit_width(out), "", false}};
  if (network.layers[index].relu) fields.push_back({"relu", 1, "", false});
  if (is_integer(out)) {
    fields.push_back({"low", min_code(out), "", false});
    fields.push_back({"high", max_code(out), "", false});
    fields.push_back({"inverse_step", std::bit_cast<int32_t>(layer.inverse_step), "", true});
  }
  fields.push_back({"scale", 0, "scale", false});
  fields.push_back({"offset", 0, "offset", false});
  return fields;
}

// Sums of a channel's weights at each tap.
std::vector<int16_t> tap_sums(std::span<const int8_t> row, int channels) {
  std::vector<int16_t> sums;
  for (size_t tap = 0; tap < row.size(); tap += static_cast<size_t>(channels))
    sums.push_back(static_cast<int16_t>(std::accumulate(row.begin() + static_cast<int64_t>(tap),
                                                        row.begin() + static_cast<int64_t>(tap) + channels, 0)));
  return sums;
}

// bw_conv2d_poly.h: acc >= t where 2S - A reaches half of t plus the sum of the weights.
std::vector<Field> poly_epilogue(const Network& network, int index, LoweredOp& op, const QuantizedLayer& layer,
                                 int poly_tile) {
  const KernelGeometry g = kernel_geometry(network.layers[index], op.shapes);
  const std::vector<int32_t> thresholds = stored_thresholds(layer, 1, accumulator_bound(network, index));
  const size_t taps = static_cast<size_t>(g.taps());
  std::vector<int16_t> reach, sums;
  std::vector<uint8_t> complemented;
  for (size_t o = 0; o < thresholds.size(); ++o) {
    const std::span<const int8_t> row = std::span(layer.weights).subspan(o * taps, taps);
    const std::vector<int16_t> of_taps = tap_sums(row, g.input.c);
    sums.insert(sums.end(), of_taps.begin(), of_taps.end());
    reach.push_back(static_cast<int16_t>(thresholds[o] + std::accumulate(of_taps.begin(), of_taps.end(), 0)));
    complemented.push_back(is_complemented(row));
  }
  if (reach.size() % 2 != 0) {  // the other channel of the last pair: never reached
    reach.push_back(2);
    sums.resize(sums.size() + static_cast<size_t>(g.kernel.h * g.kernel.w));
  }
  op.constants.push_back(constant("reach", "int16_t", whole_words(reach)));
  const bool skips = g.padding == Padding::kZero && has_border(g);
  if (skips) op.constants.push_back(constant("tap_sums", "int16_t", whole_words(sums)));
  op.constants.push_back(constant("complement", "uint32_t", direction_bits(complemented)));
  op.constants.push_back(constant("descending", "uint32_t", direction_bits(layer.descending)));
  std::vector<Field> fields = {{"channels", (g.input.c + 7) / 8 * 8, "", false}, {"tile", poly_tile, "", false}};
  fields.push_back({"reach", 0, "reach", false});
  if (skips) fields.push_back({"tap_sums", 0, "tap_sums", false});
  fields.push_back({"complement", 0, "complement", false});
  fields.push_back({"descending", 0, "descending", false});
  return fields;
}

// Taps of one dimension inside the map, of a window that is cut in the `cut`-th way.
std::pair<int, int> taps_inside(const SlicedCuts& cuts, int cut, int taps) {
  return {std::max(cuts.before - cut, 0), taps - std::max(cut - cuts.before, 0)};
}

// bw_conv2d_sliced.h: 2^q less the smallest number of differences that does not reach the threshold, in a window of
// whose taps only `rows` and `columns` lie in the map, and less what its other taps count: where their weights are +1.
uint32_t sliced_start(std::span<const int8_t> row, const KernelGeometry& g, std::pair<int, int> rows,
                      std::pair<int, int> columns, int64_t threshold) {
  const int64_t inside = int64_t{rows.second - rows.first} * (columns.second - columns.first) * g.input.c;
  const int64_t lacking = (inside + 2 - std::clamp<int64_t>(threshold, -inside, inside + 1)) / 2;
  int64_t outside = 0;
  for (int y = 0; y < g.kernel.h; ++y)
    for (int x = 0; x < g.kernel.w; ++x) {
      if (y >= rows.first && y < rows.second && x >= columns.first && x < columns.second) continue;
      const auto tap = row.begin() + int64_t{y * g.kernel.w + x} * g.input.c;
      outside += std::count_if(tap, tap + g.input.c, [](int8_t w) { return w > 0; });
    }
  return static_cast<uint32_t>((int64_t{1} << (sliced_layout(g).planes - 1)) - lacking - outside);
}

std::vector<Field> sliced_epilogue(const Network& network, int index, LoweredOp& op, const QuantizedLayer& layer,
                                   int poly_tile) {
  const KernelGeometry g = kernel_geometry(network.layers[index], op.shapes);
  const SlicedLayout layout = sliced_layout(g);
  const std::vector<int32_t> thresholds = stored_thresholds(layer, 1, accumulator_bound(network, index));
  const auto taps = static_cast<size_t>(g.taps()), planes = static_cast<size_t>(layout.planes);
  std::vector<uint32_t> start, flip((thresholds.size() + 31) / 32);
  for (int y = 0; y < layout.rows.count(); ++y)
    for (int x = 0; x < layout.columns.count(); ++x) {
      const auto rows = taps_inside(layout.rows, y, g.kernel.h), columns = taps_inside(layout.columns, x, g.kernel.w);
      const size_t at = start.size();
      start.resize(at + flip.size() * planes);
      for (size_t o = 0; o < thresholds.size(); ++o) {
        const auto row = std::span(layer.weights).subspan(o * taps, taps);
        const uint32_t from = sliced_start(row, g, rows, columns, thresholds[o]);
        for (size_t p = 0; p < planes; ++p) start[at + o / 32 * planes + p] |= (from >> p & 1u) << (o % 32);
      }
    }
  for (size_t o = 0; o < thresholds.size(); ++o) flip[o / 32] |= uint32_t{layer.descending[o] == 0} << (o % 32);
  op.constants.push_back(constant("start", "uint32_t", start));
  op.constants.push_back(constant("flip", "uint32_t", flip));
  return {{"tile", sliced_tile(g, poly_tile), "", false}, {"planes", layout.planes, "", false},
          {"whole_h", layout.rows.before, "", false}, {"whole_w", layout.columns.before, "", false},
          {"triples", layout.triples, "", false}, {"cuts_w", layout.columns.count(), "", false},
          {"start", 0, "start", false}, {"flip", 0, "flip", false}};
}

// bw_convolve_few.h: each row of weights starts with its threshold, negated.
std::vector<Field> few_epilogue(const Network& network, int index, LoweredOp& op, const QuantizedLayer& layer) {
  const std::vector<int32_t> thresholds = stored_thresholds(layer, 1, accumulator_bound(network, index));
  std::vector<uint32_t> rows = packed_weights(network.layers[index], layer, op);
  const size_t row_words = rows.size() / thresholds.size();
  for (size_t o = 0; o < thresholds.size(); ++o) rows[o * row_words] = 0u - static_cast<uint32_t>(thresholds[o]);
  op.constants.back() = constant("weights", "uint32_t", rows);
  op.constants.push_back(constant("descending", "uint32_t", direction_bits(layer.descending)));
  return {{"kind", kThresholdKind, "", false}, {"bits", 1, "", false}, {"levels", 1, "", false},
          {"high", 1, "", false}, {"extra", 0, "descending", false}};
}

// Pairs of bits, 3 where a channel descends.
std::vector<uint32_t> direction_fields(const std::vector<uint8_t>& descending) {
  std::vector<uint32_t> words((descending.size() + 15) / 16);
  for (size_t c = 0; c < descending.size(); ++c) words[c / 16] |= (descending[c] != 0 ? 3u : 0u) << (2 * c % 32);
  return words;
}

// bw_conv2d_poly2.h: acc >= t where the slot, which holds the sum of (code + offset) w plus the bias, reaches what it
// then holds. Thresholds that a format lacks are never reached.
std::vector<Field> poly2_epilogue(const Network& network, int index, LoweredOp& op, const QuantizedLayer& layer,
                                  int poly_tile) {
  const LayerSpec& spec = network.layers[index];
  const KernelGeometry g = kernel_geometry(spec, op.shapes);
  const PolyLayout layout = poly_layout(op.kernel);
  const int levels = threshold_count(spec.activations);
  const int offset = storage_format(network, spec.from) == Format::kUint2 ? 0 : 2;
  const std::vector<int32_t> thresholds = stored_thresholds(layer, levels, accumulator_bound(network, index));
  const int64_t full = int64_t{1} << layout.slot, taps = g.taps();
  const size_t channels = static_cast<size_t>(g.out_channels + 1) / 2 * 2;
  std::vector<int64_t> reach(4 * channels), start(2 * channels);
  for (size_t o = 0; o < static_cast<size_t>(g.out_channels); ++o) {
    const auto row = std::span(layer.weights).subspan(o * static_cast<size_t>(taps), static_cast<size_t>(taps));
    const int64_t bias = poly2_bias(row), zero = bias + offset * std::accumulate(row.begin(), row.end(), int64_t{0});
    for (size_t k = 0; k < static_cast<size_t>(levels); ++k)
      reach[4 * o + k] = full - std::clamp<int64_t>(thresholds[o * static_cast<size_t>(levels) + k] + zero, 0, full);
    reach[4 * o + 3] = bias;
    const uint64_t from = poly2_start(row, g, layout);
    start[2 * o] = static_cast<uint32_t>(from), start[2 * o + 1] = static_cast<uint32_t>(from >> 32);
  }
  op.constants.push_back({"reach", "uint16_t", reach});
  op.constants.push_back({"start", "uint32_t", start});
  op.constants.push_back(constant("descending", "uint32_t", direction_fields(layer.descending)));
  std::vector<Field> fields = {{"channels", (g.input.c + 7) / 8 * 8, "", false}, {"tile", poly_tile, "", false}};
  fields.push_back({"low", min_code(spec.activations), "", false});
  for (const char* table : {"reach", "start", "descending"}) fields.push_back({table, 0, table, false});
  return fields;
}

int pad_code(Padding padding) {
  return padding == Padding::kPlusOne ? 1 : padding == Padding::kMinusOne ? -1 : 0;
}

std::vector<Field> layer_fields(const QuantizedModel& model, int index, const LoweredOp& op) {
  const Network& network = model.network;
  const LayerSpec& spec = network.layers[index];
  const KernelGeometry g = kernel_geometry(spec, op.shapes);
  const Shape in = g.input, out = g.output;
  const Window k = g.kernel, pool = g.pool;
  const Format format = storage_format(network, spec.from);
  std::vector<Field> fields;
  const auto number = [&](const char* name, int64_t value) {
    if (value != 0) fields.push_back({name, value, "", false});
  };
  number("in_c", in.c), number("out_c", out.c), number("in_h", in.h), number("in_w", in.w);
  number("kernel_h", k.h), number("kernel_w", k.w), number("stride_h", k.stride_h), number("stride_w", k.stride_w);
  number("pad_top", g.pad_top), number("pad_left", g.pad_left);
  number("pool_h", pool.h), number("pool_w", pool.w);
  number("pool_stride_h", pool.stride_h), number("pool_stride_w", pool.stride_w);
  number("out_h", out.h), number("out_w", out.w);
  const bool bits_compare_as_codes = op.kernel == "max_pool" && format == Format::kBinary;
  number("in_bits", bit_width(format)), number("in_kind", bits_compare_as_codes ? kUnsignedKind : kind_of(format));
  if (has_weights(spec.op)) {
    number("weight_bits", bit_width(spec.weights));
    number("weight_kind", kind_of(spec.weights));
  }
  if (const auto* add = std::get_if<Add>(&spec.op)) {
    const Format other = storage_format(network, add->with);
    number("weight_bits", bit_width(other)), number("weight_kind", kind_of(other));
  }
  number("pad_code", pad_code(g.padding));
  number("shift_from", model.layers[index].shift_from), number("shift_with", model.layers[index].shift_with);
  if (has_weights(spec.op)) fields.push_back({"weights", 0, "weights", false});
  return fields;
}

void lower_epilogue(const QuantizedModel& model, int index, int poly_tile, LoweredOp& op) {
  const Network& network = model.network;
  const QuantizedLayer& layer = model.layers[index];
  if (is_poly2(op.kernel)) {
    op.epilogue_type = "bw_poly2";
    op.epilogue_fields = poly2_epilogue(network, index, op, layer, poly_tile);
  } else if (is_poly(op.kernel)) {
    op.epilogue_type = "bw_poly";
    op.epilogue_fields = poly_epilogue(network, index, op, layer, poly_tile);
  } else if (is_sliced(op.kernel)) {
    op.epilogue_type = "bw_sliced";
    op.epilogue_fields = sliced_epilogue(network, index, op, layer, poly_tile);
  } else if (is_few(op.kernel)) {
    op.epilogue_type = "bw_epilogue";
    op.epilogue_fields = few_epilogue(network, index, op, layer);
  } else if (epilogue(network, index) == Epilogue::kFloat) {
    op.epilogue_type = "bw_float_epilogue";
    op.epilogue_fields = float_epilogue(network, index, op, layer);
  } else if (epilogue(network, index) != Epilogue::kNone) {
    op.epilogue_type = "bw_epilogue";
    op.epilogue_fields = integer_epilogue(network, index, op, layer);
  }
}

LoweredOp lower_layer(const QuantizedModel& model, int index, const LayerShapes& shapes, const std::string& kernel,
                      const MemoryPlan& plan, int poly_tile) {
  const Network& network = model.network;
  const LayerSpec& spec = network.layers[index];
  const QuantizedLayer& layer = model.layers[index];
  check_range(spec, layer);
  LoweredOp op;
  op.layer = index;
  op.kernel = kernel;
  op.shapes = shapes;
  op.in_word = plan.tensor_offsets[spec.from + 1] / 4;
  op.out_word = plan.tensor_offsets[index + 1] / 4;
  if (const auto* add = std::get_if<Add>(&spec.op)) op.with_word = plan.tensor_offsets[add->with + 1] / 4;
  if (op.kernel.empty()) return op;
  if (has_scratch(op.kernel)) op.scratch_word = plan.scratch_offsets[index] / 4;
  if (has_weights(spec.op)) op.constants.push_back(constant("weights", "uint32_t", packed_weights(spec, layer, op)));
  op.layer_fields = layer_fields(model, index, op);
  lower_epilogue(model, index, poly_tile, op);
  return op;
}

Kernels checked_kernels(const Network& network, const Kernels& kernels) {
  if (kernels.empty()) return default_kernels(network);
  BW_CHECK(kernels.size() == network.layers.size());
  for (int i = 0; i < static_cast<int>(kernels.size()); ++i) {
    const std::vector<std::string> able = kernels_for(network, i);
    if (able.empty() ? !kernels[i].empty() : std::find(able.begin(), able.end(), kernels[i]) == able.end())
      throw StructureError("model layer " + network.layers[i].name + ": kernel " + kernels[i] + " cannot run it");
  }
  return kernels;
}

// ---- signature

template <class T>
void append_bytes(std::string& out, const std::vector<T>& values) {
  out += std::to_string(values.size()) + ":";
  out.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

}  // namespace

int64_t Constant::bytes() const {
  const int64_t each = type == "uint8_t" ? 1 : type == "int16_t" || type == "uint16_t" ? 2 : 4;
  return each * static_cast<int64_t>(values.size());
}

double output_scale(const QuantizedModel& model) {
  for (int i = static_cast<int>(model.layers.size()) - 1; i != kNetworkInput; i = model.network.layers[i].from)
    if (has_accumulators(model.network.layers[i].op)) return model.layers[i].output_scale;
  return model.input_scale;
}

std::string model_signature(const QuantizedModel& model) {
  std::string bytes = model.network.name + "\n" + canonical_text(model.network);
  append_bytes(bytes, std::vector<double>{model.input_scale});
  for (size_t i = 0; i < model.layers.size(); ++i) {
    const QuantizedLayer& l = model.layers[i];
    bytes += model.network.layers[i].name;
    append_bytes(bytes, l.weights), append_bytes(bytes, l.float_weights), append_bytes(bytes, l.bias);
    append_bytes(bytes, std::vector<double>{l.output_scale});
    append_bytes(bytes, std::vector<int32_t>{l.shift_from, l.shift_with});
    append_bytes(bytes, l.thresholds), append_bytes(bytes, l.descending), append_bytes(bytes, l.multiplier);
    append_bytes(bytes, l.offset), append_bytes(bytes, l.shift), append_bytes(bytes, l.float_scale);
    append_bytes(bytes, l.float_offset), append_bytes(bytes, std::vector<float>{l.inverse_step});
  }
  return sha256_hex(bytes);
}

Program lower(const QuantizedModel& model, const Kernels& kernels, Execution execution) {
  check_model(model);
  const auto shapes = infer_shapes(model.network);
  const int last = static_cast<int>(model.network.layers.size()) - 1;
  Program program;
  program.model = model;
  ExecutionPlan plan = plan_execution(model.network, checked_kernels(model.network, kernels), execution);
  program.kernels = std::move(plan.kernels);
  program.stream = std::move(plan.stream);
  program.plan = std::move(plan.memory);
  program.signature = model_signature(model);
  const int poly_tile = program.stream ? kStreamPolyTile : kPolyTile;
  for (int i = 0; i <= last; ++i)
    program.ops.push_back(lower_layer(model, i, shapes[i], program.kernels[i], program.plan, poly_tile));
  program.output_format = storage_format(model.network, last);
  program.input_word = program.plan.tensor_offsets[0] / 4;
  program.output_word = program.plan.tensor_offsets[last + 1] / 4;
  program.input_bytes = packed_bytes(model.network.input.elements(), model.network.input_format);
  program.output_bytes = packed_bytes(shapes[last].output.elements(), program.output_format);
  return program;
}

}  // namespace bitwright

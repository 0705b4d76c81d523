// SPDX-License-Identifier: Apache-2.0
#include "estimators/layer_features.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "core/memory_plan.h"
#include "core/quantized_model.h"
#include "estimators/counted_layer.h"

namespace bitwright {
namespace {

// Along one dimension, for every place of the pooling window at every output.
std::vector<Clip> clips(int outputs, int pool, int pool_stride, int stride, int pad, int kernel, int size) {
  std::vector<Clip> kinds;
  for (int64_t o = 0; o < outputs; ++o)
    for (int64_t p = 0; p < pool; ++p) {
      const int64_t start = (o * pool_stride + p) * stride;
      const int64_t first = std::max<int64_t>(pad - start, 0);
      const int64_t taps = std::min<int64_t>(kernel, size + pad - start) - first;
      const auto same =
          std::find_if(kinds.rbegin(), kinds.rend(), [&](const Clip& c) { return c.first == first && c.taps == taps; });
      if (same != kinds.rend())
        ++same->times;
      else
        kinds.push_back({first, taps, 1});
    }
  return kinds;
}

void count_map(CountedLayer& l) {
  l.add(Feature::kCall, 1);
  l.add(Feature::kRows, l.g.output.h);
  l.add(Feature::kPositions, static_cast<double>(l.g.output.h) * l.g.output.w);
  const auto bytes = packed_bytes(l.g.output.elements(), storage_format(l.network, l.index));
  l.add(Feature::kOutputWords, static_cast<double>(bytes) / 4);
}

void count_outputs(CountedLayer& l) {
  const auto outputs = static_cast<double>(l.g.output.elements());
  const double window = static_cast<double>(l.g.pool.h) * l.g.pool.w;
  if (l.pools() || !l.takes_windows()) l.add(l.pools() ? Feature::kPooledOutputs : Feature::kSingleOutputs, outputs);
  l.add(Feature::kPooledSums, outputs * (window - 1));
  if (bit_width(storage_format(l.network, l.index)) == 32 && !l.takes_windows()) l.add(Feature::kWholeOutputs, outputs);
  if (l.g.output.c > 1 && !l.takes_windows()) l.add(Feature::kPixelLoops, outputs / l.g.output.c);
  const double pixels = l.takes_windows() ? outputs / l.g.output.c : outputs;
  l.add(Feature::kPooledRows, pixels * (l.g.pool.h - 1));
}

void count_thresholds(CountedLayer& l, double outputs) {
  const double levels = threshold_count(l.spec.activations);
  const bool narrow = has_narrow_thresholds(l.network, l.index);
  if (levels == 1 && narrow) return l.add(Feature::kBinaryOutputs, outputs);
  if (levels == 1 && l.takes_windows()) return l.add(Feature::kWideBinaryOutputs, outputs);
  l.add(narrow ? Feature::kThresholdOutputs : Feature::kWideThresholdOutputs, outputs);
  const double compared = narrow && l.takes_windows() ? std::ceil(std::log2(levels + 1)) : levels;  // bw_reached
  l.add(narrow ? Feature::kThresholds : Feature::kWideThresholds, outputs * compared);
}

void count_reals(CountedLayer& l, double outputs) {
  const Format out = storage_format(l.network, l.index);
  if (out == Format::kFloat32) return l.add(l.spec.relu ? Feature::kReluOutputs : Feature::kRealOutputs, outputs);
  l.add(out == Format::kBinary ? Feature::kSignOutputs : Feature::kQuantizedOutputs, outputs);
}

void count_epilogue(CountedLayer& l) {
  const auto outputs = static_cast<double>(l.g.output.elements());
  switch (epilogue(l.network, l.index)) {
    case Epilogue::kNone: break;
    case Epilogue::kRaw: l.add(l.spec.bias ? Feature::kBiasedOutputs : Feature::kRawOutputs, outputs); break;
    case Epilogue::kThreshold: count_thresholds(l, outputs); break;
    case Epilogue::kRequantize:
      l.add(typical_shift(l.network, l.index) < 32 ? Feature::kSlowRequantized : Feature::kRequantizedOutputs, outputs);
      break;
    case Epilogue::kFloat: count_reals(l, outputs); break;
  }
}

// The columns of the map that a run of outputs needs.
KernelGeometry geometry_of(const LayerSpec& spec, const LayerShapes& shapes, const LayerPart& part) {
  KernelGeometry g = kernel_geometry(spec, shapes);
  if (part.columns == 0) return g;
  g.padding = Padding::kValid;
  g.pad_left = 0;
  g.output.w = part.columns;
  g.input.w = ((part.columns - 1) * g.pool.stride_w + g.pool.w - 1) * g.kernel.stride_w + g.kernel.w;
  return g;
}

}  // namespace

CountedLayer::CountedLayer(const Network& of, int layer, const LayerShapes& shapes, const std::string& name,
                           const LayerPart& part)
    : network(of),
      index(layer),
      spec(of.layers[static_cast<size_t>(layer)]),
      kernel(name),
      poly_tile(part.poly_tile),
      g(geometry_of(spec, shapes, part)),
      input(storage_format(of, spec.from)),
      rows(clips(g.output.h, g.pool.h, g.pool.stride_h, g.kernel.stride_h, g.pad_top, g.kernel.h, g.input.h)),
      columns(clips(g.output.w, g.pool.w, g.pool.stride_w, g.kernel.stride_w, g.pad_left, g.kernel.w, g.input.w)) {}

std::string_view feature_name(Feature feature) {
  // clang-format off
  constexpr std::string_view names[] = {
      "call", "rows", "positions", "output_words", "whole_outputs", "pixel_loops", "single_outputs", "pooled_outputs",
      "pooled_sums", "pooled_rows",
      "windows", "pooled_windows", "passes", "padded_windows", "one_padded_windows", "zero_padded_windows", "pairs", "halved", "finish_groups", "wide_finish_groups",
      "contiguous", "aligned", "in_place", "gathers", "gathered_rows", "outside_rows", "runs", "run_pieces",
      "run_codes", "fills", "left_fills", "right_fills", "zero_fill_pieces", "one_fill_pieces", "fill_codes", "flushes", "aligned_flushes",
      "last_words", "cleared_words", "cleared_blocks", "cleared_tails", "cleared_loops", "binary_runs",
      "code_groups", "byte_groups", "signed_byte_groups", "wide_groups", "group_loops", "byte_runs", "byte_codes",
      "byte_tails", "tail_codes", "signed_runs", "unsigned_runs", "cut_runs", "ended_runs", "fill_tails", "overlaps", "pads",
      "pad_groups", "pad_codes",
      "parts", "loop_parts", "long_parts", "part_blocks", "channels", "odd_channels", "odd_blocks", "blocks",
      "block_loops", "long_loops", "signed_parts", "signed_channels", "signed_odd_channels", "signed_blocks",
      "signed_block_loops", "even_rows", "odd_1", "odd_2", "odd_3", "odd_4", "set_words", "single_words", "two_words", "three_words",
      "five_words", "set_parts", "single_parts", "two_parts", "three_parts", "five_parts", "folded_odd", "folded_twos",
      "folded_threes", "fold_loops", "rest_words", "rest_loops", "long_rests", "signed_rest_words",
      "signed_rest_loops", "few_parts", "few_channels",
      "row_carries", "tiles", "tile_blocks", "block_rows", "block_chunks", "block_groups", "inside_columns",
      "result_words", "channel_pairs", "product_blocks", "product_steps", "border_pairs", "border_rows",
      "border_taps", "border_columns", "border_jumps", "collected", "merges", "crossings", "strides", "collections",
      "finished", "ternary_finished",
      "strips", "strip_results", "strip_columns", "strip_pixels", "strip_fields", "strip_stores", "strip_outside",
      "outside_codes", "counts", "counted_chunks", "counted_blocks", "token_fills", "carry_eights", "high_planes",
      "carry_planes", "sliced_outputs",
      "word_runs", "words", "tails", "products", "long_runs", "sum_loops", "converted_inputs", "converted_weights",
      "word_fields", "input_rows", "input_pixels", "window_rows", "window_taps", "long_window_rows", "window_loops", "turns",
      "skipped_taps", "padded_products", "border_calls", "border_windows", "border_elements", "border_outside",
      "raw_outputs", "biased_outputs", "binary_outputs", "wide_binary_outputs", "appends", "split_outputs", "whole_appends", "rests", "split_rests",
      "binary_pixels", "wide_binary_pixels", "byte_pixels", "unsigned_byte_pixels", "four_pixels", "requantized_fours", "slow_pixels", "slow_requantized", "raw_pixels", "split_pixels", "raw_fours", "split_fours",
      "threshold_pixels", "ternary_outputs", "four_levels", "eight_levels", "sixteen_levels", "code_pixels", "sum_pixels",
      "threshold_outputs", "thresholds", "wide_threshold_outputs", "wide_thresholds", "requantized_outputs",
      "real_outputs", "relu_outputs", "sign_outputs", "quantized_outputs",
  };
  // clang-format on
  static_assert(std::size(names) == kFeatures);
  return names[static_cast<size_t>(feature)];
}

FeatureVector layer_features(const Network& network, int layer, const LayerShapes& shapes, const std::string& kernel,
                             const LayerPart& part) {
  if (kernel.empty()) return {};
  CountedLayer l(network, layer, shapes, kernel, part);
  count_map(l);
  if (is_poly2(kernel)) {
    count_poly2_kernel(l);
    return l.features;
  }
  if (is_poly(kernel)) {
    count_poly_kernel(l);
    return l.features;
  }
  if (is_sliced(kernel)) {
    count_sliced_kernel(l);
    return l.features;
  }
  if (kernel != "upsample") {
    count_outputs(l);
    count_epilogue(l);
  }
  if (l.takes_windows())
    count_window_kernel(l);
  else
    count_product_kernel(l);
  return l.features;
}

}  // namespace bitwright

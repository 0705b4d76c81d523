// SPDX-License-Identifier: Apache-2.0
#include "estimators/layer_features.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "core/kernel.h"
#include "core/memory_plan.h"
#include "core/quantized_model.h"

namespace bitwright {
namespace {

// The part of a window inside the map, along one dimension: bw_clip. `times`: sums that have it.
struct Clip {
  int64_t first = 0;  // of its taps
  int64_t taps = 0;
  int64_t position = 0;  // of its first tap in the map
  int64_t times = 0;
};

// Along one dimension, for every place of the pooling window at every output.
std::vector<Clip> clips(int outputs, int pool, int pool_stride, int stride, int pad, int kernel, int size) {
  std::vector<Clip> all;
  std::vector<int64_t> times(static_cast<size_t>((outputs - 1) * pool_stride + pool), 0);
  for (int o = 0; o < outputs; ++o)
    for (int p = 0; p < pool; ++p) ++times[static_cast<size_t>(o * pool_stride + p)];
  for (size_t at = 0; at < times.size(); ++at) {
    if (times[at] == 0) continue;
    const int64_t start = static_cast<int64_t>(at) * stride;
    const int64_t first = std::max<int64_t>(pad - start, 0);
    const int64_t taps = std::min<int64_t>(kernel, size + pad - start) - first;
    all.push_back({first, taps, start + first - pad, times[at]});
  }
  return all;
}

class Counter {
 public:
  Counter(const Network& network, int layer, const LayerShapes& shapes, const std::string& kernel)
      : network_(network),
        layer_(layer),
        spec_(network.layers[static_cast<size_t>(layer)]),
        kernel_(kernel),
        g_(kernel_geometry(spec_, shapes)),
        input_(storage_format(network, spec_.from)),
        rows_(clips(g_.output.h, g_.pool.h, g_.pool.stride_h, g_.kernel.stride_h, g_.pad_top, g_.kernel.h, g_.input.h)),
        columns_(clips(g_.output.w, g_.pool.w, g_.pool.stride_w, g_.kernel.stride_w, g_.pad_left, g_.kernel.w,
                       g_.input.w)) {}

  FeatureVector count() {
    if (kernel_.empty()) return features_;
    count_map();
    if (kernel_ == "upsample") {
      count_copies();
      return features_;
    }
    count_outputs();
    count_epilogue();
    if (kernel_ == "conv2d_f32" || kernel_.starts_with("depthwise"))
      count_window();
    else if (kernel_.starts_with("conv2d"))
      count_convolution();
    else if (kernel_.starts_with("sum_pool") || kernel_.starts_with("log_variance"))
      count_sums();
    return features_;
  }

 private:
  void add(Feature feature, double amount) { features_[static_cast<size_t>(feature)] += amount; }
  bool zero_padding() const { return g_.padding == Padding::kZero || g_.padding == Padding::kValid; }
  double at(Feature feature) const { return features_[static_cast<size_t>(feature)]; }

  void count_map() {
    add(Feature::kCall, 1);
    add(Feature::kRows, g_.output.h);
    add(Feature::kPositions, static_cast<double>(g_.output.h) * g_.output.w);
    const auto bytes = packed_bytes(g_.output.elements(), storage_format(network_, layer_));
    add(Feature::kOutputWords, static_cast<double>(bytes) / 4);
  }

  // bw_upsample.
  void count_copies() {
    const auto pixels = static_cast<double>(g_.output.h) * g_.output.w;
    const int64_t bits = int64_t{g_.input.c} * bit_width(input_);
    add(Feature::kInputRows, g_.input.h);
    add(Feature::kInputPixels, static_cast<double>(g_.output.h) * g_.input.w);
    add(Feature::kWordRuns, bits >= 32 ? pixels : 0.0);
    add(Feature::kWords, pixels * static_cast<double>(bits / 32));
    add(Feature::kTails, bits % 32 ? pixels : 0.0);
  }

  void count_outputs() {
    const auto outputs = static_cast<double>(g_.output.elements());
    const double window = static_cast<double>(g_.pool.h) * g_.pool.w;
    add(window == 1 ? Feature::kSingleOutputs : Feature::kPooledOutputs, outputs);
    add(Feature::kPooledSums, outputs * (window - 1));
    add(Feature::kPooledRows, outputs * (g_.pool.h - 1));
  }

  void count_epilogue() {
    const auto outputs = static_cast<double>(g_.output.elements());
    switch (epilogue(network_, layer_)) {
      case Epilogue::kNone: break;
      case Epilogue::kRaw: add(spec_.bias ? Feature::kBiasedOutputs : Feature::kRawOutputs, outputs); break;
      case Epilogue::kThreshold: count_thresholds(outputs); break;
      case Epilogue::kRequantize: add(Feature::kRequantizedOutputs, outputs); break;
      case Epilogue::kFloat: count_real(outputs); break;
    }
  }

  void count_thresholds(double outputs) {
    const double levels = threshold_count(spec_.activations);
    const bool narrow = has_narrow_thresholds(network_, layer_);
    if (levels == 1 && narrow) return add(Feature::kBinaryOutputs, outputs);
    add(narrow ? Feature::kThresholdOutputs : Feature::kWideThresholdOutputs, outputs);
    add(narrow ? Feature::kThresholds : Feature::kWideThresholds, outputs * levels);
  }

  void count_real(double outputs) {
    const Format out = storage_format(network_, layer_);
    if (out == Format::kFloat32) return add(spec_.relu ? Feature::kReluOutputs : Feature::kRealOutputs, outputs);
    add(out == Format::kBinary ? Feature::kSignOutputs : Feature::kQuantizedOutputs, outputs);
  }

  // bw_convolve and bw_dot_*.
  void count_convolution() {
    for (const Clip& row : rows_)
      for (const Clip& column : columns_) {
        const auto times = static_cast<double>(row.times * column.times);
        const bool whole_rows = column.taps == g_.kernel.w && g_.kernel.w == g_.input.w;
        const int64_t runs = whole_rows ? 1 : row.taps;
        const int64_t length = column.taps * g_.input.c * (whole_rows ? row.taps : 1);
        count_runs(row, column, runs, length, times);
        if (!zero_padding()) count_border(row, column, times * g_.output.c);
      }
  }

  void count_runs(const Clip& row, const Clip& column, int64_t runs, int64_t length, double times) {
    const double all = times * static_cast<double>(runs) * g_.output.c;
    const auto codes = all * static_cast<double>(length);
    if (kernel_.starts_with("conv2d_a1") || kernel_.starts_with("conv2d_at")) {
      const double aligned = kernel_.starts_with("conv2d_a1w1") ? aligned_runs(row, column, runs, times) : 0.0;
      count_words(all - aligned, aligned, length, kernel_.starts_with("conv2d_at") ? 16 : 32);
      return;
    }
    add(Feature::kRuns, all);
    const bool by_sign = kernel_.starts_with("conv2d_a8w8") && input_ == Format::kInt8;
    add(by_sign ? Feature::kSignedProducts : Feature::kProducts, codes);
    if (kernel_.starts_with("conv2d_a8w1")) add(Feature::kChunks, all * static_cast<double>((length + 31) / 32));
  }

  void count_words(double shifted, double aligned, int64_t length, int64_t per_word) {
    const auto words = static_cast<double>(length / per_word);
    add(Feature::kRuns, shifted);
    add(Feature::kAlignedRuns, aligned);
    add(Feature::kTails, length % per_word ? shifted + aligned : 0.0);
    if (words == 0) return;
    add(Feature::kWordRuns, shifted);
    add(Feature::kAlignedWordRuns, aligned);
    add(Feature::kWords, shifted * words);
    add(Feature::kAlignedWords, aligned * words);
  }

  // Runs of which input and weights both start a word.
  double aligned_runs(const Clip& row, const Clip& column, int64_t runs, double times) const {
    int64_t aligned = 0;
    for (int64_t r = 0; r < runs; ++r) {
      const int64_t from = ((row.position + r) * g_.input.w + column.position) * g_.input.c;
      if (from % 32 == 0) aligned += aligned_channels(row.first + r, column.first);
    }
    return times * static_cast<double>(aligned);
  }

  // Output channels whose weights from this tap on start a word.
  int64_t aligned_channels(int64_t tap_row, int64_t tap_column) const {
    const int64_t offset = (tap_row * g_.kernel.w + tap_column) * g_.input.c;
    const int64_t each = int64_t{g_.kernel.h} * g_.kernel.w * g_.input.c;
    int64_t aligned = 0;
    for (int64_t channel = 0; channel < g_.output.c; ++channel) aligned += (channel * each + offset) % 32 == 0;
    return aligned;
  }

  // bw_border.
  void count_border(const Clip& row, const Clip& column, double sums) {
    add(Feature::kBorderCalls, sums);
    if (row.taps == g_.kernel.h && column.taps == g_.kernel.w) return;
    const double taps = static_cast<double>(g_.kernel.h) * g_.kernel.w;
    add(Feature::kBorderWindows, sums);
    add(Feature::kBorderRows, sums * g_.kernel.h);
    add(Feature::kBorderTaps, sums * taps);
    add(Feature::kBorderElements, sums * taps * g_.input.c);
    add(Feature::kBorderOutside, sums * (taps - static_cast<double>(row.taps * column.taps)) * g_.input.c);
  }

  // Kernels that visit every tap of the window and ask whether it lies inside.
  void count_window() {
    const bool depthwise = kernel_.starts_with("depthwise");
    const double taps = static_cast<double>(g_.kernel.h) * g_.kernel.w;
    const double codes_per_tap = depthwise ? 1.0 : g_.input.c;
    for (const Clip& row : rows_)
      for (const Clip& column : columns_) {
        const double sums = static_cast<double>(row.times * column.times) * g_.output.c;
        const auto inside = static_cast<double>(row.taps * column.taps);
        add(Feature::kWindowRows, sums * g_.kernel.h);
        add(Feature::kWindowTaps, sums * taps);
        add(Feature::kProducts, sums * inside * codes_per_tap);
        add(zero_padding() ? Feature::kSkippedTaps : Feature::kPaddedProducts,
            sums * (taps - inside) * (zero_padding() ? 1.0 : codes_per_tap));
      }
    count_conversions();
  }

  // bw_window_sum, bw_window_log_variance.
  void count_sums() {
    for (const Clip& row : rows_)
      for (const Clip& column : columns_) {
        const double sums = static_cast<double>(row.times * column.times) * g_.output.c;
        add(Feature::kRuns, sums * static_cast<double>(row.taps));
        add(Feature::kProducts, sums * static_cast<double>(row.taps * column.taps));
      }
    count_conversions();
  }

  void count_conversions() {
    if (!computes_in_float(network_, layer_)) return;
    const double all = at(Feature::kProducts) + at(Feature::kPaddedProducts);
    if (input_ != Format::kFloat32) add(Feature::kConvertedInputs, at(Feature::kProducts));
    if (has_weights(spec_.op) && spec_.weights != Format::kFloat32) add(Feature::kConvertedWeights, all);
  }

  const Network& network_;
  int layer_;
  const LayerSpec& spec_;
  std::string kernel_;
  KernelGeometry g_;
  Format input_;
  std::vector<Clip> rows_, columns_;
  FeatureVector features_{};
};

}  // namespace

std::string_view feature_name(Feature feature) {
  // clang-format off
  constexpr std::string_view names[] = {
      "call", "rows", "positions", "output_words", "single_outputs", "pooled_outputs", "pooled_sums", "pooled_rows",
      "runs", "aligned_runs", "word_runs", "aligned_word_runs", "words", "aligned_words", "tails", "chunks",
      "products", "signed_products", "converted_inputs", "converted_weights", "input_rows", "input_pixels",
      "window_rows", "window_taps", "skipped_taps", "padded_products", "border_calls", "border_windows", "border_rows",
      "border_taps", "border_elements", "border_outside", "raw_outputs", "biased_outputs", "binary_outputs",
      "threshold_outputs", "thresholds", "wide_threshold_outputs", "wide_thresholds", "requantized_outputs",
      "real_outputs", "relu_outputs", "sign_outputs", "quantized_outputs"};
  // clang-format on
  static_assert(std::size(names) == kFeatures);
  return names[static_cast<size_t>(feature)];
}

FeatureVector layer_features(const Network& network, int layer, const LayerShapes& shapes, const std::string& kernel) {
  return Counter(network, layer, shapes, kernel).count();
}

}  // namespace bitwright

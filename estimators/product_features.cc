// Kernels that take codes one by one: bw_driver.h, bw_accumulate.h, bw_dot.h, bw_border.c, bw_float.h, bw_upsample.c;
// and bw_max_pool.c.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "estimators/counted_layer.h"

namespace bitwright {
namespace {

bool zero_padding(const KernelGeometry& g) {
  return g.padding == Padding::kZero || g.padding == Padding::kValid;
}

// bw_upsample.
void count_copies(CountedLayer& l) {
  const auto pixels = static_cast<double>(l.g.output.h) * l.g.output.w;
  const int64_t bits = int64_t{l.g.input.c} * bit_width(l.input);
  const double copies = static_cast<double>(l.g.output.h) * l.g.input.w,
               words = pixels * static_cast<double>(bits / 32);
  const double tails = bits % 32 ? pixels : 0.0, completed = l.at(Feature::kOutputWords) - words;
  l.add(Feature::kInputRows, l.g.input.h);
  l.add(Feature::kInputPixels, copies);
  if (l.g.kernel.w > 1) l.add(Feature::kWindowLoops, copies);
  if (l.g.input.w > 1) l.add(Feature::kSumLoops, l.g.output.h);
  l.add(Feature::kWordRuns, bits >= 32 ? pixels : 0.0);
  l.add(Feature::kLongRuns, bits >= 64 ? pixels : 0.0);
  l.add(Feature::kWords, words);
  l.add(Feature::kTails, tails);
  l.add(Feature::kTurns, std::max(0.0, std::min(completed, tails - completed)));
}

// bw_border; sums: of windows of one kind.
void count_border(CountedLayer& l, const Clip& row, const Clip& column, double sums) {
  l.add(Feature::kBorderCalls, sums);
  if (l.is_whole(row, column)) return;
  const double taps = static_cast<double>(l.g.kernel.h) * l.g.kernel.w;
  l.add(Feature::kBorderWindows, sums);
  l.add(Feature::kBorderRows, sums * l.g.kernel.h);
  l.add(Feature::kBorderTaps, sums * taps);
  l.add(Feature::kBorderElements, sums * taps * l.g.input.c);
  l.add(Feature::kBorderOutside, sums * (taps - static_cast<double>(row.taps * column.taps)) * l.g.input.c);
}

// Sums of `runs` runs of `codes` codes each.
void count_runs(CountedLayer& l, double sums, int64_t runs, int64_t codes) {
  const double all = sums * static_cast<double>(runs);
  l.add(Feature::kRuns, all);
  l.add(Feature::kProducts, all * static_cast<double>(codes));
  if (codes > 1) l.add(Feature::kLongRuns, all);
  if (runs > 1) l.add(Feature::kSumLoops, sums);
}

// bw_convolve and bw_dot_axwx.
void count_dots(CountedLayer& l) {
  l.each_kind([&](const Clip& row, const Clip& column, int64_t windows) {
    const double sums = static_cast<double>(windows) * l.g.output.c;
    const bool whole_rows = column.taps == l.g.kernel.w && l.g.kernel.w == l.g.input.w;
    const int64_t runs = whole_rows ? 1 : row.taps, products = row.taps * column.taps * l.g.input.c;
    count_runs(l, sums, runs, products / runs);
    if (!zero_padding(l.g)) count_border(l, row, column, sums);
  });
}

void count_conversions(CountedLayer& l) {
  if (!computes_in_float(l.network, l.index)) return;
  const double all = l.at(Feature::kProducts) + l.at(Feature::kPaddedProducts);
  if (l.input != Format::kFloat32) l.add(Feature::kConvertedInputs, l.at(Feature::kProducts));
  if (has_weights(l.spec.op) && l.spec.weights != Format::kFloat32) l.add(Feature::kConvertedWeights, all);
}

// Kernels that visit every tap of the window and ask whether it lies inside.
void count_taps(CountedLayer& l) {
  const double taps = static_cast<double>(l.g.kernel.h) * l.g.kernel.w;
  const double codes_per_tap = l.kernel.starts_with("depthwise") ? 1.0 : l.g.input.c;
  double all_inside = 0.0;
  l.each_kind([&](const Clip& row, const Clip& column, int64_t windows) {
    const double sums = static_cast<double>(windows) * l.g.output.c;
    const auto inside = static_cast<double>(row.taps * column.taps);
    l.add(Feature::kWindowRows, sums * l.g.kernel.h);
    l.add(Feature::kWindowTaps, sums * taps);
    if (l.g.kernel.w > 1) l.add(Feature::kLongWindowRows, sums * l.g.kernel.h);
    if (l.g.kernel.h > 1) l.add(Feature::kWindowLoops, sums);
    all_inside += sums * inside;
    l.add(Feature::kProducts, sums * inside * codes_per_tap);
    l.add(zero_padding(l.g) ? Feature::kSkippedTaps : Feature::kPaddedProducts,
          sums * (taps - inside) * (zero_padding(l.g) ? 1.0 : codes_per_tap));
  });
  l.add(Feature::kTurns, std::min(all_inside, l.at(Feature::kWindowTaps) - all_inside));
  if (codes_per_tap > 1) l.add(Feature::kLongRuns, all_inside);
  count_conversions(l);
}

// bw_max_pool: as many codes at a time as a word holds, appended to what lies there.
void count_largest(CountedLayer& l) {
  const int64_t bits = bit_width(l.input), per_word = kWord / bits, pieces = ceil_div(l.g.input.c, per_word),
                pixels = int64_t{l.g.output.h} * l.g.output.w, pixel_bits = bits * l.g.input.c;
  const auto all = static_cast<double>(pixels * pieces);
  l.add(Feature::kWordFields, static_cast<double>(per_word));
  l.add(Feature::kRunPieces, all);
  l.add(has_sign(l.input) ? Feature::kSignedRuns : Feature::kUnsignedRuns, all);
  l.add(Feature::kWindowRows, all * l.g.pool.h);
  l.add(Feature::kWindowTaps, all * l.g.pool.h * l.g.pool.w);
  if (l.g.pool.h > 1) l.add(Feature::kWindowLoops, all);
  if (l.g.pool.w > 1) l.add(Feature::kLongWindowRows, all * l.g.pool.h);
  // Words by themselves: of pieces of 32 bits, where the pixel starts a word.
  const int64_t whole = per_word * bits == kWord ? (pixels - split_runs(pixels, pixel_bits)) * (pixel_bits / kWord) : 0;
  count_appends(l, {.pieces = pixels * pieces, .completed = pixels * pixel_bits / kWord, .whole = whole});
  if (pixels * pixel_bits % kWord) l.add(Feature::kLastWords, 1);
}

// bw_window_sum, bw_window_log_variance.
void count_sums(CountedLayer& l) {
  l.each_kind([&](const Clip& row, const Clip& column, int64_t windows) {
    const double sums = static_cast<double>(windows) * l.g.output.c;
    count_runs(l, sums, row.taps, column.taps);
  });
  count_conversions(l);
}

}  // namespace

void count_product_kernel(CountedLayer& l) {
  if (l.kernel == "max_pool") return count_largest(l);
  if (l.kernel == "upsample")
    count_copies(l);
  else if (l.kernel == "conv2d_f32" || l.kernel.starts_with("depthwise"))
    count_taps(l);
  else if (l.kernel.starts_with("conv2d"))
    count_dots(l);
  else if (l.kernel.starts_with("sum_pool_f32") || l.kernel.starts_with("log_variance"))
    count_sums(l);
}

}  // namespace bitwright

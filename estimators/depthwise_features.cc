// Depthwise kernels that sum up all channels of a window: bw_convolve_depthwise.h, bw_depthwise.h, bw_gather_columns.h.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "estimators/counted_layer.h"

namespace bitwright {
namespace {

// bw_sum_channels: a list of taps by fours of channels, or row by row channel by channel; which depends on the core.
void count_sums(CountedLayer& l) {
  const int64_t channels = l.g.input.c, groups = channels / 4, odd = channels % 4;
  const int64_t taps = int64_t{l.g.kernel.h} * l.g.kernel.w;
  const bool in_map = bit_width(l.input) % 8 == 0;
  const auto windows = static_cast<double>(l.windows());
  const bool is_signed = bit_width(l.input) != 8 || has_sign(l.input);  // gathered codes are signed bytes
  l.add(is_signed ? Feature::kSignedParts : Feature::kParts, windows);
  if (groups > 0) l.add(is_signed ? Feature::kSignedBlockLoops : Feature::kBlockLoops, windows);
  if (groups > 1) l.add(Feature::kLongParts, windows);
  if (odd > 0) l.add(is_signed ? Feature::kSignedRestLoops : Feature::kLongRests, windows);
  l.add(is_signed ? Feature::kSignedOddChannels : Feature::kRestWords, windows * static_cast<double>(odd));
  if (taps % 3 == 1) l.add(Feature::kOdd1, windows * static_cast<double>(groups));
  if (taps % 3 == 2) l.add(Feature::kOdd2, windows * static_cast<double>(groups));
  l.add(Feature::kChannels, windows * static_cast<double>(groups));
  l.add(Feature::kLongLoops, windows * static_cast<double>(groups * ((taps + 2) / 3)));
  l.add(Feature::kBlocks, windows * static_cast<double>(groups * taps));
  l.add(Feature::kOddChannels, windows * static_cast<double>(odd));
  l.each_kind([&](const Clip& row, const Clip& column, int64_t times) {
    const auto here = static_cast<double>(times);
    const int64_t rows = in_map ? row.taps : l.g.kernel.h, inside = in_map ? row.taps * column.taps : taps;
    l.add(Feature::kWindowRows, here * static_cast<double>(channels * rows));
    l.add(Feature::kWindowTaps, here * static_cast<double>(channels * inside));
    l.add(Feature::kRestLoops, here * static_cast<double>(odd * rows));
    l.add(Feature::kOddBlocks, here * static_cast<double>(odd * inside));
  });
}

// Along one dimension, in the order of bw_pixels: whether the window of an accumulator lies inside the map.
std::vector<std::vector<bool>> inside(int outputs, int pool, int pool_stride, int stride, int pad, int kernel,
                                      int size) {
  std::vector<std::vector<bool>> all;
  for (int64_t o = 0; o < outputs; ++o) {
    all.emplace_back();
    for (int64_t p = 0; p < pool; ++p) {
      const int64_t from = (o * pool_stride + p) * stride - pad;
      all.back().push_back(from >= 0 && from + kernel <= size);
    }
  }
  return all;
}

// Windows inside the map that follow one that is not, or none.
int64_t windows_after_border(const KernelGeometry& g) {
  const auto rows = inside(g.output.h, g.pool.h, g.pool.stride_h, g.kernel.stride_h, g.pad_top, g.kernel.h, g.input.h);
  const auto columns =
      inside(g.output.w, g.pool.w, g.pool.stride_w, g.kernel.stride_w, g.pad_left, g.kernel.w, g.input.w);
  int64_t count = 0;
  bool last = false;
  for (const auto& row : rows)
    for (const auto& column : columns)
      for (const bool in_row : row)
        for (const bool in_column : column) {
          const bool whole = in_row && in_column;
          count += whole && !last;
          last = whole;
        }
  return count;
}

// bw_list_taps, `times` over.
void count_list(CountedLayer& l, double times, int64_t taps_inside) {
  l.add(Feature::kBorderCalls, times);
  l.add(Feature::kBorderRows, times * l.g.kernel.h);
  l.add(Feature::kBorderTaps, times * l.g.kernel.h * l.g.kernel.w);
  l.add(Feature::kBorderElements, times * static_cast<double>(taps_inside));
}

// Of every window at the border, and of the first whole one after these; gathered ones are all whole.
void count_lists(CountedLayer& l, bool in_map) {
  const int64_t taps = int64_t{l.g.kernel.h} * l.g.kernel.w;
  if (!in_map) return count_list(l, 1, taps);
  l.each_kind([&](const Clip& row, const Clip& column, int64_t times) {
    if (!l.is_whole(row, column)) count_list(l, static_cast<double>(times), row.taps * column.taps);
  });
  count_list(l, static_cast<double>(windows_after_border(l.g)), taps);
}

// The columns of a window that are new, and how many of them lie in the map.
struct NewColumns {
  int64_t kept = 0, first = 0, inside = 0;
};

// Along a row of accumulators, in the order of bw_pixels.
std::vector<NewColumns> new_columns(const KernelGeometry& g) {
  std::vector<NewColumns> all;
  int64_t last = -1;
  for (int64_t x = 0; x < g.output.w; ++x)
    for (int64_t p = 0; p < g.pool.w; ++p) {
      const int64_t column = x * g.pool.stride_w + p, moved = (column - last) * g.kernel.stride_w;
      const bool anew = last < 0 || moved < 0 || (g.pool.h > 1 && p == 0);
      NewColumns columns;
      columns.kept = anew ? 0 : std::max<int64_t>(g.kernel.w - moved, 0);
      const int64_t start = column * g.kernel.stride_w - g.pad_left, first = std::max<int64_t>(-start, 0);
      const int64_t end = std::min<int64_t>(g.kernel.w, g.input.w - start);
      columns.first = std::max(first, columns.kept);
      columns.inside = std::max<int64_t>(end - columns.first, 0);
      all.push_back(columns);
      last = column;
    }
  return all;
}

// bw_unpack: words of codes, then four codes at a time, then one.
void count_unpacked(CountedLayer& l, double runs, int64_t codes) {
  const int64_t bits = bit_width(l.input), per_word = bits == 1 || bits == 2 || bits == 4 ? 32 / bits : 0;
  const int64_t words = per_word ? codes / per_word : 0, rest = codes - words * per_word;
  l.add(Feature::kRuns, runs);
  if (per_word) l.add(bits == 1 ? Feature::kBinaryRuns : Feature::kWordRuns, runs);
  if (words > 0) l.add(Feature::kLongRuns, runs);
  if (rest / 4 > 0) l.add(Feature::kByteTails, runs);
  if (rest % 4 > 0) l.add(Feature::kCutRuns, runs);
  l.add(Feature::kWords, runs * static_cast<double>(words));
  l.add(Feature::kRunPieces, runs * static_cast<double>(words * per_word / 4));
  l.add(Feature::kTails, runs * static_cast<double>(rest / 4));
  l.add(Feature::kRunCodes, runs * static_cast<double>(rest % 4));
}

// bw_gather_columns.
void count_gathers(CountedLayer& l) {
  const int64_t c = l.g.input.c;
  double inside_rows = 0.0, outside_rows = 0.0;
  for (const Clip& row : l.rows) {
    inside_rows += static_cast<double>(row.times * row.taps);
    outside_rows += static_cast<double>(row.times * (l.g.kernel.h - row.taps));
  }
  l.add(Feature::kGathers, static_cast<double>(l.windows()));
  for (const NewColumns& columns : new_columns(l.g)) {
    const int64_t kept = columns.kept * c, added = (l.g.kernel.w - columns.kept) * c, run = columns.inside * c;
    l.add(Feature::kGatheredRows, inside_rows);
    l.add(Feature::kOutsideRows, outside_rows);
    l.add(Feature::kClearedBlocks, (inside_rows + outside_rows) * static_cast<double>(kept / 8));
    l.add(Feature::kClearedWords, (inside_rows + outside_rows) * static_cast<double>(kept % 8));
    l.add(Feature::kFillCodes,
          inside_rows * static_cast<double>(added - run) + outside_rows * static_cast<double>(added));
    count_unpacked(l, inside_rows, run);
  }
}

// bw_window_of_bits: groups of 32 channels; two taps at a time, those outside the map one by one.
void count_bits(CountedLayer& l) {
  const auto groups = static_cast<double>((l.g.input.c + 31) / 32),
             taps = static_cast<double>(l.g.kernel.h) * l.g.kernel.w;
  const double whole = l.g.input.c % 32 == 0 ? 1.0 : 0.0;
  const bool pads = l.g.padding == Padding::kMinusOne || l.g.padding == Padding::kPlusOne;
  l.each_kind([&](const Clip& row, const Clip& column, int64_t windows) {
    const double here = static_cast<double>(windows) * groups,
                 inside = here * static_cast<double>(row.taps * column.taps);
    l.add(Feature::kChannels, here);
    l.add(Feature::kRuns, here * static_cast<double>(row.taps));
    l.add(Feature::kBlocks, here * static_cast<double>(row.taps * (column.taps / 2)));
    if (column.taps > 1) l.add(Feature::kBlockLoops, here * static_cast<double>(row.taps));
    l.add(Feature::kOddBlocks, here * static_cast<double>(row.taps * (column.taps % 2)));
    l.add(Feature::kTails, inside * (1.0 - whole));
    if (!pads || l.is_whole(row, column)) return;
    l.add(Feature::kBorderCalls, here);
    l.add(Feature::kBorderRows, here * l.g.kernel.h);
    l.add(Feature::kBorderTaps, here * taps);
    l.add(Feature::kBorderOutside, here * taps - inside);
  });
}

}  // namespace

void count_depthwise_kernel(CountedLayer& l) {
  if (l.kernel.starts_with("depthwise_a1w1")) return count_bits(l);
  count_sums(l);
  const bool in_map = bit_width(l.input) % 8 == 0;
  count_lists(l, in_map);
  if (!in_map) count_gathers(l);
}

}  // namespace bitwright

// Kernels that gather a window and compute all its channels: bw_pixels.c, bw_convolve_*.h, bw_gather_*.h,
// bw_accumulate_*.h, bw_finish.c.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <numeric>

#include "estimators/counted_layer.h"

namespace bitwright {
namespace {

constexpr int64_t kWord = 32;  // bits

int64_t ceil_div(int64_t n, int64_t unit) {
  return (n + unit - 1) / unit;
}

// Of the windows inside the map, those that start on a multiple of `unit` codes.
int64_t aligned_windows(const KernelGeometry& g, int unit) {
  const auto starts = [unit](int outputs, int pool, int pool_stride, int stride, int pad, int kernel, int size,
                             int64_t codes) {
    std::array<int64_t, kWord> times{};
    for (int64_t o = 0; o < outputs; ++o)
      for (int64_t p = 0; p < pool; ++p) {
        const int64_t at = (o * pool_stride + p) * stride - pad;
        if (at >= 0 && at + kernel <= size) ++times[static_cast<size_t>(at * codes % unit)];
      }
    return times;
  };
  const auto rows = starts(g.output.h, g.pool.h, g.pool.stride_h, g.kernel.stride_h, g.pad_top, g.kernel.h, g.input.h,
                           int64_t{g.input.w} * g.input.c);
  const auto columns =
      starts(g.output.w, g.pool.w, g.pool.stride_w, g.kernel.stride_w, g.pad_left, g.kernel.w, g.input.w, g.input.c);
  int64_t aligned = 0;
  for (size_t r = 0; r < static_cast<size_t>(unit); ++r)
    aligned += rows[r] * columns[(static_cast<size_t>(unit) - r) % static_cast<size_t>(unit)];
  return aligned;
}

// Counts windows that are one run of the map, and returns how many of them a kernel reads where they lie: those that
// start on a multiple of `unit` codes and end on one or are the whole map.
double count_in_place(CountedLayer& l, int unit) {
  if (l.g.kernel.h != 1 && l.g.kernel.w != l.g.input.w) return 0;
  const auto aligned = static_cast<double>(aligned_windows(l.g, unit));
  l.each_kind([&](const Clip& row, const Clip& column, int64_t windows) {
    if (l.is_whole(row, column)) l.add(Feature::kContiguous, static_cast<double>(windows));
  });
  l.add(Feature::kAligned, aligned);
  const bool ends = l.g.taps() % unit == 0 || l.g.taps() == l.g.input.elements();
  l.add(Feature::kInPlace, ends ? aligned : 0.0);
  return ends ? aligned : 0.0;
}

// bw_appender: bits that go to words one after another.
struct Appender {
  int64_t fill = 0;
  int64_t runs = 0, pieces = 0, flushes = 0, aligned = 0;

  // `count` bits in pieces of at most `piece`.
  void append(int64_t count, int64_t piece) {
    const int64_t whole = count / piece, rest = count % piece;
    runs += count != 0;
    pieces += whole + (rest != 0);
    flushes += (fill + count) / kWord;
    if (piece == kWord && fill == 0) aligned += whole;
    fill = (fill + count) % kWord;
  }
};

// bw_gather_bits and bw_gather_planes (pieces of 32 and 16 codes); gathers: of windows of one kind; ones: how many of
// them fill the border with ones.
void count_bit_gathers(CountedLayer& l, const Clip& row, const Clip& column, double gathers, double ones,
                       int64_t piece) {
  const int64_t c = l.g.input.c, width = l.g.kernel.w * c;
  Appender fills, runs;
  for (int64_t y = 0; y < l.g.kernel.h; ++y) {
    const bool inside = y >= row.first && y < row.first + row.taps;
    fills.append(inside ? column.first * c : width, kWord);
    if (!inside) continue;
    runs.fill = fills.fill;
    runs.append(column.taps * c, piece);
    fills.fill = runs.fill;
    fills.append((l.g.kernel.w - column.first - column.taps) * c, kWord);
  }
  l.add(Feature::kGathers, gathers);
  l.add(Feature::kGatheredRows, gathers * static_cast<double>(row.taps));
  l.add(Feature::kOutsideRows, gathers * static_cast<double>(l.g.kernel.h - row.taps));
  l.add(Feature::kRunPieces, gathers * static_cast<double>(runs.pieces));
  l.add(Feature::kFills, gathers * static_cast<double>(fills.runs));
  l.add(Feature::kZeroFillPieces, (gathers - ones) * static_cast<double>(fills.pieces));
  l.add(Feature::kOneFillPieces, ones * static_cast<double>(fills.pieces));
  l.add(Feature::kFlushes, gathers * static_cast<double>(runs.flushes + fills.flushes));
  l.add(Feature::kAlignedFlushes, gathers * static_cast<double>(runs.aligned + fills.aligned));
  l.add(Feature::kLastWords, l.g.taps() % kWord ? gathers : 0.0);
}

// Every channel's row, or that of several channels: `rows` of `blocks` blocks.
void count_blocks(CountedLayer& l, double rows, int64_t blocks) {
  l.add(Feature::kBlocks, rows * static_cast<double>(blocks));
  if (blocks > 0) l.add(Feature::kBlockLoops, rows);
  if (blocks > 1) l.add(Feature::kLongLoops, rows);
}

// One part of a row of folded bits, bw_accumulate_a1w1: few words have code of their own.
void count_folded_part(CountedLayer& l, double passes, int64_t words) {
  const double rows = passes * l.g.out_channels;
  l.add(Feature::kParts, passes);
  l.add(Feature::kPartBlocks, passes * static_cast<double>(words / 4));
  l.add(Feature::kFoldedOdd, words % 4 ? passes : 0.0);
  if (words == 1) return l.add(Feature::kSingleWords, rows);
  if (words == 2) return l.add(Feature::kTwoWords, rows);
  if (words == 3) return l.add(Feature::kThreeWords, rows);
  if (words == 5) return l.add(Feature::kFiveWords, rows);
  l.add(Feature::kChannels, rows);
  if (words & 1) l.add(Feature::kOdd1, rows);
  if (words & 2) l.add(Feature::kOdd2, rows);
  if (words & 4) l.add(Feature::kOdd4, rows);
  count_blocks(l, rows, words / 8);
}

// bw_window_a1w1: what is no multiple of kFoldedWords comes first.
void count_folded_rows(CountedLayer& l, double passes) {
  const int64_t words = ceil_div(l.g.taps(), kWord), first = (words - 1) % kFoldedWords + 1;
  count_folded_part(l, passes, first);
  if (words > first) count_folded_part(l, passes * static_cast<double>((words - first) / kFoldedWords), kFoldedWords);
}

// bw_count_row: a word, pairs of words, then eights.
void count_rows_of_bits(CountedLayer& l, double passes) {
  constexpr int64_t kCounted = 248;
  for (int64_t left = ceil_div(l.g.taps(), kWord); left > 0; left -= kCounted) {
    const int64_t words = std::min(left, kCounted);
    const double rows = passes * l.g.out_channels;
    l.add(Feature::kParts, passes);
    l.add(Feature::kChannels, rows);
    if (words & 1) l.add(Feature::kOdd1, rows);
    l.add(Feature::kOdd2, rows * static_cast<double>(words / 2 % 4));
    count_blocks(l, rows, words / 8);
  }
}

void count_bits(CountedLayer& l, const std::string& types) {
  const bool planes = types.starts_with("at");
  const double in_place = planes ? 0.0 : count_in_place(l, kWord);
  double passes = 0.0;
  l.each_kind([&](const Clip& row, const Clip& column, int64_t windows) {
    const bool whole = l.is_whole(row, column);
    const bool skipped = !planes && !whole && l.g.padding == Padding::kZero;
    const double here = static_cast<double>(windows) * (skipped ? 2 : 1);
    const double ones = skipped ? here / 2 : l.g.padding == Padding::kPlusOne ? here : 0.0;
    if (skipped) l.add(Feature::kHalved, static_cast<double>(windows) * l.g.out_channels);
    count_bit_gathers(l, row, column, here - (whole ? in_place : 0.0), whole ? 0.0 : ones, planes ? 16 : kWord);
    passes += here;
  });
  l.add(Feature::kPasses, passes);
  if (types == "atw1") l.add(Feature::kPartBlocks, passes * static_cast<double>(ceil_div(l.g.taps(), kWord)));
  if (types == "a1w1")
    count_folded_rows(l, passes);
  else
    count_rows_of_bits(l, passes);
}

// bw_accumulate_a8w1, bw_accumulate_a16w1: blocks of words of two channels; `rest` of what is left over.
void count_chosen(CountedLayer& l, int64_t words, int64_t block, int64_t rest) {
  const auto windows = static_cast<double>(l.windows());
  const double pairs = windows * static_cast<double>((l.g.out_channels + 1) / 2);
  l.add(Feature::kParts, windows);
  l.add(Feature::kPartBlocks, windows * static_cast<double>(words));
  l.add(Feature::kChannels, pairs);
  if (l.g.out_channels % 2) l.add(Feature::kOddChannels, windows);
  count_blocks(l, pairs, words / block);
  l.add(Feature::kRestWords, pairs * static_cast<double>(rest));
  if (rest > 0) l.add(Feature::kRestLoops, pairs);
  if (block != 8 || min_code(l.input) >= 0) return;
  l.add(Feature::kSignedChannels, pairs);
  l.add(Feature::kSignedBlocks, pairs * static_cast<double>(words / 8));
  l.add(Feature::kSignedRestWords, pairs * static_cast<double>(rest));
}

void count_bytes(CountedLayer& l) {
  const bool bytes = bit_width(l.input) == 8;
  const double in_place = bytes ? count_in_place(l, 4) : 0.0;
  const int64_t words = ceil_div(l.g.taps(), 4);
  l.each_kind([&](const Clip& row, const Clip& column, int64_t windows) {
    const double gathers = static_cast<double>(windows) - (l.is_whole(row, column) ? in_place : 0.0);
    const auto run = static_cast<double>(column.taps * l.g.input.c);
    l.add(Feature::kGathers, gathers);
    l.add(Feature::kClearedWords, gathers * static_cast<double>(words % 4));  // memset
    l.add(Feature::kClearedBlocks, gathers * static_cast<double>(words / 4));
    l.add(bytes ? Feature::kRuns : Feature::kGatheredRows, gathers * static_cast<double>(row.taps));  // memcpy
    l.add(bytes ? Feature::kRunPieces : Feature::kRunCodes, gathers * static_cast<double>(row.taps) * run);
  });
  count_chosen(l, words, 8, words % 8);
}

// Those of codes [start, start + count) of a window that lie in the map: bw_window_halves.
struct PartRuns {
  int64_t rows = 0, runs = 0, codes = 0;
  int64_t groups = 0;  // of four codes that lie in a group of the window
};
// Groups of four among `count` codes from position `at` on.
int64_t whole_groups(int64_t at, int64_t count) {
  const int64_t before = std::min((4 - at % 4) % 4, count);
  return (count - before) / 4;
}
PartRuns part_runs(const KernelGeometry& g, const Clip& row, const Clip& column, int64_t start, int64_t count) {
  const int64_t width = int64_t{g.kernel.w} * g.input.c, in_row = int64_t{g.input.w} * g.input.c;
  int64_t run = column.taps * g.input.c, rows = row.taps, at = (row.first * g.kernel.w + column.first) * g.input.c;
  if (run == width && width == in_row) run *= rows, rows = 1;
  PartRuns sum{rows, 0, 0, 0};
  for (int64_t y = 0; y < rows; ++y, at += width) {
    const int64_t first = std::max(at, start), last = std::min(at + run, start + count);
    if (first >= last) continue;
    ++sum.runs;
    sum.codes += last - first;
    sum.groups += whole_groups(first - start, last - first);
  }
  return sum;
}

// bw_accumulate_w8 and so on: of two windows two channels at a time, of one window two or four; on cores without SIMD
// row by row, which is linear in the same counts.
void count_products(CountedLayer& l, const std::string& types, bool pairs, double passes, int64_t groups) {
  const int64_t bits = types.ends_with("w2") ? 2 : types.ends_with("w4") ? 4 : 8, words = groups * bits / 8;
  const int64_t channels = l.g.out_channels, at_once = pairs || bits < 8 ? 2 : 4;
  if (bits < 8) l.add(Feature::kPartBlocks, passes * static_cast<double>(groups / 2));
  if (pairs && bits == 8 && l.g.taps() == 5) {
    l.add(Feature::kFewParts, passes);
    return l.add(Feature::kFewChannels, passes * static_cast<double>(channels));
  }
  l.add(Feature::kParts, passes);
  if (channels >= at_once) l.add(Feature::kLoopParts, passes);
  const double loops = passes * static_cast<double>(channels / at_once);
  const double odd = passes * static_cast<double>(channels % at_once);
  l.add(Feature::kChannels, loops);
  count_blocks(l, loops, words);
  if (bits == 8 && words % 2) l.add(Feature::kOdd1, loops);
  l.add(Feature::kOddChannels, odd);
  l.add(Feature::kOddBlocks, odd * static_cast<double>(words));
}

void count_halves(CountedLayer& l, const std::string& types) {
  const int64_t unit = types.ends_with("w2") ? 16 : types.ends_with("w4") ? 8 : 4, taps = l.g.taps();
  const bool pairs = l.kernel.starts_with("conv2d") && types != "a16w1";
  const auto passes = static_cast<double>(pairs ? ceil_div(l.windows(), 2) : l.windows());
  if (pairs) l.add(Feature::kPairs, passes);
  for (int64_t start = 0; start < taps; start += kChunk) {
    const int64_t count = std::min(taps - start, kChunk), codes = ceil_div(count, unit) * unit;
    l.each_kind([&](const Clip& row, const Clip& column, int64_t windows) {
      const auto times = static_cast<double>(windows);
      const PartRuns runs = part_runs(l.g, row, column, start, count);
      l.add(Feature::kGathers, times);
      l.add(Feature::kGatheredRows, times * static_cast<double>(runs.rows));
      l.add(Feature::kRuns, times * static_cast<double>(runs.runs));
      const int64_t groups = bit_width(l.input) <= 8 ? runs.groups : 0;
      l.add(Feature::kRunPieces, times * static_cast<double>(groups));
      l.add(Feature::kRunCodes, times * static_cast<double>(runs.codes - 4 * groups));
      const int64_t border = l.is_whole(row, column) ? 0 : count,
                    filled = border / 4 + whole_groups(count, codes - count);
      l.add(Feature::kZeroFillPieces, times * static_cast<double>(filled));
      l.add(Feature::kFillCodes, times * static_cast<double>(border + codes - count - 4 * filled));
    });
    if (types != "a16w1") {
      count_products(l, types, pairs, passes, codes / 4);
      continue;
    }
    count_chosen(l, codes / 2, 16, codes / 2 % 16 / 2);
  }
}

// bw_conv2d_wf32: channels by fours; what is left over are the odd ones and their products.
void count_reals(CountedLayer& l) {
  const int64_t taps = l.g.taps(), odd = l.g.out_channels % 4;
  for (int64_t start = 0; start < taps; start += kChunk) {
    const int64_t count = std::min(taps - start, kChunk);
    l.each_kind([&](const Clip& row, const Clip& column, int64_t windows) {
      const auto times = static_cast<double>(windows);
      l.add(Feature::kGatheredRows, times * static_cast<double>(row.taps));
      l.add(Feature::kRunCodes, times * static_cast<double>(part_runs(l.g, row, column, start, count).codes));
      l.add(Feature::kFillCodes, l.is_whole(row, column) ? 0.0 : times * static_cast<double>(count));
    });
    const auto windows = static_cast<double>(l.windows());
    l.add(Feature::kParts, windows);
    l.add(Feature::kChannels, windows * static_cast<double>(l.g.out_channels / 4));
    l.add(Feature::kBlocks, windows * static_cast<double>(l.g.out_channels / 4 * count));
    l.add(Feature::kOddChannels, windows * static_cast<double>(odd));
    l.add(Feature::kProducts, windows * static_cast<double>(odd * count));
  }
  if (l.input != Format::kFloat32) l.add(Feature::kConvertedInputs, l.at(Feature::kRunCodes));
}

// bw_finish_pixel, bw_append.
void count_finish(CountedLayer& l) {
  const int64_t channels = l.g.out_channels, pixels = int64_t{l.g.output.h} * l.g.output.w;
  if (l.at(Feature::kBinaryOutputs) + l.at(Feature::kWideBinaryOutputs) == 0) {
    const bool bytes =
        epilogue(l.network, l.index) != Epilogue::kFloat && bit_width(storage_format(l.network, l.index)) == 8;
    return l.add(Feature::kAppends, static_cast<double>(pixels * (bytes ? channels / 4 + channels % 4 : channels)));
  }
  l.add(Feature::kFinishGroups, static_cast<double>(pixels * ceil_div(channels, kWord)));
  const int64_t period = kWord / std::gcd(channels, kWord);  // pixels until one starts a word again
  l.add(Feature::kWholeOutputs, static_cast<double>(ceil_div(pixels, period) * (channels / kWord)));
}

// bw_convolve_few.h: pairs of windows, code by code.
void count_few(CountedLayer& l) {
  const int64_t row_pairs = ceil_div(l.g.output.w, 2), pairs = l.g.output.h * row_pairs;
  l.add(Feature::kPairs, static_cast<double>(pairs));
  l.add(Feature::kGatheredRows, static_cast<double>(2 * pairs * l.g.kernel.h));
  l.add(Feature::kRunCodes, static_cast<double>(2 * pairs * l.g.taps()));
  l.add(Feature::kFewParts, static_cast<double>(pairs * ceil_div(l.g.out_channels, kWord)));
  l.add(Feature::kFewChannels, static_cast<double>(pairs * l.g.out_channels));
}

}  // namespace

void count_window_kernel(CountedLayer& l) {
  if (is_few(l.kernel)) return count_few(l);
  const auto windows = static_cast<double>(l.windows());
  l.add(Feature::kWindows, windows);
  if (l.pools()) l.add(Feature::kPooledWindows, windows);
  count_finish(l);
  const std::string types = kernel_types(l.kernel);
  if (l.kernel == "conv2d_wf32")
    count_reals(l);
  else if (types == "a8w1")
    count_bytes(l);
  else if (types.starts_with("a16"))
    count_halves(l, types);
  else
    count_bits(l, types);
}

}  // namespace bitwright

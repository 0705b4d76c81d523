// Kernels that gather a window and compute all its channels: bw_pixels.c, bw_convolve_*.h, bw_gather_*.h,
// bw_accumulate_*.h, bw_finish.c.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <numeric>

#include "estimators/counted_layer.h"

namespace bitwright {
namespace {

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
  if (column.first > 0) l.add(Feature::kLeftFills, gathers * static_cast<double>(row.taps));
  if (column.first + column.taps < l.g.kernel.w) l.add(Feature::kRightFills, gathers * static_cast<double>(row.taps));
  l.add(Feature::kZeroFillPieces, (gathers - ones) * static_cast<double>(fills.pieces));
  l.add(Feature::kOneFillPieces, ones * static_cast<double>(fills.pieces));
  l.add(Feature::kFlushes, gathers * static_cast<double>(runs.flushes + fills.flushes));
  l.add(Feature::kAlignedFlushes, gathers * static_cast<double>(runs.aligned + fills.aligned));
  l.add(Feature::kLastWords, l.g.taps() % kWord ? gathers : 0.0);
}

// One part of a row of folded bits, bw_accumulate_a1w1: where words are few, the patch stays in registers.
void count_folded_part(CountedLayer& l, double passes, int64_t words) {
  const double rows = passes * l.g.out_channels;
  l.add(Feature::kParts, passes);
  l.add(Feature::kPartBlocks, passes * static_cast<double>(words / 4));
  if (words >= 4) l.add(Feature::kFoldLoops, passes);
  if (words % 4 > 0) l.add(Feature::kFoldedOdd, passes);
  if (words % 4 > 1) l.add(Feature::kFoldedTwos, passes);
  if (words % 4 > 2) l.add(Feature::kFoldedThrees, passes);
  const auto held = [&](Feature parts, Feature channels) {
    l.add(parts, passes);
    l.add(channels, rows);
  };
  if (words == 1) return held(Feature::kSingleParts, Feature::kSingleWords);
  if (words == 2) return held(Feature::kTwoParts, Feature::kTwoWords);
  if (words == 3) return held(Feature::kThreeParts, Feature::kThreeWords);
  if (words == 5) return held(Feature::kFiveParts, Feature::kFiveWords);
  l.add(Feature::kLoopParts, passes);
  l.add(Feature::kChannels, rows);
  if (words % 8 == 0) l.add(Feature::kEvenRows, rows);
  if (words & 1) l.add(Feature::kOdd1, rows);
  if (words & 2) l.add(Feature::kOdd2, rows);
  if (words & 4) l.add(Feature::kOdd4, rows);
  count_blocks(l, rows, words / 8);
}

// bw_window_a1w1: what is no multiple of kFoldedWords comes first.
void count_folded_rows(CountedLayer& l, double passes, double skipped) {
  const int64_t words = ceil_div(l.g.taps(), kWord), first = (words - 1) % kFoldedWords + 1;
  if (words == 1) {
    l.add(Feature::kSetParts, passes - skipped);
    l.add(Feature::kSetWords, (passes - skipped) * l.g.out_channels);
    if (skipped > 0) count_folded_part(l, skipped, 1);
    return;
  }
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
    if (words / 2 % 4 > 0) l.add(Feature::kRestLoops, rows);
    if (words / 2 % 4 > 1) l.add(Feature::kLongRests, rows);
    count_blocks(l, rows, words / 8);
  }
}

void count_bits(CountedLayer& l, const std::string& types) {
  const bool planes = types.starts_with("at");
  const double in_place = planes ? 0.0 : count_in_place(l, kWord);
  double passes = 0.0, of_skipped = 0.0;
  l.each_kind([&](const Clip& row, const Clip& column, int64_t windows) {
    const bool whole = l.is_whole(row, column);
    const bool skipped = !planes && !whole && l.g.padding == Padding::kZero;
    const double here = static_cast<double>(windows) * (skipped ? 2 : 1);
    const double ones = skipped ? here / 2 : l.g.padding == Padding::kPlusOne ? here : 0.0;
    if (skipped) l.add(Feature::kHalved, static_cast<double>(windows) * l.g.out_channels);
    count_bit_gathers(l, row, column, here - (whole ? in_place : 0.0), whole ? 0.0 : ones, planes ? 16 : kWord);
    passes += here;
    if (skipped) of_skipped += here;
  });
  l.add(Feature::kPasses, passes);
  const auto windows = static_cast<double>(l.windows());
  if (l.g.padding == Padding::kMinusOne || l.g.padding == Padding::kPlusOne) l.add(Feature::kPaddedWindows, windows);
  if (l.g.padding == Padding::kPlusOne) l.add(Feature::kOnePaddedWindows, windows);
  if (l.g.padding == Padding::kZero) l.add(Feature::kZeroPaddedWindows, windows);
  if (types == "atwt") count_clears(l, passes, l.g.out_channels);
  if (types == "atw1") l.add(Feature::kPartBlocks, passes * static_cast<double>(ceil_div(l.g.taps(), kWord)));
  if (types == "a1w1")
    count_folded_rows(l, passes, of_skipped);
  else
    count_rows_of_bits(l, passes);
}

// bw_accumulate_a8w1: pairs of channels, eight words at a time, then one by one. Signed codes have code of their own.
void count_choices(CountedLayer& l, int64_t words) {
  const bool is_signed = has_sign(l.input);
  const auto windows = static_cast<double>(l.windows());
  const double pairs = windows * static_cast<double>((l.g.out_channels + 1) / 2);
  l.add(is_signed ? Feature::kSignedParts : Feature::kParts, windows);
  l.add(Feature::kPartBlocks, windows * static_cast<double>(words));
  if (!is_signed && l.g.out_channels > 1) l.add(Feature::kLoopParts, windows);
  if (l.g.out_channels > 3) l.add(Feature::kLongParts, windows);
  if (l.g.out_channels % 2) l.add(is_signed ? Feature::kSignedOddChannels : Feature::kOddChannels, windows);
  l.add(is_signed ? Feature::kSignedChannels : Feature::kChannels, pairs);
  l.add(is_signed ? Feature::kSignedBlocks : Feature::kBlocks, pairs * static_cast<double>(words / 8));
  l.add(is_signed ? Feature::kSignedRestWords : Feature::kRestWords, pairs * static_cast<double>(words % 8));
  if (words >= 8) l.add(is_signed ? Feature::kSignedBlockLoops : Feature::kBlockLoops, pairs);
  if (words >= 16) l.add(Feature::kLongLoops, pairs);
  if (words % 8 > 0) l.add(is_signed ? Feature::kSignedRestLoops : Feature::kRestLoops, pairs);
  if (words % 8 > 1) l.add(Feature::kLongRests, pairs);
}

// bw_gather_bytes: a run of bytes by fours, of narrower codes one by one.
void count_copies(CountedLayer& l, double times, int64_t run) {
  if (bit_width(l.input) != 8) {
    l.add(Feature::kGatheredRows, times);
    return l.add(Feature::kRunCodes, times * static_cast<double>(run));
  }
  l.add(Feature::kRuns, times);
  l.add(Feature::kRunPieces, times * static_cast<double>(run / 4));
  l.add(Feature::kByteCodes, times * static_cast<double>(run % 4));
  if (run >= 4) l.add(Feature::kGroupLoops, times);
  if (run % 4 > 0) l.add(Feature::kByteTails, times);
}

void count_bytes(CountedLayer& l) {
  const bool bytes = bit_width(l.input) == 8;
  const double in_place = bytes ? count_in_place(l, 4) : 0.0;
  const int64_t words = ceil_div(l.g.taps(), 4);
  l.each_kind([&](const Clip& row, const Clip& column, int64_t windows) {
    const double gathers = static_cast<double>(windows) - (l.is_whole(row, column) ? in_place : 0.0);
    l.add(Feature::kGathers, gathers);
    count_clears(l, gathers, words);
    count_copies(l, gathers * static_cast<double>(row.taps), column.taps * l.g.input.c);
  });
  count_clears(l, static_cast<double>(l.windows()), l.g.out_channels);
  count_choices(l, words);
}

// bw_conv2d_wf32: channels by fours; what is left over are the odd ones and their products.
void count_reals(CountedLayer& l) {
  const int64_t taps = l.g.taps(), odd = l.g.out_channels % 4;
  for (int64_t start = 0; start < taps; start += kChunk) {
    const int64_t count = std::min(taps - start, kChunk);
    l.each_kind([&](const Clip& row, const Clip& column, int64_t windows) {
      const auto times = static_cast<double>(windows);
      int64_t codes = 0;
      for (int64_t y = row.first; y < row.first + row.taps; ++y) {
        const int64_t at = (y * l.g.kernel.w + column.first) * l.g.input.c;
        codes += std::max<int64_t>(std::min(at + column.taps * l.g.input.c, start + count) - std::max(at, start), 0);
      }
      l.add(Feature::kGatheredRows, times * static_cast<double>(row.taps));
      l.add(Feature::kRunCodes, times * static_cast<double>(codes));
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

// bw_convolve_few.h: pairs of windows, code by code.
void count_few(CountedLayer& l) {
  const int64_t row_pairs = ceil_div(l.g.output.w, 2), pairs = l.g.output.h * row_pairs;
  l.add(Feature::kPairs, static_cast<double>(pairs));
  l.add(Feature::kGatheredRows, static_cast<double>(2 * pairs * l.g.kernel.h));
  l.add(Feature::kRunCodes, static_cast<double>(2 * pairs * l.g.taps()));
  l.add(Feature::kFewParts, static_cast<double>(pairs * ceil_div(l.g.out_channels, kWord)));
  l.add(Feature::kFewChannels, static_cast<double>(pairs * l.g.out_channels));
  count_finish(l);
}

// bw_reader_of.
void count_readers(CountedLayer& l, Format format, double times) {
  l.add(format == Format::kBinary ? Feature::kBinaryRuns
        : has_sign(format)        ? Feature::kSignedRuns
                                  : Feature::kUnsignedRuns,
        times);
}

// How often each position within a word, as a multiple of a code, starts a pixel, of all that windows hold.
std::array<double, kWord> pixel_starts(const CountedLayer& l) {
  const auto starts = [](int outputs, int pool, int pool_stride, int stride, int pad, int kernel, int size,
                         int64_t codes) {
    std::array<double, kWord> times{};
    for (int64_t o = 0; o < outputs; ++o)
      for (int64_t p = 0; p < pool; ++p) {
        const int64_t from = (o * pool_stride + p) * stride - pad;
        for (int64_t at = std::max<int64_t>(from, 0); at < std::min<int64_t>(from + kernel, size); ++at)
          times[static_cast<size_t>(at * codes % kWord)] += 1;
      }
    return times;
  };
  const KernelGeometry& g = l.g;
  const auto rows = starts(g.output.h, g.pool.h, g.pool.stride_h, g.kernel.stride_h, g.pad_top, g.kernel.h, g.input.h,
                           int64_t{g.input.w} * g.input.c);
  const auto columns =
      starts(g.output.w, g.pool.w, g.pool.stride_w, g.kernel.stride_w, g.pad_left, g.kernel.w, g.input.w, g.input.c);
  std::array<double, kWord> both{};
  for (size_t r = 0; r < kWord; ++r)
    for (size_t c = 0; rows[r] > 0 && c < kWord; ++c) both[(r + c) % kWord] += rows[r] * columns[c];
  return both;
}

// bw_add_codes: a pixel's codes one by one; those that lie across two words apart.
void count_pixels(CountedLayer& l, Format format, const std::array<double, kWord>& starts) {
  const int64_t bits = bit_width(format), channels = l.g.input.c;
  for (int64_t start = 0; start < kWord; ++start) {
    const double pixels = starts[static_cast<size_t>(start)];
    if (pixels == 0) continue;
    const int64_t first = start * bits % kWord, words = (first + channels * bits) / kWord;
    int64_t ended = 0;  // words whose last code ends with them
    for (int64_t code = 0; code < channels && kWord % bits != 0; ++code)
      ended += (first + (code + 1) * bits) % kWord == 0 ? 1 : 0;
    l.add(Feature::kRuns, pixels);
    l.add(Feature::kRunCodes, pixels * static_cast<double>(channels));
    l.add(Feature::kWords, pixels * static_cast<double>(words));
    if (kWord % bits != 0) l.add(Feature::kTails, pixels * static_cast<double>(words - ended));
  }
}

void count_code_sums(CountedLayer& l) {
  const auto* add = std::get_if<Add>(&l.spec.op);
  const std::array<double, kWord> starts = pixel_starts(l);
  const auto windows = static_cast<double>(l.windows());
  count_clears(l, windows, l.g.out_channels);
  l.each_kind([&](const Clip& row, const Clip& column, int64_t times) {
    l.add(Feature::kGatheredRows, static_cast<double>(times * row.taps));
    if (column.taps > 1) l.add(Feature::kLongWindowRows, static_cast<double>(times * row.taps));
  });
  count_readers(l, l.input, add ? 1 : windows);
  count_pixels(l, l.input, starts);
  if (!add) return;
  const Format with = storage_format(l.network, add->with);
  count_readers(l, with, 1);
  count_pixels(l, with, starts);
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
  else if (sums_codes(l.kernel))
    count_code_sums(l);
  else if (is_depthwise(l.kernel))
    count_depthwise_kernel(l);
  else if (types == "a8w1")
    count_bytes(l);
  else if (types.starts_with("a16"))
    count_halves(l, types);
  else
    count_bits(l, types);
}

}  // namespace bitwright

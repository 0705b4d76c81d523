// Windows of codes of up to 16 bits: bw_convolve_halves.h, bw_convolve_a16w1.h, bw_gather_halves.h,
// bw_accumulate_halves.h.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "estimators/counted_layer.h"

namespace bitwright {
namespace {

// A stretch of codes from a position on, taken in groups of four that lie in a group of the window, else one by one.
struct Groups {
  Groups(int64_t at, int64_t count) {
    const int64_t before = std::min((4 - at % 4) % 4, count);
    groups = (count - before) / 4;
    tail = (count - before) % 4;
    singles = before + tail;
  }
  int64_t groups = 0, singles = 0;
  int64_t tail = 0;  // of the singles, those behind the groups
};

// bw_gather_halves, `times` times.
void count_run(CountedLayer& l, const Groups& run, double times) {
  const int bits = bit_width(l.input);
  const double groups = times * static_cast<double>(run.groups), singles = times * static_cast<double>(run.singles);
  if (bits == 8) {
    l.add(Feature::kByteRuns, times);
    l.add(min_code(l.input) < 0 ? Feature::kSignedByteGroups : Feature::kByteGroups, groups);
    l.add(Feature::kByteCodes, singles);
    if (run.groups > 0) l.add(Feature::kGroupLoops, times);
    if (run.tail > 0) l.add(Feature::kByteTails, times);
    return;
  }
  l.add(Feature::kRuns, times);
  l.add(bits < 8 ? Feature::kCodeGroups : Feature::kWideGroups, groups);
  l.add(Feature::kRunCodes, bits < 8 ? singles : singles + 4 * groups);
  if (run.tail > 0) l.add(Feature::kTailCodes, times);
  if (min_code(l.input) < 0 && l.input != Format::kBinary) l.add(Feature::kSignedRuns, times);
}

// Codes [start, start + count) of a window of one kind.
void count_part_rows(CountedLayer& l, const Clip& row, const Clip& column, int64_t start, int64_t count, double times) {
  const int64_t width = int64_t{l.g.kernel.w} * l.g.input.c, in_row = int64_t{l.g.input.w} * l.g.input.c;
  int64_t run = column.taps * l.g.input.c, rows = row.taps,
          at = (row.first * l.g.kernel.w + column.first) * l.g.input.c;
  if (run == width && width == in_row) run *= rows, rows = 1;  // one behind another
  l.add(Feature::kGatheredRows, times * static_cast<double>(rows));
  for (int64_t y = 0; y < rows; ++y, at += width) {
    if (at <= start) l.add(Feature::kCutRuns, times);
    if (at + run >= start + count) l.add(Feature::kEndedRuns, times);
    const int64_t first = std::max(at, start), last = std::min(at + run, start + count);
    if (first < last) count_run(l, Groups(first - start, last - first), times);
  }
}

// bw_window_halves of a part, which ends on a multiple of `unit` codes.
void count_part(CountedLayer& l, int64_t start, int64_t count, int64_t unit) {
  const int64_t pad = ceil_div(count, unit) * unit - count;
  const Groups border(0, count), behind(count, pad);
  l.each_kind([&](const Clip& row, const Clip& column, int64_t windows) {
    const auto times = static_cast<double>(windows);
    l.add(Feature::kGathers, times);
    count_part_rows(l, row, column, start, count, times);
    if (pad > 0) {
      l.add(Feature::kPads, times);
      l.add(Feature::kPadGroups, times * static_cast<double>(behind.groups));
      l.add(Feature::kPadCodes, times * static_cast<double>(behind.singles));
    }
    if (l.is_whole(row, column)) return;
    l.add(Feature::kFills, times);
    l.add(Feature::kZeroFillPieces, times * static_cast<double>(border.groups));
    l.add(Feature::kFillCodes, times * static_cast<double>(border.singles));
    if (border.tail > 0) l.add(Feature::kFillTails, times);
  });
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
  if (channels >= 2 * at_once) l.add(Feature::kLongParts, passes);
  const double loops = passes * static_cast<double>(channels / at_once);
  const double odd = passes * static_cast<double>(channels % at_once);
  l.add(Feature::kChannels, loops);
  count_blocks(l, loops, words);
  const int64_t rest = bits < 8 ? 0 : words % (pairs ? 4 : 2);  // of a turn of the loop over words
  if (rest == 1) l.add(Feature::kOdd1, loops);
  if (rest == 2) l.add(Feature::kOdd2, loops);
  if (rest == 3) l.add(Feature::kOdd3, loops);
  l.add(Feature::kOddChannels, odd);
  l.add(Feature::kOddBlocks, odd * static_cast<double>(words));
}

}  // namespace

void count_halves(CountedLayer& l, const std::string& types) {
  const int64_t unit = types.ends_with("w2") ? 16 : types.ends_with("w4") ? 8 : 4, taps = l.g.taps();
  const bool pairs = l.kernel.starts_with("conv2d") && types != "a16w1";
  const auto passes = static_cast<double>(pairs ? ceil_div(l.windows(), 2) : l.windows());
  if (pairs) l.add(Feature::kPairs, passes);
  for (int64_t start = 0; start < taps; start += kChunk) {
    const int64_t count = std::min(taps - start, kChunk), codes = ceil_div(count, unit) * unit;
    count_part(l, start, count, unit);
    if (types == "a16w1")
      count_chosen(l, codes / 2, 16, codes / 2 % 16 / 2);
    else
      count_products(l, types, pairs, passes, codes / 4);
  }
}

}  // namespace bitwright

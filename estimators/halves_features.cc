// Windows of codes of up to 16 bits: bw_convolve_halves.h, bw_convolve_a16w1.h, bw_gather_halves.h,
// bw_accumulate_halves.h.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

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

// Zeros behind the last of `count` codes, up to a multiple of `unit`.
void count_pad(CountedLayer& l, int64_t count, int64_t unit, double times) {
  const int64_t pad = ceil_div(count, unit) * unit - count;
  const Groups behind(count, pad);
  if (pad == 0) return;
  l.add(Feature::kPads, times);
  l.add(Feature::kPadGroups, times * static_cast<double>(behind.groups));
  l.add(Feature::kPadCodes, times * static_cast<double>(behind.singles));
}

// bw_window_halves of a part of every window, less `elsewhere` whole ones.
void count_part(CountedLayer& l, int64_t start, int64_t count, int64_t unit, int64_t elsewhere) {
  const Groups border(0, count);
  l.each_kind([&](const Clip& row, const Clip& column, int64_t windows) {
    const bool whole = l.is_whole(row, column);
    const auto times = static_cast<double>(windows - (whole ? elsewhere : 0));
    l.add(Feature::kGathers, times);
    count_part_rows(l, row, column, start, count, times);
    count_pad(l, count, unit, times);
    if (whole) return;
    l.add(Feature::kFills, times);
    l.add(Feature::kZeroFillPieces, times * static_cast<double>(border.groups));
    l.add(Feature::kFillCodes, times * static_cast<double>(border.singles));
    if (border.tail > 0) l.add(Feature::kFillTails, times);
  });
}

// Pairs of windows that bw_overlap_step lets share what they gather: how many, by the codes from the first to the
// second.
std::map<int64_t, int64_t> overlaps(const KernelGeometry& g, int64_t unit) {
  std::map<int64_t, int64_t> pairs;
  const int64_t taps = g.taps(), room = 2 * ceil_div(std::min<int64_t>(taps, kChunk), 32) * 32;
  if (g.kernel.h != 1 || taps % unit != 0 || taps >= room) return pairs;
  int64_t window = 0, first = 0;
  bool first_inside = false;
  for (int64_t y = 0; y < g.output.h; ++y)
    for (int64_t x = 0; x < g.output.w; ++x)
      for (int64_t p = 0; p < int64_t{g.pool.h} * g.pool.w; ++p, ++window) {
        const int64_t row = (y * g.pool.stride_h + p / g.pool.w) * g.kernel.stride_h;
        const int64_t column = (x * g.pool.stride_w + p % g.pool.w) * g.kernel.stride_w - g.pad_left;
        const int64_t at = (row * g.input.w + column) * g.input.c;
        const bool inside = column >= 0 && column + g.kernel.w <= g.input.w;
        const int64_t step = at - first;
        if (window % 2 == 0)
          first = at, first_inside = inside;
        else if (inside && first_inside && step > 0 && step % 4 == 0 && step <= room - taps)
          ++pairs[step];
      }
  return pairs;
}

// What they gather: one run. Returns how many pairs.
int64_t count_overlaps(CountedLayer& l, int64_t unit) {
  int64_t all = 0;
  for (const auto& [step, pairs] : overlaps(l.g, unit)) {
    const auto times = static_cast<double>(pairs);
    const int64_t count = l.g.taps() + step;
    l.add(Feature::kGathers, times);
    l.add(Feature::kGatheredRows, times);
    l.add(Feature::kCutRuns, times);
    l.add(Feature::kEndedRuns, times);
    count_run(l, Groups(0, count), times);
    count_pad(l, count, unit, times);
    all += pairs;
  }
  l.add(Feature::kOverlaps, static_cast<double>(all));
  return all;
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

// bw_accumulate_a16w1: blocks of 16 words of two channels, then words by twos.
void count_signs(CountedLayer& l, int64_t words) {
  const auto windows = static_cast<double>(l.windows());
  const double pairs = windows * static_cast<double>((l.g.out_channels + 1) / 2);
  l.add(Feature::kParts, windows);
  l.add(Feature::kPartBlocks, windows * static_cast<double>(words));
  l.add(Feature::kChannels, pairs);
  if (l.g.out_channels % 2) l.add(Feature::kOddChannels, windows);
  count_blocks(l, pairs, words / 16);
  l.add(Feature::kRestWords, pairs * static_cast<double>(words % 16 / 2));
  if (words % 16 > 0) l.add(Feature::kRestLoops, pairs);
}

}  // namespace

void count_halves(CountedLayer& l, const std::string& types) {
  const int64_t unit = types.ends_with("w2") ? 16 : types.ends_with("w4") ? 8 : 4, taps = l.g.taps();
  const bool pairs = l.kernel.starts_with("conv2d") && types != "a16w1";
  const int64_t passes = pairs ? ceil_div(l.windows(), 2) : l.windows();
  int64_t overlapping = 0;
  count_clears(l, static_cast<double>(passes), (pairs ? 2 : 1) * l.g.out_channels);
  if (pairs) {
    l.add(Feature::kPairs, static_cast<double>(passes));
    overlapping = count_overlaps(l, unit);
    if (overlapping > 0)
      count_products(l, types, true, static_cast<double>(overlapping), ceil_div(taps, unit) * unit / 4);
  }
  for (int64_t start = 0; start < taps; start += kChunk) {
    const int64_t count = std::min(taps - start, kChunk), codes = ceil_div(count, unit) * unit;
    count_part(l, start, count, unit, 2 * overlapping);
    if (types == "a16w1")
      count_signs(l, codes / 2);
    else
      count_products(l, types, pairs, static_cast<double>(passes - overlapping), codes / 4);
  }
}

}  // namespace bitwright

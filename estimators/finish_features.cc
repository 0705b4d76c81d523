// What window kernels do with the sums of a pixel: bw_finish.c, bw_finish_f32.c, bw_append.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include "core/quantized_model.h"
#include "estimators/counted_layer.h"

namespace bitwright {
namespace {

// Codes of a pixel that are appended one by one, or as pieces of as many as a word holds; `fours` of its codes go
// before them as words of four bytes.
void append_codes(CountedLayer& l, int64_t pixels, int64_t pieces, int64_t fours) {
  const int64_t bits = l.g.out_channels * bit_width(storage_format(l.network, l.index)),
                completed = pixels * bits / kWord - pixels * fours;
  const bool are_words = pieces * kWord == bits;
  const int64_t whole = are_words ? pixels * pieces : 0;
  count_appends(l, {.pieces = pixels * pieces, .completed = completed, .whole = whole});
}

// bw_finish_binary: up to 32 channels at a time.
void finish_binary(CountedLayer& l, int64_t pixels) {
  const int64_t channels = l.g.out_channels, groups = ceil_div(channels, kWord);
  const int64_t whole = (pixels - split_runs(pixels, channels)) * (channels / kWord);
  const bool narrow = has_narrow_thresholds(l.network, l.index);
  l.add(narrow ? Feature::kBinaryPixels : Feature::kWideBinaryPixels, static_cast<double>(pixels));
  l.add(narrow ? Feature::kFinishGroups : Feature::kWideFinishGroups, static_cast<double>(pixels * groups));
  count_appends(l, {.pieces = pixels * groups, .completed = pixels * channels / kWord, .whole = whole});
}

// bw_finish_others.
void finish_others(CountedLayer& l, int64_t pixels, int64_t fours) {
  const int64_t codes = l.g.out_channels - 4 * fours;
  if (codes == 0) return;
  const bool requantized = epilogue(l.network, l.index) == Epilogue::kRequantize;
  l.add(requantized ? Feature::kCodePixels : Feature::kSumPixels, static_cast<double>(pixels));
  append_codes(l, pixels, codes, fours);
}

// bw_finish_bytes: four at a time, unless their shifts are below 32.
void finish_bytes(CountedLayer& l, int64_t pixels) {
  const int64_t groups = l.g.out_channels / 4;
  const bool slow = typical_shift(l.network, l.index) < 32;
  const int64_t fours = slow ? 0 : groups;
  l.add(Feature::kBytePixels, static_cast<double>(pixels));
  if (!has_sign(storage_format(l.network, l.index))) l.add(Feature::kUnsignedBytePixels, static_cast<double>(pixels));
  if (slow && groups > 0) l.add(Feature::kSlowPixels, static_cast<double>(pixels));
  if (fours > 0) l.add(Feature::kFourPixels, static_cast<double>(pixels));
  l.add(Feature::kRequantizedFours, static_cast<double>(pixels * fours));
  l.add(Feature::kRequantizedOutputs, static_cast<double>(-4 * pixels * fours));
  finish_others(l, pixels, fours);
}

// bw_finish_raw, four bytes at a time, where the pixel starts a word or within one.
void finish_raw(CountedLayer& l, int64_t pixels) {
  const int64_t fours = l.g.out_channels / 4, split = split_runs(pixels, 8 * l.g.out_channels);
  l.add(Feature::kRawPixels, static_cast<double>(pixels));
  l.add(Feature::kSplitPixels, static_cast<double>(split));
  l.add(Feature::kRawFours, static_cast<double>((pixels - split) * fours));
  l.add(Feature::kSplitFours, static_cast<double>(split * fours));
  l.add(Feature::kRawOutputs, static_cast<double>(-4 * pixels * fours));
  finish_others(l, pixels, fours);
}

// The words of a pixel's codes, and what is left over, go to bw_append at two places.
void append_words(CountedLayer& l, int64_t pixels, int64_t word_bits, int64_t words, int64_t rest_bits) {
  const int64_t period = kWord / std::gcd(words * word_bits + rest_bits, kWord);
  for (int64_t pixel = 0, fill = 0; pixel < std::min(period, pixels); ++pixel) {
    const int64_t times = (pixels - pixel + period - 1) / period;
    for (int64_t word = 0; word < words; ++word) {
      if (fill + word_bits >= kWord)
        l.add(fill == 0 ? Feature::kWholeAppends : Feature::kSplitOutputs, static_cast<double>(times));
      fill = (fill + word_bits) % kWord;
    }
    if (fill + rest_bits >= kWord) l.add(Feature::kSplitRests, static_cast<double>(times));
    fill = (fill + rest_bits) % kWord;
  }
  l.add(Feature::kAppends, static_cast<double>(pixels * words));
  if (rest_bits > 0) l.add(Feature::kRests, static_cast<double>(pixels));
}

// bw_finish_thresholds: thresholds of 16 bits, as many codes at a time as a word holds.
void finish_thresholds(CountedLayer& l, int64_t pixels) {
  const double outputs = l.at(Feature::kThresholdOutputs);
  const int64_t bits = bit_width(storage_format(l.network, l.index)), per_word = kWord / bits;
  l.add(Feature::kThresholdPixels, static_cast<double>(pixels));
  append_words(l, pixels, per_word * bits, l.g.out_channels / per_word, l.g.out_channels % per_word * bits);
  switch (threshold_count(l.spec.activations)) {
    case 2: return l.add(Feature::kTernaryOutputs, outputs);
    case 3: return l.add(Feature::kFourLevels, outputs);
    case 7: return l.add(Feature::kEightLevels, outputs);
    default: return l.add(Feature::kSixteenLevels, outputs);
  }
}

}  // namespace

void count_finish(CountedLayer& l) {
  const int64_t pixels = int64_t{l.g.output.h} * l.g.output.w, bits = bit_width(storage_format(l.network, l.index));
  const Epilogue kind = epilogue(l.network, l.index);
  if (l.at(Feature::kBinaryOutputs) + l.at(Feature::kWideBinaryOutputs) > 0) return finish_binary(l, pixels);
  if (kind == Epilogue::kRequantize && bits == 8) return finish_bytes(l, pixels);
  if (l.at(Feature::kThresholdOutputs) > 0) return finish_thresholds(l, pixels);
  if (kind == Epilogue::kRaw && !l.spec.bias && bits == 8) return finish_raw(l, pixels);
  finish_others(l, pixels, 0);
}

}  // namespace bitwright

// What window kernels do with the sums of a pixel: bw_finish.c, bw_finish_f32.c, bw_append.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include "core/quantized_model.h"
#include "estimators/counted_layer.h"

namespace bitwright {
namespace {

// How many pixels of `bits` bits each start within a word.
int64_t split_pixels(int64_t pixels, int64_t bits) {
  return pixels - ceil_div(pixels, kWord / std::gcd(bits, kWord));
}

// Binary outputs, up to 32 at a time. What completes a word goes on in the next one unless it is a word alone.
void count_groups(CountedLayer& l, int64_t pixels) {
  const int64_t channels = l.g.out_channels, groups = pixels * ceil_div(channels, kWord);
  const int64_t flushes = pixels * channels / kWord;
  const int64_t whole = (pixels - split_pixels(pixels, channels)) * (channels / kWord);
  l.add(Feature::kFinishGroups, static_cast<double>(groups));
  l.add(Feature::kSplitOutputs, static_cast<double>(flushes - whole));
  l.add(Feature::kTurns, static_cast<double>(std::min(flushes, groups - flushes)));
}

// Four bytes at once, which an epilogue may do in a loop of its own.
void count_fours(CountedLayer& l, double fours) {
  const Epilogue kind = epilogue(l.network, l.index);
  if (kind == Epilogue::kRequantize) {
    l.add(Feature::kRequantizedFours, fours);
    l.add(Feature::kRequantizedOutputs, -4 * fours);
  } else if (kind == Epilogue::kRaw && !l.spec.bias) {
    l.add(Feature::kRawFours, fours);
    l.add(Feature::kRawOutputs, -4 * fours);
  } else {
    l.add(Feature::kFours, fours);
  }
}

// Codes one by one; bytes of integers four at a time, codes of thresholds of 16 bits as many as a word holds.
void count_codes(CountedLayer& l, int64_t pixels) {
  const int64_t channels = l.g.out_channels, bits = bit_width(storage_format(l.network, l.index));
  const Epilogue kind = epilogue(l.network, l.index);
  const bool in_fours = kind == Epilogue::kRequantize || (kind == Epilogue::kRaw && !l.spec.bias);
  const int64_t fours = bits == 8 && in_fours ? channels / 4 : 0;
  const bool in_words = l.at(Feature::kThresholdOutputs) > 0;
  const int64_t singles = pixels * (in_words ? ceil_div(channels, kWord / bits) : channels - 4 * fours),
                flushes = pixels * channels * bits / kWord - pixels * fours;
  count_fours(l, static_cast<double>(pixels * fours));
  l.add(Feature::kSplitFours, static_cast<double>(split_pixels(pixels, channels * bits) * fours));
  l.add(Feature::kAppends, static_cast<double>(singles));
  if (bits < kWord) l.add(Feature::kSplitOutputs, static_cast<double>(flushes));
  l.add(Feature::kTurns, static_cast<double>(std::min(flushes, singles - flushes)));
}

// Codes by thresholds of 16 bits, a word at a time.
void count_searches(CountedLayer& l, int64_t pixels) {
  const double outputs = l.at(Feature::kThresholdOutputs);
  if (outputs == 0) return;
  const int64_t per_word = kWord / bit_width(storage_format(l.network, l.index));
  const int levels = threshold_count(l.spec.activations);
  l.add(Feature::kThresholdWords, static_cast<double>(pixels * ceil_div(l.g.out_channels, per_word)));
  if (levels == 2) return l.add(Feature::kTernaryOutputs, outputs);
  for (int reached = 1; reached <= levels; reached *= 2) l.add(Feature::kSearches, outputs);
}

}  // namespace

void count_finish(CountedLayer& l) {
  const int64_t pixels = int64_t{l.g.output.h} * l.g.output.w;
  if (l.at(Feature::kBinaryOutputs) + l.at(Feature::kWideBinaryOutputs) > 0)
    count_groups(l, pixels);
  else
    count_codes(l, pixels);
  count_searches(l, pixels);
}

}  // namespace bitwright

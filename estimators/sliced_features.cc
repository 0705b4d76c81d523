// Binary convolution in bit slices: bw_conv2d_sliced.h.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "estimators/counted_layer.h"

namespace bitwright {
namespace {

class SlicedCounter {
 public:
  explicit SlicedCounter(CountedLayer& layer)
      : l_(layer),
        g_(layer.g),
        layout_(sliced_layout(g_)),
        groups_(ceil_div(g_.out_channels, 32)),
        tile_(sliced_tile(g_, layer.poly_tile)) {}

  void count() {
    count_strips();
    l_.each_kind([&](const Clip& row, const Clip& column, int64_t times) {
      const bool skips = g_.padding == Padding::kZero && !l_.is_whole(row, column);
      add(Feature::kCounts, times * groups_);
      if (!skips) return count_run(layout_.tables, times);
      add(Feature::kBorderCounts, times * groups_);
      for (int64_t c = 0; c < column.taps; ++c) count_run(row.taps * layout_.triples, times);
    });
    add(Feature::kPlanes, planes() * l_.windows() * groups_);
    const int64_t words = int64_t{g_.output.h} * g_.output.w * groups_;
    add(Feature::kSlicedOutputs, words);
  }

 private:
  void add(Feature feature, int64_t amount) { l_.add(feature, static_cast<double>(amount)); }
  int64_t planes() const { return layout_.planes - 1; }

  // A run of `tables`, `times` windows.
  void count_run(int64_t tables, int64_t times) {
    const int64_t blocks = tables / 4, singles = tables % 4, all = times * groups_, chunks = ceil_div(blocks, kSlicedTokens);
    const int64_t rest = blocks % kSlicedTokens;
    const int64_t fours = blocks / kSlicedTokens * (kSlicedTokens / 4) + rest / 4, ones = rest % 4;
    add(Feature::kCountedRuns, all);
    add(Feature::kCountedChunks, all * chunks);
    add(Feature::kCountedBlocks, all * blocks);
    add(Feature::kCarryFours, all * fours);
    add(Feature::kCarryOnes, all * ones);
    add(Feature::kCarryPlanes, all * (fours + ones) * (planes() - 8));
    add(Feature::kSingleTables, all * singles);
  }

  void count_strips() {
    const int64_t rows = int64_t{g_.output.h} * g_.pool.h, step = int64_t{g_.pool.stride_w} * g_.kernel.stride_w;
    const int64_t region = int64_t{g_.pool.w - 1} * g_.kernel.stride_w + g_.kernel.w;
    const int64_t strips = ceil_div(g_.output.w, tile_);
    add(Feature::kStrips, rows * strips);
    int64_t inside = 0, all = 0, inside_rows = 0;
    for (const Clip& row : l_.rows) inside_rows += row.times * row.taps;
    for (int64_t strip = 0; strip < strips; ++strip) {
      const int64_t outputs = std::min(tile_, g_.output.w - strip * tile_);
      const int64_t first = strip * tile_ * step - g_.pad_left, end = first + (outputs - 1) * step + region;
      all += end - first;
      inside += std::max<int64_t>(std::min<int64_t>(end, g_.input.w) - std::max<int64_t>(first, 0), 0);
    }
    const int64_t pixels = inside_rows * inside;
    add(Feature::kStripPixels, pixels);
    add(Feature::kStripCodes, pixels * ceil_div(g_.input.c, 12));
    add(Feature::kStripOutside, rows * g_.kernel.h * all - pixels);
  }

  CountedLayer& l_;
  const KernelGeometry& g_;
  SlicedLayout layout_;
  int64_t groups_, tile_;
};

}  // namespace

void count_sliced_kernel(CountedLayer& l) {
  SlicedCounter(l).count();
}

}  // namespace bitwright

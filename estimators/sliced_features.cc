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
    const int64_t outputs = int64_t{g_.output.h} * g_.output.w * groups_;
    count_strips();
    add(Feature::kWindows, l_.windows());
    add(Feature::kPooledRows, int64_t{g_.output.h} * g_.pool.h);
    add(Feature::kPooledWindows, int64_t{g_.output.h} * g_.output.w * g_.pool.h);
    count_windows(l_.windows() * groups_);
    add(Feature::kSlicedOutputs, outputs);
  }

 private:
  void add(Feature feature, int64_t amount) { l_.add(feature, static_cast<double>(amount)); }

  void count_windows(int64_t windows) {
    const int64_t blocks = layout_.tables / 8, chunks = ceil_div(blocks, kSlicedTokens);
    const int64_t eights = ceil_div(blocks % kSlicedTokens, 8) + blocks / kSlicedTokens * (kSlicedTokens / 8);
    const int64_t high = layout_.planes - 9;  // planes behind those of every kernel
    add(Feature::kCounts, windows);
    add(Feature::kCountedChunks, windows * chunks);
    add(Feature::kCountedBlocks, windows * blocks);
    add(Feature::kTokenFills, windows * (ceil_div(blocks, 8) * 8 - blocks));
    add(Feature::kCarryEights, windows * eights);
    add(Feature::kHighPlanes, windows * chunks * high);
    add(Feature::kCarryPlanes, windows * eights * high);
  }

  void count_strips() {
    const int64_t rows = int64_t{g_.output.h} * g_.pool.h, step = int64_t{g_.pool.stride_w} * g_.kernel.stride_w;
    const int64_t region = int64_t{g_.pool.w - 1} * g_.kernel.stride_w + g_.kernel.w;
    const int64_t strips = ceil_div(g_.output.w, tile_);
    add(Feature::kStrips, rows * strips);
    add(Feature::kStripResults, int64_t{g_.output.h} * strips);
    int64_t inside = 0, all = 0, inside_rows = 0;
    for (const Clip& row : l_.rows) inside_rows += row.times * row.taps;
    for (int64_t strip = 0; strip < strips; ++strip) {
      const int64_t outputs = std::min(tile_, g_.output.w - strip * tile_);
      const int64_t first = strip * tile_ * step - g_.pad_left, end = first + (outputs - 1) * step + region;
      all += end - first;
      inside += std::max<int64_t>(std::min<int64_t>(end, g_.input.w) - std::max<int64_t>(first, 0), 0);
    }
    const int64_t pixels = inside_rows * inside;
    add(Feature::kStripColumns, rows * all);
    add(Feature::kStripPixels, pixels);
    add(Feature::kStripFields, pixels * ceil_div(g_.input.c, 24));
    add(Feature::kStripStores, pixels * ceil_div(g_.input.c, 12));
    add(Feature::kStripOutside, rows * g_.kernel.h * all - pixels);
    add(Feature::kOutsideCodes, (rows * g_.kernel.h * all - pixels) * layout_.triples);
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

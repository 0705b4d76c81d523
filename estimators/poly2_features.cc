// Convolution of 2-bit codes by polynomials: bw_conv2d_poly2.h.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include "estimators/counted_layer.h"

namespace bitwright {
namespace {

// Channels whose codes are a word.
constexpr int kWordChannels = 16;

int64_t ceil_div(int64_t n, int64_t unit) {
  return (n + unit - 1) / unit;
}

class Poly2Counter {
 public:
  explicit Poly2Counter(CountedLayer& layer)
      : l_(layer),
        g_(layer.g),
        steps_(poly_layout(layer.kernel).steps),
        rows_(int64_t{g_.output.h} * g_.pool.h),
        columns_(int64_t{g_.output.w - 1} * g_.pool.stride_w + g_.pool.w + g_.kernel.w - 1),
        pairs_(ceil_div(g_.out_channels, 2)) {}

  void count() {
    add(Feature::kPooledRows, rows_);
    add(Feature::kRowCarries, rows_ * pairs_);
    add(Feature::kTiles, rows_ * row_tiles());
    count_expansion();
    count_products();
    count_collection();
  }

 private:
  void add(Feature feature, int64_t amount) { l_.add(feature, static_cast<double>(amount)); }
  int64_t tile_columns() const { return int64_t{kPolyTile} * steps_; }
  int64_t row_tiles() const { return ceil_div(columns_, tile_columns()); }
  // Of a row: pairs of blocks that have a column.
  int64_t block_pairs() const {
    const int64_t whole = row_tiles() - 1;
    return whole * kPolyTile / 2 + ceil_div(columns_ - whole * tile_columns(), 2 * steps_);
  }

  void count_expansion() {
    const int64_t blocks = rows_ * 2 * block_pairs(), chunks = ceil_div(g_.input.c, kWordChannels);
    add(Feature::kTileBlocks, blocks);
    add(Feature::kBlockRows, blocks * g_.kernel.h);
    add(Feature::kBlockChunks, blocks * g_.kernel.h * chunks);
    add(Feature::kBlockGroups, blocks * g_.kernel.h * ceil_div(g_.input.c, 8));
    int64_t rows_inside = 0;
    for (const Clip& row : l_.rows) rows_inside += row.times * row.taps;
    const int64_t columns_inside = std::min<int64_t>(2 * block_pairs() * steps_ - g_.pad_left, g_.input.w);
    add(Feature::kInsideColumns, rows_inside * columns_inside * chunks);
  }

  void count_products() {
    add(Feature::kResultWords, rows_ * 2 * block_pairs() * ceil_div(g_.out_channels, 4));
    add(Feature::kChannelPairs, rows_ * row_tiles() * pairs_);
    add(Feature::kProductBlocks, rows_ * block_pairs() * pairs_);
    add(Feature::kProductSteps, rows_ * block_pairs() * pairs_ * g_.kernel.h * ceil_div(g_.input.c, 8));
  }

  // Tiles that end within a pooling window leave its part to be merged.
  int64_t open_windows() const {
    int64_t open = 0;
    for (int64_t tile = 1; tile <= row_tiles(); ++tile) {
      const int64_t windows = std::min(tile * tile_columns(), columns_) - (g_.kernel.w - 1);
      const int64_t phase = windows % g_.pool.stride_w;
      open += phase > 0 && phase < g_.pool.w;
    }
    return open;
  }

  // The share of fields of up to 16 channels that lie across two words.
  double crossing_share() const {
    const int64_t period = 16, groups = ceil_div(g_.out_channels, kWordChannels);
    int64_t crossings = 0;
    for (int64_t pixel = 0; pixel < period; ++pixel)
      for (int64_t channel = 0; channel < g_.out_channels; channel += kWordChannels) {
        const int64_t codes = std::min<int64_t>(kWordChannels, g_.out_channels - channel);
        crossings += (pixel * g_.out_channels + channel) % kWordChannels + codes > kWordChannels;
      }
    return static_cast<double>(crossings) / static_cast<double>(period * groups);
  }

  void count_collection() {
    const int64_t groups = ceil_div(g_.out_channels, kWordChannels);
    const int64_t windows = rows_ * g_.output.w * groups, merges = windows + rows_ * open_windows() * groups;
    const int64_t finished = int64_t{g_.output.h} * g_.output.w * groups;
    add(Feature::kCollections, rows_ * row_tiles() * groups);
    add(Feature::kCollected, rows_ * (columns_ - g_.kernel.w + 1) * groups);
    add(Feature::kMerges, merges);
    add(Feature::kStrides, windows);
    add(Feature::kFinished, finished);
    if (l_.spec.activations == Format::kTernary) add(Feature::kTernaryFinished, finished);
    l_.add(Feature::kCrossings, crossing_share() * static_cast<double>(merges));
  }

  CountedLayer& l_;
  const KernelGeometry& g_;
  int64_t steps_, rows_, columns_, pairs_;
};

}  // namespace

void count_poly2_kernel(CountedLayer& l) {
  Poly2Counter(l).count();
}

}  // namespace bitwright

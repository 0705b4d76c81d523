// Binary convolution by polynomials: bw_conv2d_poly.h.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include "estimators/counted_layer.h"

namespace bitwright {
namespace {

class PolyCounter {
 public:
  explicit PolyCounter(CountedLayer& layer)
      : l_(layer),
        g_(layer.g),
        steps_(poly_layout(layer.kernel).steps),
        rows_(int64_t{g_.output.h} * g_.pool.h),
        columns_(int64_t{g_.output.w - 1} * g_.pool.stride_w + g_.pool.w + g_.kernel.w - 1),
        pairs_(ceil_div(g_.out_channels, 2)) {}

  void count() {
    add(Feature::kPooledRows, rows_);
    add(Feature::kRowCarries, rows_ * pairs_);
    count_expansion();
    count_products();
    count_collection();
    if (g_.padding == Padding::kZero && has_border(g_)) count_border();
  }

 private:
  void add(Feature feature, int64_t amount) { l_.add(feature, static_cast<double>(amount)); }
  int64_t tile_columns() const { return int64_t{l_.poly_tile} * steps_; }
  int64_t row_tiles() const { return ceil_div(columns_, tile_columns()); }
  // Of a row: pairs of blocks that have a column.
  int64_t block_pairs() const {
    const int64_t whole = row_tiles() - 1;
    return whole * l_.poly_tile / 2 + ceil_div(columns_ - whole * tile_columns(), 2 * steps_);
  }

  void count_expansion() {
    const int64_t blocks = rows_ * 2 * block_pairs(), chunks = ceil_div(g_.input.c, 32);
    add(Feature::kTiles, rows_ * row_tiles());
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
    add(Feature::kResultWords, rows_ * 2 * block_pairs() * ceil_div(g_.out_channels, 8));
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

  void count_collection() {
    const int64_t groups = ceil_div(g_.out_channels, 32), pixels = int64_t{g_.output.h} * g_.output.w;
    const int64_t merges = rows_ * g_.output.w;
    add(Feature::kCollected, rows_ * (columns_ - g_.kernel.w + 1) * groups);
    add(Feature::kMerges, (merges + rows_ * open_windows()) * groups);
    add(Feature::kStrides, merges * groups);
    int64_t crossings = 0;  // of a period of pixels
    const int64_t period = std::min<int64_t>(32 / std::gcd(g_.out_channels, 32), pixels);
    for (int64_t pixel = 0; pixel < period; ++pixel)
      for (int64_t channel = 0; channel < g_.out_channels; channel += 32) {
        const int64_t bits = std::min<int64_t>(32, g_.out_channels - channel);
        crossings += (pixel * g_.out_channels + channel) % 32 + bits > 32;
      }
    l_.add(Feature::kCrossings,
           static_cast<double>(crossings) / static_cast<double>(period) * static_cast<double>(merges));
  }

  // Tiles with a window that lacks taps, and the windows that lack columns.
  void count_border() {
    int64_t outside_rows = 0;
    for (const Clip& row : l_.rows)
      if (row.taps < g_.kernel.h) outside_rows += row.times;
    for (int64_t tile = 0; tile < row_tiles(); ++tile) {
      const int64_t from = tile * tile_columns() + (tile == 0 ? g_.kernel.w - 1 : 0);
      const int64_t end = std::min((tile + 1) * tile_columns(), columns_);
      const int64_t first = g_.pad_left + g_.kernel.w - 1, last = g_.pad_left + g_.input.w;
      const int64_t left = std::clamp<int64_t>(first - from, 0, end - from);
      const int64_t right = std::clamp<int64_t>(end - std::max(last, from + left), 0, end - from - left);
      const int64_t times = pairs_ * (left > 0 || right > 0 ? rows_ : outside_rows);
      add(Feature::kBorderPairs, times);
      add(Feature::kBorderRows, times * g_.kernel.h);
      add(Feature::kBorderTaps, times * g_.kernel.h * g_.kernel.w);
      add(Feature::kBorderColumns, times * (left + right));
      add(Feature::kBorderJumps, left + right < end - from ? times : 0);
    }
  }

  CountedLayer& l_;
  const KernelGeometry& g_;
  int64_t steps_, rows_, columns_, pairs_;
};

}  // namespace

void count_poly_kernel(CountedLayer& l) {
  PolyCounter(l).count();
}

}  // namespace bitwright

// estimators/counted_layer.h: a layer as the counters of layer_features.h see it. Internal to estimators.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "core/kernel.h"
#include "core/network.h"
#include "estimators/layer_features.h"

namespace bitwright {

// The part of a window inside the map, along one dimension (bw_clip), and how many accumulators have it.
struct Clip {
  int64_t first = 0;  // of its taps
  int64_t taps = 0;
  int64_t times = 0;
};

struct CountedLayer {
  CountedLayer(const Network& of, int layer, const LayerShapes& shapes, const std::string& name,
               const LayerPart& part = {});

  void add(Feature feature, double amount) { features[static_cast<size_t>(feature)] += amount; }
  double at(Feature feature) const { return features[static_cast<size_t>(feature)]; }
  // True for kernels that compute all channels of a window.
  bool takes_windows() const { return has_scratch(kernel); }
  bool pools() const { return g.pool.h * g.pool.w > 1; }
  // Accumulators that the kernel visits: those of overlapping pooling windows as often as they lie in one.
  int64_t windows() const { return int64_t{g.output.h} * g.output.w * g.pool.h * g.pool.w; }
  // Calls visit(row clip, column clip, windows) for every kind of window.
  template <class Visit>
  void each_kind(Visit visit) const {
    for (const Clip& row : rows)
      for (const Clip& column : columns) visit(row, column, row.times * column.times);
  }
  bool is_whole(const Clip& row, const Clip& column) const {
    return row.taps == g.kernel.h && column.taps == g.kernel.w;
  }

  const Network& network;
  int index;
  const LayerSpec& spec;
  std::string kernel;
  int poly_tile;
  KernelGeometry g;
  Format input;
  std::vector<Clip> rows, columns;
  FeatureVector features{};
};

inline constexpr int64_t kWord = 32;  // bits

inline int64_t ceil_div(int64_t n, int64_t unit) {
  return (n + unit - 1) / unit;
}

// BW_SIGNED: the lowest code is negative, but not that of binary ones, whose bit is none.
inline bool has_sign(Format format) {
  return format != Format::kBinary && min_code(format) < 0;
}

// How many of `runs` runs of `bits` bits, one behind another, start within a word.
inline int64_t split_runs(int64_t runs, int64_t bits) {
  return runs - ceil_div(runs, kWord / std::gcd(bits, kWord));
}

// memset to zero of `words` words.
inline void count_clears(CountedLayer& l, double times, int64_t words) {
  l.add(Feature::kClearedBlocks, times * static_cast<double>(words / 4));
  l.add(Feature::kClearedWords, times * static_cast<double>(words % 4));
  if (words >= 4) l.add(Feature::kClearedLoops, times);
  if (words % 4 > 0) l.add(Feature::kClearedTails, times);
}

// bw_append: pieces, those that complete a word, those of them that are a word by themselves.
struct Appends {
  int64_t pieces = 0, completed = 0, whole = 0;
};
inline void count_appends(CountedLayer& l, const Appends& appends) {
  l.add(Feature::kAppends, static_cast<double>(appends.pieces));
  l.add(Feature::kSplitOutputs, static_cast<double>(appends.completed - appends.whole));
  l.add(Feature::kWholeAppends, static_cast<double>(appends.whole));
  l.add(Feature::kTurns, static_cast<double>(std::min(appends.completed, appends.pieces - appends.completed)));
}

// Every channel's row, or that of several channels: `rows` of `blocks` blocks.
inline void count_blocks(CountedLayer& l, double rows, int64_t blocks) {
  l.add(Feature::kBlocks, rows * static_cast<double>(blocks));
  if (blocks > 0) l.add(Feature::kBlockLoops, rows);
  if (blocks > 1) l.add(Feature::kLongLoops, rows);
}

// Parts of a window kernel.
void count_halves(CountedLayer& layer, const std::string& types);  // halves_features.cc
void count_finish(CountedLayer& layer);                            // finish_features.cc

// One per family of kernels; outputs and epilogue are counted by layer_features().
void count_window_kernel(CountedLayer& layer);     // window_features.cc: bits, bytes and floats; calls those above
void count_depthwise_kernel(CountedLayer& layer);  // depthwise_features.cc: its windows
void count_poly_kernel(CountedLayer& layer);       // poly_features.cc
void count_poly2_kernel(CountedLayer& layer);      // poly2_features.cc
void count_sliced_kernel(CountedLayer& layer);     // sliced_features.cc
void count_product_kernel(CountedLayer& layer);    // product_features.cc: codes one by one

}  // namespace bitwright

// core/kernel.h: which C kernels can run a layer, and the memory each needs: known before training, exact to the byte,
// shared by the estimates, the choice of kernels and the emitter.
//
// Names: a1, at, a8, a16, ax: binary inputs, ternary ones, codes of at most 8 or 16 bits, any; w likewise for weights.
// `_to_f32`: integer accumulators, float32 output; `_f32`: accumulates in float32. Dense is a convolution over a 1x1
// map. The C function is bw_ + the name, in the file of that name.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/network.h"

namespace bitwright {

// A kernel for every layer; empty for Flatten, which moves nothing.
using Kernels = std::vector<std::string>;

// Every kernel that can run the layer, first the one that is good on any core; never empty but for Flatten.
//   conv2d_a1w1, a1wt, atw1, atwt, a8w1, a16w1, a16w2, a16w4, a16w8   gather a patch, all channels at once
//   conv2d_a16w8_few            bytes to binary, windows of at most six codes in registers: first layers of signals
//   conv2d_a1w1_poly5, _poly4   binary to binary by polynomials (deploy/runtime/bw_conv2d_poly.h): fast, large weights
//   conv2d_a1w1_sliced          binary to binary, counted for 32 channels at once (deploy/runtime/bw_conv2d_sliced.h)
//   conv2d_a2w4_poly4, _poly3   2-bit codes to 2-bit codes by polynomials (deploy/runtime/bw_conv2d_poly2.h), weights
//   of up
//                               to 4 bits
//   dense_a16w2, w4, w8         the same over one window
//   part_a8w1, part_a16w1 ...    part of a dense layer's sums, in streams (core/stream_plan.h); not in kernels_for()
//   conv2d_axwx                 any integers, one product at a time: slow, smallest scratch memory
//   conv2d_wf32                 float weights, without pooling
//   depthwise_a1w1              32 channels of a window at once, as bits
//   depthwise_a8w8, a16w8       all channels of a window at once
//   depthwise_axwx              as conv2d_axwx
//   sum_pool, add, log_variance, max_pool, upsample, and those in floating point
// Throws StructureError where a height, width, window or stride exceeds 65535.
std::vector<std::string> kernels_for(const Network& network, int layer);
// The first of them, or empty.
std::string kernel_of(const Network& network, int layer);
Kernels default_kernels(const Network& network);

// "a8w1" of "conv2d_a8w1_to_f32"; empty where the name has no types.
std::string kernel_types(const std::string& kernel);
// What adds up part of a dense layer at a time, at the end of a stream (core/stream_plan.h).
const std::vector<std::string>& part_kernels();
// True for kernels whose weights lie in rows of whole words: all convolutions of integers but axwx.
bool has_weight_rows(const std::string& kernel);
// True for kernels that work in memory of their own.
bool has_scratch(const std::string& kernel);
// Whether a call of it takes an epilogue: it has accumulators.
bool has_epilogue(const std::string& kernel);
// add, sum_pool, and those with float32 outputs: pixels of packed codes are added up.
bool sums_codes(const std::string& kernel);
// depthwise_a1w1, a8w8, a16w8: weights in groups of 32 or four channels.
bool is_depthwise(const std::string& kernel);
// All kernels that multiply polynomials, and those of 2-bit codes: conv2d_a2w4_poly4, _poly3.
bool is_poly(const std::string& kernel);
bool is_poly2(const std::string& kernel);
// conv2d_a1w1_sliced.
bool is_sliced(const std::string& kernel);
// conv2d_a16w8_few.
bool is_few(const std::string& kernel);

// A layer as its kernel sees it. A signal {n, 1, c} is a map of one row, {1, n, c}: in memory they are the same.
struct KernelGeometry {
  Shape input, output;  // output: after pooling
  Window kernel, pool;  // 1x1 where there is none; the kernel of an upsampling is its block
  Padding padding = Padding::kValid;
  int pad_top = 0, pad_left = 0;
  int out_channels = 1;
  int64_t taps() const { return int64_t{kernel.h} * kernel.w * input.c; }  // codes in a window, all channels
};
KernelGeometry kernel_geometry(const LayerSpec& spec, const LayerShapes& shapes);
// True where some window reaches beyond the map.
bool has_border(const KernelGeometry& geometry);

// Bytes of the C structs on a 32-bit core (deploy/runtime/bw_kernels.h).
inline constexpr int64_t kLayerBytes = 48;
inline constexpr int64_t kEpilogueBytes = 24;
inline constexpr int64_t kFloatEpilogueBytes = 20;
inline constexpr int64_t kPolyBytes = 20;
inline constexpr int64_t kPoly2Bytes = 16;
inline constexpr int64_t kSlicedBytes = 16;

// Codes of a long window that are gathered at a time (BW_CHUNK).
inline constexpr int64_t kChunk = 128;
// Words of bits that conv2d_a1w1 folds at a time (BW_FOLDED).
inline constexpr int64_t kFoldedWords = 64;
// Taps that depthwise_a1w1 can count.
inline constexpr int kCountedTaps = 31;
// Blocks of columns that a polynomial convolution multiplies at a time; fewer in a stream, where memory counts.
inline constexpr int kPolyTile = 8;
inline constexpr int kStreamPolyTile = 4;

// Columns in a word of a polynomial kernel and bits of each.
struct PolyLayout {
  int steps = 5, slot = 7;
};
PolyLayout poly_layout(const std::string& kernel);

// Taps that a window can have before the map and behind it, along one dimension.
struct SlicedCuts {
  int before = 0, behind = 0;
  int count() const { return before + 1 + behind; }
};
// Of conv2d_a1w1_sliced: tables a pixel, a table for three input channels; tables of a window, a multiple of eight;
// counters; how windows are cut at a border that is skipped.
struct SlicedLayout {
  int64_t triples = 1, tables = 8;
  int planes = 9;
  SlicedCuts rows, columns;
};
SlicedLayout sliced_layout(const KernelGeometry& geometry);
// Outputs whose input columns conv2d_a1w1_sliced expands at a time.
int64_t sliced_tile(const KernelGeometry& geometry, int64_t poly_tile);
inline constexpr int64_t kSlicedTableWords = 16, kSlicedTokens = 16;

// Codes of a window that conv2d_a16w8_few keeps in registers.
inline constexpr int64_t kFewCodes = 6;

// 32-bit words of one output channel's weights in the kernel's layout (core/packing.h); of the polynomial kernels, the
// words of two, of the depthwise and the sliced ones, of a group.
int64_t weight_row_words(const KernelGeometry& geometry, const std::string& kernel);
// How the weights of a layer lie in flash.
int64_t weight_bytes(const Network& network, int layer, const std::string& kernel);
// True where thresholds are int16: every accumulator and one step beyond fit. Else they are int32.
bool has_narrow_thresholds(const Network& network, int layer);
// Bytes of the epilogue's tables: kRaw 4 per biased channel; kThreshold the thresholds and a direction bit per
// channel; kRequantize 4 + 8 + 1 per channel; kFloat 8 per channel. Each table is whole words.
int64_t table_bytes(const Network& network, int layer, const std::string& kernel);
// All read-only data of a layer: descriptors, weights and tables, on a 32-bit core. A multiple of 4.
int64_t constant_bytes(const Network& network, int layer, const std::string& kernel);
// Memory that the kernel works in, beside its input and output; in the arena while the layer runs. A multiple of 4.
// poly_tile: blocks that a polynomial kernel multiplies at a time.
int64_t scratch_bytes(const Network& network, int layer, const std::string& kernel, int poly_tile = kPolyTile);
// Of every layer, for plan_memory.
std::vector<int64_t> scratch_bytes(const Network& network, const Kernels& kernels, int poly_tile = kPolyTile);

// Columns of a flattened map of `channels` codes of `bits` bits that a part_ kernel takes at a time: at least 4, whole
// words of the map and of the weights.
int part_columns(int channels, int bits);

// Files of deploy/runtime that a package with these kernels holds, sorted: "bw_bits.h", "bw_conv2d_a1w1.c", ...
std::vector<std::string> runtime_files(const Kernels& kernels);

}  // namespace bitwright

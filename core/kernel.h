// core/kernel.h: which C kernel runs a layer, and the read-only bytes it needs: known before training, exact to the
// byte, shared by the flash estimate and the emitter.
//
// Names: a1, at, a8, ax: binary, ternary, 8-bit, any input; w likewise for weights. `_to_f32`: integer accumulators,
// float32 output; `_f32`: accumulates in float32. Dense is a convolution over a 1x1 map.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/network.h"

namespace bitwright {

// "conv2d_a1w1", "conv2d_a1wt", "conv2d_atwt", "conv2d_a8w8", "conv2d_a8w1", "conv2d_axwx", "depthwise", "sum_pool",
// "add", "log_variance", each also with "_to_f32"; "max_pool", "upsample"; "conv2d_f32", "depthwise_f32",
// "sum_pool_f32", "add_f32", "log_variance_f32", "max_pool_f32". Empty for Flatten, which moves nothing. The C function
// is bw_ + this, in the file of that name.
// Throws StructureError where a height, width, window or stride exceeds 65535.
std::string kernel_of(const Network& network, int layer);

// Bytes of the C structs on a 32-bit core (deploy/runtime/bw_kernels.h).
inline constexpr int64_t kLayerBytes = 48;
inline constexpr int64_t kEpilogueBytes = 24;
inline constexpr int64_t kFloatEpilogueBytes = 20;

// How the weights of a layer lie in flash: packed_bytes of its format, whole words; conv2d_a1wt keeps its ternary
// weights as two bit planes.
int64_t weight_bytes(const Network& network, int layer);
// True where thresholds are int16: every accumulator and one step beyond fit. Else they are int32.
bool has_narrow_thresholds(const Network& network, int layer);
// Bytes of the epilogue's tables: kRaw 4 per biased channel; kThreshold the thresholds and a direction bit per
// channel; kRequantize 4 + 8 + 1 per channel; kFloat 8 per channel. Each table is whole words.
int64_t table_bytes(const Network& network, int layer);
// All read-only data of a layer: descriptors, weights and tables, on a 32-bit core. A multiple of 4.
int64_t constant_bytes(const Network& network, int layer);

// Files of deploy/runtime that a package of this network holds, sorted: "bw_bits.h", "bw_conv2d_a1w1.c", ...
std::vector<std::string> runtime_files(const Network& network);

}  // namespace bitwright

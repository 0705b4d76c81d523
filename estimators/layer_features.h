// estimators/layer_features.h: how often each part of a layer's C kernel runs. Trip counts are static, so these are
// known from shapes and formats alone, and instructions and cycles are linear in them (cost_table.h).
// Follows deploy/runtime (bw_driver.h, bw_accumulate.h, bw_dot.h, bw_epilogue.c, bw_float.h, bw_upsample.c).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "core/network.h"

namespace bitwright {

enum class Feature : size_t {
  kCall,           // 1
  kRows,           // output rows
  kPositions,      // output pixels
  kOutputWords,    // 32-bit words written
  kSingleOutputs,  // output elements of a layer that does not pool
  kPooledOutputs,  // of one that does: each looks its windows up anew ...
  kPooledSums,     // ... sums of a pooling window after its first ...
  kPooledRows,     // ... and rows of it after its first
  // Of a convolution's sums; of an upsampling, whose runs are its output pixels: words of them and what is left over.
  kRuns,         // runs of contiguous codes: kernel rows inside the map; of a1w1 the unaligned ones
  kAlignedRuns,  // of a1w1: those where input and weights start a word
  kWordRuns,     // runs of at least a word: 32 codes, or 16 if ternary; aligned ones apart
  kAlignedWordRuns,
  kWords,  // whole words of the runs; aligned ones apart
  kAlignedWords,
  kTails,            // runs with codes left over
  kChunks,           // runs of at most 32 codes within a run (a8w1)
  kProducts,         // codes multiplied one by one
  kSignedProducts,   // instead, of a8w8 with signed inputs
  kConvertedInputs,  // integer operands turned into floats
  kConvertedWeights,
  // Of an upsampling.
  kInputRows,
  kInputPixels,  // once for every output row
  // Of kernels that walk their whole window.
  kWindowRows,
  kWindowTaps,
  kSkippedTaps,
  kPaddedProducts,
  // Of a border that is not zero.
  kBorderCalls,
  kBorderWindows,
  kBorderRows,
  kBorderTaps,
  kBorderElements,
  kBorderOutside,
  // Outputs by epilogue.
  kRawOutputs,
  kBiasedOutputs,
  kBinaryOutputs,
  kThresholdOutputs,
  kThresholds,
  kWideThresholdOutputs,
  kWideThresholds,
  kRequantizedOutputs,
  kRealOutputs,
  kReluOutputs,
  kSignOutputs,
  kQuantizedOutputs,
  kCount
};
inline constexpr size_t kFeatures = static_cast<size_t>(Feature::kCount);
// "accumulators", "aligned_words", ...
std::string_view feature_name(Feature feature);

using FeatureVector = std::array<double, kFeatures>;

// layer: index; shapes: infer_shapes(network); kernel: of kernels_for(). All zero for Flatten.
FeatureVector layer_features(const Network& network, int layer, const LayerShapes& shapes, const std::string& kernel);

}  // namespace bitwright

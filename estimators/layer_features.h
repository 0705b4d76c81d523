// estimators/layer_features.h: how often each part of a layer's C kernel runs. Trip counts are static, so these are
// known from shapes and formats alone; instructions are linear in them, and cycles, but for branches that a core
// predicts (cost_table.h).
// Every family of kernels uses some of them and leaves the others 0; the counters follow deploy/runtime.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "core/kernel.h"
#include "core/network.h"

namespace bitwright {

enum class Feature : size_t {
  // Every kernel.
  kCall,           // 1
  kRows,           // output rows
  kPositions,      // output pixels
  kOutputWords,    // 32-bit words written
  kWholeOutputs,   // outputs of 32 bits; of window kernels kWholeAppends are counted instead
  kPixelLoops,     // pixels of several channels, where a kernel takes them one by one
  kSingleOutputs,  // output elements of a layer that does not pool; of window kernels those are in the sums below
  kPooledOutputs,  // of one that does
  kPooledSums,     // sums of a pooling window after its first
  kPooledRows,     // and rows of it after its first; of window kernels once a pixel, of others once an output

  // Window kernels: bw_pixels.c. A pass is a gathered window with its sums; a skipped border takes two.
  kWindows,
  kPooledWindows,  // of a layer that pools
  kPasses,
  kPaddedWindows,  // of a layer whose border is +1 or -1 ...
  kOnePaddedWindows,   // ... or +1
  kZeroPaddedWindows,  // of bits whose border is skipped, if there is one
  kPairs,          // windows taken two at a time, the odd one too
  kHalved,         // sums that are the mean of two passes
  kFinishGroups,   // groups of up to 32 binary outputs of a pixel, thresholds of 16 bits ...
  kWideFinishGroups,  // ... and of 32

  // How windows are gathered: bw_gather_bits.h, bw_gather_bytes.h, bw_convolve_halves.h.
  kContiguous,  // windows that are one run of the map ...
  kAligned,     // ... and start a word of it ...
  kInPlace,     // ... and are read there; the others are gathered
  kGathers,
  kGatheredRows,    // kernel rows inside the map; of halves, once a chunk
  kOutsideRows,     // above or below it
  kRuns,            // runs of contiguous codes
  kRunPieces,       // words of a run, or parts of them
  kRunCodes,        // codes one by one
  kFills,           // stretches of border: a row, or in a row ...
  kLeftFills,       // ... on its left side ...
  kRightFills,      // ... or its right
  kZeroFillPieces,  // words of them, or parts of words
  kOneFillPieces,
  kFillCodes,
  kFlushes,         // words completed ...
  kAlignedFlushes,  // ... by a piece that was a word
  kLastWords,       // windows, or maps, that end within a word
  kClearedWords,
  kClearedBlocks,  // of four words
  kClearedTails,   // runs of words to be cleared that have some behind the blocks ...
  kClearedLoops,   // ... and that have a block
  kBinaryRuns,

  // Halves: bw_gather_halves.h. Codes go in groups of four where a group of the window is full, else one by one.
  kCodeGroups,        // of codes of less than 8 bits
  kByteGroups,        // of unsigned bytes ...
  kSignedByteGroups,  // ... and of signed ones
  kWideGroups,        // of codes of more than 8 bits, which are taken one by one all the same
  kGroupLoops,        // runs of bytes that have a group
  kByteRuns,
  kByteCodes,  // bytes one by one
  kByteTails,  // runs that end with some
  kTailCodes,  // the same of other codes
  kSignedRuns,
  kUnsignedRuns,
  kCutRuns,    // rows that start before the part, or with it
  kEndedRuns,  // rows that end behind it, or with it
  kFillTails,  // border windows that end with codes one by one
  kOverlaps,   // pairs of windows that share what they gather
  kPads,       // parts filled up to whole words of weights
  kPadGroups,
  kPadCodes,

  // Their sums: bw_accumulate_*.h. A part is what is summed up at a time.
  kParts,
  kLoopParts,    // with such a loop of two or four channels
  kLongParts,    // with several turns of it
  kPartBlocks,   // work on a part that serves all channels
  kChannels,     // of a part; where a loop takes two or four at a time, those loops
  kOddChannels,  // what these leave over
  kOddBlocks,    // their words
  kBlocks,       // of each channel's row, or two or four channels'
  kBlockLoops,   // rows that have a block
  kLongLoops,    // several blocks
  kSignedParts,  // the same of signed bytes
  kSignedChannels,
  kSignedOddChannels,
  kSignedBlocks,
  kSignedBlockLoops,
  kEvenRows,  // rows with no word left over ...
  kOdd1,  // ... with one
  kOdd2,  // ... two
  kOdd3,
  kOdd4,
  kSetWords,     // rows of one word whose sums are set
  kSingleWords,  // rows of one word
  kTwoWords,     // ... and of two, three and five, which a1w1 has code for
  kThreeWords,
  kFiveWords,
  kSetParts,
  kSingleParts,  // parts of one word
  kTwoParts,     // ...
  kThreeParts,
  kFiveParts,
  kFoldedOdd,     // parts with up to three words left over to fold ...
  kFoldedTwos,    // ... at least two
  kFoldedThrees,  // ... three
  kFoldLoops,     // parts with at least four
  kRestWords,     // words left over, one by one
  kRestLoops,     // rows that have some ...
  kLongRests,     // ... in several turns
  kSignedRestWords,
  kSignedRestLoops,
  kFewParts,  // those of bw_few_w8 apart
  kFewChannels,

  // Polynomial kernels: bw_conv2d_poly.h, and bw_conv2d_poly2.h, whose groups of codes are half as many channels.
  kRowCarries,  // pairs of channels, of a row of accumulators
  kTiles,
  kTileBlocks,     // blocks of columns ...
  kBlockRows,      // ... times kernel rows ...
  kBlockChunks,    // ... times groups of up to 32 channels ...
  kBlockGroups,    // ... of 8
  kInsideColumns,  // columns of those chunks inside the map
  kResultWords,
  kChannelPairs,   // of a tile
  kProductBlocks,  // pairs of blocks that they are multiplied with
  kProductSteps,   // eights
  kBorderPairs,    // channel pairs of tiles at a border that is skipped
  kBorderRows,     // kernel rows of these
  kBorderTaps,
  kBorderColumns,  // windows compared anew
  kBorderJumps,    // over those that do not
  kCollected,      // columns of windows, in groups of up to 32 channels
  kMerges,         // pixels merged
  kCrossings,      // those that lie across two words
  kStrides,
  kCollections,      // of 2-bit codes: groups of up to 16 channels, times tiles
  kFinished,         // ... times pixels whose counts become codes
  kTernaryFinished,  // ... ternary ones

  // Bit slices: bw_conv2d_sliced.h.
  kStrips,        // of every row of accumulators
  kStripResults,  // of every row of outputs
  kStripColumns,
  kStripPixels,    // pixels of the map that are expanded to codes ...
  kStripFields,    // ... times groups of up to 24 channels ...
  kStripStores,    // ... of 12
  kStripOutside,   // pixels beside the map ...
  kOutsideCodes,   // ... and their codes
  kCounts,         // windows, times groups of up to 32 output channels
  kCountedChunks,  // of up to 16 blocks
  kCountedBlocks,  // of eight tables
  kTokenFills,     // zeros that fill up eights of carries
  kCarryEights,    // those eights
  kHighPlanes,     // planes behind the ninth, of chunks ...
  kCarryPlanes,    // ... and of eights
  kSlicedOutputs,  // words

  // Kernels that take codes one by one: bw_dot.h, bw_accumulate.h, bw_float.h, bw_upsample.c. Of a convolution's
  // sums; of an upsampling, whose runs are its output pixels: words of them and what is left over.
  kWordRuns,         // runs of at least a word
  kWords,            // whole words of the runs
  kTails,            // runs with codes left over
  kProducts,         // codes multiplied one by one
  kLongRuns,         // runs of several codes or words
  kSumLoops,         // sums of several runs; rows of several pixels
  kConvertedInputs,  // integer operands turned into floats
  kConvertedWeights,
  kWordFields,       // codes that a word holds
  kInputRows,
  kInputPixels,  // once for every output row
  kWindowRows,   // of kernels that walk their whole window
  kWindowTaps,
  kLongWindowRows,
  kWindowLoops,  // sums over several rows; pixels copied several times in a row
  kTurns,        // taps inside or outside, tails or outputs that complete a word or not: whichever are fewer
  kSkippedTaps,
  kPaddedProducts,
  kBorderCalls,  // of a border that is not zero: bw_border.c
  kBorderWindows,
  kBorderElements,
  kBorderOutside,

  // Outputs by epilogue.
  kRawOutputs,
  kBiasedOutputs,
  kBinaryOutputs,
  kWideBinaryOutputs,  // of a window kernel, thresholds of 32 bits
  kAppends,        // pieces that bw_append takes ...
  kSplitOutputs,   // ... of which these complete a word and go on in the next
  kWholeAppends,   // ... and these are a word by themselves
  kRests,          // the same of what is left over of a pixel's words ...
  kSplitRests,     // ... and completes a word
  kBinaryPixels,   // whose bits a window kernel finds by thresholds of 16 bits ...
  kWideBinaryPixels,  // ... and of 32
  kBytePixels,     // of requantized bytes ...
  kUnsignedBytePixels,  // ... that are unsigned ...
  kFourPixels,        // ... that have four at once ...
  kRequantizedFours,  // ... those fours, in place of kRequantizedOutputs ...
  kSlowPixels,        // ... or not, as a shift is below 32
  kSlowRequantized,   // outputs of such shifts, in place of kRequantizedOutputs
  kRawPixels,         // of sums that are bytes as they are ...
  kSplitPixels,       // ... and start within a word ...
  kRawFours,          // ... four at once, in place of kRawOutputs, where the pixel starts a word ...
  kSplitFours,        // ... and where it starts within one
  kThresholdPixels,   // of codes that a window kernel finds by thresholds of 16 bits ...
  kTernaryOutputs,    // ... between two ...
  kFourLevels,        // ... or three, ...
  kEightLevels,
  kSixteenLevels,
  kCodePixels,        // whose outputs are finished one by one, requantized ...
  kSumPixels,         // ... or not
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
// "call", "output_words", ...
std::string_view feature_name(Feature feature);

using FeatureVector = std::array<double, kFeatures>;

// What of a layer's map one call of its kernel does: all, or of a signal a run of columns that no border touches, as a
// stream does them (core/stream_plan.h).
struct LayerPart {
  int columns = 0;            // outputs of the run; 0: the whole map
  int poly_tile = kPolyTile;  // blocks that a polynomial kernel multiplies at a time
};

// layer: index; shapes: infer_shapes(network); kernel: of kernels_for(). All zero for Flatten.
FeatureVector layer_features(const Network& network, int layer, const LayerShapes& shapes, const std::string& kernel,
                             const LayerPart& part = {});

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "estimators/layer_features.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "core/kernel.h"

namespace bitwright {
namespace {

FeatureVector features_of(const Network& network, int layer, const std::string& kernel) {
  return layer_features(network, layer, infer_shapes(network)[static_cast<size_t>(layer)], kernel);
}
FeatureVector features_of(const Network& network, int layer) {
  return features_of(network, layer, kernel_of(network, layer));
}
double get(const FeatureVector& f, Feature feature) {
  return f[static_cast<size_t>(feature)];
}

Network one_layer(Shape input, Format input_format, LayerSpec layer) {
  Network n;
  n.input = input;
  n.input_format = input_format;
  layer.name = "layer";
  append(n, layer);
  return n;
}

TEST(LayerFeatures, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (size_t f = 0; f < kFeatures; ++f) names.insert(feature_name(static_cast<Feature>(f)));
  EXPECT_EQ(names.size(), kFeatures);
}

LayerSpec convolution(int channels, Window kernel, Padding padding, Format weights, Format activations) {
  LayerSpec layer;
  layer.op = Conv2d{channels, kernel, padding};
  layer.weights = weights;
  layer.activations = activations;
  return layer;
}

// The bearing network's second layer: 596 windows of 5 pixels of 32 bits, of which two at each end lack taps. A border
// that is skipped takes two passes; windows inside are words of the map and are read there.
TEST(LayerFeatures, OfABinary1dConvolutionAreCountedByHand) {
  const LayerSpec layer = convolution(32, {5, 1}, Padding::kZero, Format::kBinary, Format::kBinary);
  const FeatureVector f = features_of(one_layer({596, 1, 32}, Format::kBinary, layer), 0, "conv2d_a1w1");
  EXPECT_EQ(get(f, Feature::kPositions), 596);
  EXPECT_EQ(get(f, Feature::kOutputWords), 596);
  EXPECT_EQ(get(f, Feature::kWindows), 596);
  EXPECT_EQ(get(f, Feature::kPasses), 592 + 2 * 4);
  EXPECT_EQ(get(f, Feature::kHalved), 4 * 32);
  EXPECT_EQ(get(f, Feature::kInPlace), 592);
  EXPECT_EQ(get(f, Feature::kGathers), 8);
  EXPECT_EQ(get(f, Feature::kRunPieces), 2 * 2 * (3 + 4));   // words
  EXPECT_EQ(get(f, Feature::kZeroFillPieces), 2 * (2 + 1));  // once as -1 ...
  EXPECT_EQ(get(f, Feature::kOneFillPieces), 2 * (2 + 1));   // ... and once as +1
  EXPECT_EQ(get(f, Feature::kFlushes), 8 * 5);
  EXPECT_EQ(get(f, Feature::kAlignedFlushes), 8 * 5);
  EXPECT_EQ(get(f, Feature::kLastWords), 0);
  EXPECT_EQ(get(f, Feature::kParts), 600);
  EXPECT_EQ(get(f, Feature::kFiveParts), 600);
  EXPECT_EQ(get(f, Feature::kFiveWords), 600 * 32);
  EXPECT_EQ(get(f, Feature::kFoldedOdd), 600);  // 5 words: one and four
  EXPECT_EQ(get(f, Feature::kFoldLoops), 600);
  EXPECT_EQ(get(f, Feature::kBlocks), 0);
  EXPECT_EQ(get(f, Feature::kFinishGroups), 596);
  EXPECT_EQ(get(f, Feature::kSplitOutputs), 0);  // each fills its word
  EXPECT_EQ(get(f, Feature::kBinaryOutputs), 596 * 32);
}

// 51 words are six eights, two and one.
TEST(LayerFeatures, OfALongBinaryDenseLayerAreItsWords) {
  LayerSpec layer;
  layer.op = Dense{3};
  layer.weights = Format::kBinary;
  const FeatureVector f = features_of(one_layer({1, 1, 1630}, Format::kBinary, layer), 0, "conv2d_a1w1");
  EXPECT_EQ(get(f, Feature::kInPlace), 1);
  EXPECT_EQ(get(f, Feature::kGathers), 0);
  EXPECT_EQ(get(f, Feature::kChannels), 3);
  EXPECT_EQ(get(f, Feature::kBlocks), 3 * 6);
  EXPECT_EQ(get(f, Feature::kOdd1), 3);
  EXPECT_EQ(get(f, Feature::kOdd2), 3);
  EXPECT_EQ(get(f, Feature::kOdd4), 0);
  EXPECT_EQ(get(f, Feature::kAppends), 3);       // int32 accumulators ...
  EXPECT_EQ(get(f, Feature::kSplitOutputs), 0);  // ... fill their words
}

// 150 codes are a part of 128 and one of 22, which takes two words of 16 weights; five channels are two pairs and one.
TEST(LayerFeatures, OfALongDenseLayerOfSmallCodesAreItsParts) {
  LayerSpec layer;
  layer.op = Dense{5};
  layer.weights = Format::kTernary;
  const FeatureVector f = features_of(one_layer({1, 1, 150}, Format::kInt8, layer), 0, "dense_a16w2");
  EXPECT_EQ(get(f, Feature::kParts), 2);
  EXPECT_EQ(get(f, Feature::kSignedByteGroups), 32 + 5);
  EXPECT_EQ(get(f, Feature::kByteCodes), 2);
  EXPECT_EQ(get(f, Feature::kByteTails), 1);
  EXPECT_EQ(get(f, Feature::kPads), 1);  // 22 codes up to 32: two, then eight
  EXPECT_EQ(get(f, Feature::kPadCodes), 2);
  EXPECT_EQ(get(f, Feature::kPadGroups), 2);
  EXPECT_EQ(get(f, Feature::kLoopParts), 2);
  EXPECT_EQ(get(f, Feature::kChannels), 2 * 2);
  EXPECT_EQ(get(f, Feature::kBlocks), 2 * (8 + 2));
  EXPECT_EQ(get(f, Feature::kOddChannels), 2);
  EXPECT_EQ(get(f, Feature::kOddBlocks), 8 + 2);
}

// Two windows at once, of eleven, five codes each: bw_few_w8.
TEST(LayerFeatures, OfFiveSamplesTimesBytesAreKeptInRegisters) {
  const LayerSpec layer = convolution(7, {5, 1}, Padding::kValid, Format::kInt8, Format::kBinary);
  const FeatureVector f = features_of(one_layer({15, 1, 1}, Format::kInt8, layer), 0, "conv2d_a16w8");
  EXPECT_EQ(get(f, Feature::kPairs), 6);
  EXPECT_EQ(get(f, Feature::kFewParts), 6);
  EXPECT_EQ(get(f, Feature::kFewChannels), 6 * 7);
  EXPECT_EQ(get(f, Feature::kParts), 0);
  EXPECT_EQ(get(f, Feature::kSignedByteGroups), 11);
  EXPECT_EQ(get(f, Feature::kByteCodes), 11);
  EXPECT_EQ(get(f, Feature::kPadCodes), 11 * 3);
}

// Nine windows of a pixel are four pairs, whose 64 codes are one run, and one.
TEST(LayerFeatures, WindowsSideBySideAreGatheredTogether) {
  const LayerSpec layer = convolution(3, {1, 1}, Padding::kValid, Format::kInt4, Format::kBinary);
  const FeatureVector f = features_of(one_layer({9, 1, 32}, Format::kUint4, layer), 0, "conv2d_a16w4");
  EXPECT_EQ(get(f, Feature::kPairs), 5);
  EXPECT_EQ(get(f, Feature::kOverlaps), 4);
  EXPECT_EQ(get(f, Feature::kGathers), 5);
  EXPECT_EQ(get(f, Feature::kCodeGroups), 4 * 16 + 8);
  EXPECT_EQ(get(f, Feature::kParts), 5);
}

// Four windows of 36 bytes: nine words, of which eight are a block. Signed ones have code of their own.
TEST(LayerFeatures, OfBytesTimesBitsAreEightsOfWords) {
  const LayerSpec layer = convolution(3, {3, 1}, Padding::kValid, Format::kBinary, Format::kBinary);
  const FeatureVector f = features_of(one_layer({6, 1, 12}, Format::kInt8, layer), 0, "conv2d_a8w1");
  EXPECT_EQ(get(f, Feature::kInPlace), 4);
  EXPECT_EQ(get(f, Feature::kSignedChannels), 4 * 2);
  EXPECT_EQ(get(f, Feature::kSignedOddChannels), 4);
  EXPECT_EQ(get(f, Feature::kSignedBlocks), 4 * 2);
  EXPECT_EQ(get(f, Feature::kSignedRestWords), 4 * 2);
  EXPECT_EQ(get(f, Feature::kChannels), 0);  // those of unsigned ones
}

// 100 windows of 5 columns are 104 columns: two tiles of 40 and one of 24, which takes 3 pairs of blocks of 5 columns.
TEST(LayerFeatures, OfAPolynomialConvolutionAreItsTilesAndBlocks) {
  LayerSpec layer = convolution(34, {5, 1}, Padding::kZero, Format::kBinary, Format::kBinary);
  layer.pool = Window{4, 1, 4, 1};
  const FeatureVector f = features_of(one_layer({100, 1, 40}, Format::kBinary, layer), 0, "conv2d_a1w1_poly5");
  EXPECT_EQ(get(f, Feature::kTiles), 3);
  EXPECT_EQ(get(f, Feature::kTileBlocks), 8 + 8 + 6);
  EXPECT_EQ(get(f, Feature::kBlockChunks), 22 * 2);
  EXPECT_EQ(get(f, Feature::kBlockGroups), 22 * 5);
  EXPECT_EQ(get(f, Feature::kInsideColumns), 100 * 2);
  EXPECT_EQ(get(f, Feature::kChannelPairs), 3 * 17);
  EXPECT_EQ(get(f, Feature::kProductBlocks), 11 * 17);
  EXPECT_EQ(get(f, Feature::kProductSteps), 11 * 17 * 5);
  EXPECT_EQ(get(f, Feature::kCollected), 100 * 2);
  EXPECT_EQ(get(f, Feature::kStrides), 25 * 2);
  EXPECT_EQ(get(f, Feature::kBorderPairs), 2 * 17);    // the first tile and the last
  EXPECT_EQ(get(f, Feature::kBorderColumns), 4 * 17);  // two windows at each end
}

// 25 outputs are six strips of four, with 20 columns, and one of a single output, with 8; two columns lie before the
// map and two behind it. 40 channels are 14 tables a pixel, 70 a window, filled up to nine blocks of eight.
TEST(LayerFeatures, OfASlicedConvolutionAreItsStripsAndBlocks) {
  LayerSpec layer = convolution(34, {5, 1}, Padding::kZero, Format::kBinary, Format::kBinary);
  layer.pool = Window{4, 1, 4, 1};
  const FeatureVector f = features_of(one_layer({100, 1, 40}, Format::kBinary, layer), 0, "conv2d_a1w1_sliced");
  EXPECT_EQ(get(f, Feature::kStrips), 7);
  EXPECT_EQ(get(f, Feature::kStripColumns), 6 * 20 + 8);
  EXPECT_EQ(get(f, Feature::kStripPixels), 124);
  EXPECT_EQ(get(f, Feature::kStripFields), 124 * 2);
  EXPECT_EQ(get(f, Feature::kStripStores), 124 * 4);
  EXPECT_EQ(get(f, Feature::kStripOutside), 4);
  EXPECT_EQ(get(f, Feature::kOutsideCodes), 4 * 14);
  EXPECT_EQ(get(f, Feature::kCounts), 100 * 2);
  EXPECT_EQ(get(f, Feature::kCountedBlocks), 200 * 9);
  EXPECT_EQ(get(f, Feature::kTokenFills), 200 * 7);
  EXPECT_EQ(get(f, Feature::kCarryEights), 200 * 2);
  EXPECT_EQ(get(f, Feature::kHighPlanes), 0);
  EXPECT_EQ(get(f, Feature::kSlicedOutputs), 25 * 2);
}

// 100 windows of 3 columns are 102 columns: three tiles of 32 and one of 6. Codes of 40 channels are three words a
// pixel, those of 34 outputs too.
TEST(LayerFeatures, OfAPolynomialConvolutionOfTwoBitCodesAreItsTilesAndBlocks) {
  LayerSpec layer = convolution(34, {3, 1}, Padding::kZero, Format::kTernary, Format::kTernary);
  layer.pool = Window{4, 1, 4, 1};
  const FeatureVector f = features_of(one_layer({100, 1, 40}, Format::kInt2, layer), 0, "conv2d_a2w4_poly4");
  EXPECT_EQ(get(f, Feature::kTiles), 4);
  EXPECT_EQ(get(f, Feature::kTileBlocks), 3 * 8 + 2);
  EXPECT_EQ(get(f, Feature::kBlockChunks), 26 * 3);
  EXPECT_EQ(get(f, Feature::kBlockGroups), 26 * 5);
  EXPECT_EQ(get(f, Feature::kInsideColumns), 100 * 3);
  EXPECT_EQ(get(f, Feature::kChannelPairs), 4 * 17);
  EXPECT_EQ(get(f, Feature::kProductBlocks), 13 * 17);
  EXPECT_EQ(get(f, Feature::kProductSteps), 13 * 17 * 5);
  EXPECT_EQ(get(f, Feature::kResultWords), 26 * 9);
  EXPECT_EQ(get(f, Feature::kCollections), 4 * 3);
  EXPECT_EQ(get(f, Feature::kCollected), 100 * 3);
  EXPECT_EQ(get(f, Feature::kStrides), 25 * 3);
  EXPECT_EQ(get(f, Feature::kMerges), (25 + 3) * 3);  // the first three tiles end within a pooling window
  EXPECT_EQ(get(f, Feature::kFinished), 25 * 3);
  EXPECT_EQ(get(f, Feature::kTernaryFinished), 25 * 3);
}

// Kernel rows of 3 x 7 = 21 bits: the second and fourth complete a word each, the fifth two thirds of one, and so on.
TEST(LayerFeatures, OfA2dKernelAreItsRowsOfBits) {
  const LayerSpec layer = convolution(4, {3, 3}, Padding::kMinusOne, Format::kBinary, Format::kBinary);
  const FeatureVector f = features_of(one_layer({3, 3, 7}, Format::kBinary, layer), 0, "conv2d_a1w1");
  EXPECT_EQ(get(f, Feature::kWindows), 9);
  EXPECT_EQ(get(f, Feature::kContiguous), 1);  // the middle one is the whole map ...
  EXPECT_EQ(get(f, Feature::kInPlace), 1);     // ... and starts it
  EXPECT_EQ(get(f, Feature::kGatheredRows), 6 * 2 + 2 * 3);
  EXPECT_EQ(get(f, Feature::kOutsideRows), 6);
  EXPECT_EQ(get(f, Feature::kRunPieces), 6 * 2 + 2 * 3);
  EXPECT_EQ(get(f, Feature::kFlushes), 8);  // 63 bits
  EXPECT_EQ(get(f, Feature::kLastWords), 8);
  EXPECT_EQ(get(f, Feature::kZeroFillPieces), 6 + (4 * 2 + 2 * 3));  // rows outside, columns outside
}

TEST(LayerFeatures, PoolingFormsEveryWindowsSums) {
  LayerSpec layer = convolution(4, {1, 1}, Padding::kValid, Format::kInt8, Format::kInt8);
  layer.pool = Window{3, 1, 1, 1};  // overlapping windows: sums are formed again
  const Network network = one_layer({10, 1, 2}, Format::kUint8, layer);
  const FeatureVector f = features_of(network, 0, "conv2d_a16w8");
  EXPECT_EQ(get(f, Feature::kPooledOutputs), 8 * 4);
  EXPECT_EQ(get(f, Feature::kPooledSums), 8 * 4 * 2);
  EXPECT_EQ(get(f, Feature::kWindows), 8 * 3);
  EXPECT_EQ(get(f, Feature::kPairs), 12);
  EXPECT_EQ(get(features_of(network, 0, "conv2d_axwx"), Feature::kProducts), 8 * 4 * 3 * 2);
}

TEST(LayerFeatures, ABorderOfOnesIsCountedWhereTheWindowLeavesTheMap) {
  const LayerSpec layer = convolution(2, {3, 1}, Padding::kPlusOne, Format::kBinary, Format::kBinary);
  const FeatureVector f = features_of(one_layer({4, 1, 8}, Format::kBinary, layer), 0, "conv2d_axwx");
  EXPECT_EQ(get(f, Feature::kBorderCalls), 8);
  EXPECT_EQ(get(f, Feature::kBorderWindows), 4);
  EXPECT_EQ(get(f, Feature::kBorderOutside), 4 * 8);
}

// 13 channels of 5 bits are two words and one bit; 3 x 2 pixels become 12 x 6.
TEST(LayerFeatures, OfAnUpsamplingAreThePiecesItCopies) {
  LayerSpec layer;
  layer.op = Upsample2d{4, 3};
  const FeatureVector f = features_of(one_layer({3, 2, 13}, Format::kInt5, layer), 0);
  EXPECT_EQ(get(f, Feature::kRows), 12);
  EXPECT_EQ(get(f, Feature::kInputRows), 3);
  EXPECT_EQ(get(f, Feature::kInputPixels), 12 * 2);
  EXPECT_EQ(get(f, Feature::kPositions), 12 * 6);
  EXPECT_EQ(get(f, Feature::kWords), 12 * 6 * 2);
  EXPECT_EQ(get(f, Feature::kTails), 12 * 6);
  EXPECT_EQ(get(f, Feature::kOutputWords), (12 * 6 * 65 + 31) / 32);
}

TEST(LayerFeatures, FlattenDoesNothing) {
  LayerSpec layer;
  layer.op = Flatten{};
  for (double value : features_of(one_layer({4, 4, 2}, Format::kInt8, layer), 0)) EXPECT_EQ(value, 0);
}

// Taps inside the map add up to the network's own count of multiply-accumulates where nothing is padded or pooled.
TEST(LayerFeatures, ProductsAreTheMacs) {
  for (int kernel = 1; kernel <= 4; ++kernel)
    for (int stride = 1; stride <= 3; ++stride) {
      const LayerSpec layer =
          convolution(5, {kernel, kernel, stride, stride}, Padding::kValid, Format::kInt4, Format::kInt8);
      const Network network = one_layer({9, 7, 6}, Format::kInt8, layer);
      EXPECT_EQ(get(features_of(network, 0, "conv2d_axwx"), Feature::kProducts), static_cast<double>(macs(network)));
    }
}

}  // namespace
}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "estimators/layer_features.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace bitwright {
namespace {

FeatureVector features_of(const Network& network, int layer) {
  return layer_features(network, layer, infer_shapes(network)[static_cast<size_t>(layer)]);
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

// The bearing network's second layer: 596 positions, "same" padding that skips 2 taps at each end; 32 channels are
// one word a tap, so that every run is aligned, and a 1-D kernel is one run.
TEST(LayerFeatures, OfABinary1dConvolutionAreCountedByHand) {
  LayerSpec layer;
  layer.op = Conv2d{32, {5, 1}, Padding::kZero};
  layer.weights = layer.activations = Format::kBinary;
  const FeatureVector f = features_of(one_layer({596, 1, 32}, Format::kBinary, layer), 0);
  EXPECT_EQ(get(f, Feature::kPositions), 596);
  EXPECT_EQ(get(f, Feature::kSingleOutputs), 596 * 32);
  EXPECT_EQ(get(f, Feature::kOutputWords), 596);
  EXPECT_EQ(get(f, Feature::kAlignedRuns), 596 * 32);
  EXPECT_EQ(get(f, Feature::kRuns), 0);
  EXPECT_EQ(get(f, Feature::kAlignedWords), 32 * (592 * 5 + 2 * (3 + 4)));
  EXPECT_EQ(get(f, Feature::kTails), 0);
  EXPECT_EQ(get(f, Feature::kBinaryOutputs), 596 * 32);
  EXPECT_EQ(get(f, Feature::kBorderCalls), 0);
}

TEST(LayerFeatures, CountEveryProductOfAnInteger2dConvolution) {
  LayerSpec layer;
  layer.op = Conv2d{7, {3, 3, 2, 2}, Padding::kZero};
  layer.activations = Format::kInt8;
  const FeatureVector f = features_of(one_layer({5, 6, 3}, Format::kInt8, layer), 0);
  // Rows start at -1, 1, 3 and see 2, 3, 2 of 5; columns (border 0 before, 1 after) start at 0, 2, 4 and see 3, 3, 2.
  EXPECT_EQ(get(f, Feature::kSignedProducts), 7 * 3 * (2 + 3 + 2) * (3 + 3 + 2));
  EXPECT_EQ(get(f, Feature::kRuns), 7 * 3 * (2 + 3 + 2));
  EXPECT_EQ(get(f, Feature::kRequantizedOutputs), 7 * 9);
}

TEST(LayerFeatures, PoolingFormsEveryWindowsSums) {
  LayerSpec layer;
  layer.op = Conv2d{4, {1, 1}, Padding::kValid};
  layer.activations = Format::kInt8;
  layer.pool = Window{3, 1, 1, 1};  // overlapping windows: sums are formed again
  const FeatureVector f = features_of(one_layer({10, 1, 2}, Format::kUint8, layer), 0);
  EXPECT_EQ(get(f, Feature::kPooledOutputs), 8 * 4);
  EXPECT_EQ(get(f, Feature::kPooledSums), 8 * 4 * 2);
  EXPECT_EQ(get(f, Feature::kProducts), 8 * 4 * 3 * 2);
}

TEST(LayerFeatures, ABorderOfOnesIsCountedWhereTheWindowLeavesTheMap) {
  LayerSpec layer;
  layer.op = Conv2d{2, {3, 1}, Padding::kPlusOne};
  layer.weights = Format::kBinary;
  layer.activations = Format::kBinary;
  const FeatureVector f = features_of(one_layer({4, 1, 8}, Format::kBinary, layer), 0);
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
      LayerSpec layer;
      layer.op = Conv2d{5, {kernel, kernel, stride, stride}, Padding::kValid};
      layer.weights = Format::kInt4;
      layer.activations = Format::kInt8;
      const Network network = one_layer({9, 7, 6}, Format::kInt8, layer);
      EXPECT_EQ(get(features_of(network, 0), Feature::kProducts), static_cast<double>(macs(network)));
    }
}

}  // namespace
}  // namespace bitwright

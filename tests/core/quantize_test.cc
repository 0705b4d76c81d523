// SPDX-License-Identifier: Apache-2.0
#include "core/quantize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace bitwright {
namespace {

using ::testing::ElementsAre;

// Two output channels of four weights. Scales and codes by hand from the formulas of the header; they agree with
// QKeras's alpha = 'auto' for binary, ternary and 4 bits.
const std::vector<float> kKernel = {0.9f, -0.4f, 0.05f, -0.7f, -0.2f, 0.1f, -0.35f, 0.15f};

TEST(QuantizeWeights, BinaryKeepsSignsAndTheMeanMagnitude) {
  const QuantizedWeights q = quantize_weights(kKernel, 2, Format::kBinary, true);
  EXPECT_THAT(q.codes, ElementsAre(1, -1, 1, -1, -1, 1, -1, 1));
  EXPECT_FLOAT_EQ(q.scales[0], 0.5125f);
  EXPECT_FLOAT_EQ(q.scales[1], 0.2f);
}

TEST(QuantizeWeights, TernaryDropsWhatLiesBelowSevenTenthsOfTheMean) {
  const QuantizedWeights q = quantize_weights(kKernel, 2, Format::kTernary, true);
  EXPECT_THAT(q.codes, ElementsAre(1, -1, 0, -1, -1, 0, -1, 1));
  EXPECT_FLOAT_EQ(q.scales[0], 2.0f / 3.0f);
  EXPECT_FLOAT_EQ(q.scales[1], 0.7f / 3.0f);
}

TEST(QuantizeWeights, Int4IsSymmetricUpToTheLargest) {
  const QuantizedWeights q = quantize_weights(kKernel, 2, Format::kInt4, true);
  EXPECT_THAT(q.codes, ElementsAre(7, -3, 0, -5, -4, 2, -7, 3));
  EXPECT_FLOAT_EQ(q.scales[0], 0.9f / 7.0f);
  EXPECT_FLOAT_EQ(q.scales[1], 0.05f);
}

TEST(QuantizeWeights, Int2StepsByTheMeanMagnitude) {
  EXPECT_THAT(quantize_weights(kKernel, 2, Format::kInt2, true).codes, ElementsAre(1, -1, 0, -1, -1, 1, -2, 1));
}

TEST(QuantizeWeights, OneScaleInAllSpansEveryChannel) {
  const QuantizedWeights q = quantize_weights(kKernel, 2, Format::kInt4, false);
  ASSERT_EQ(q.scales.size(), 1u);
  EXPECT_FLOAT_EQ(q.scales[0], 0.9f / 7.0f);
  EXPECT_THAT(q.codes, ElementsAre(7, -3, 0, -5, -2, 1, -3, 1));
}

TEST(QuantizeWeights, TiesGoAwayFromZero) {
  const std::vector<float> w = {3.0f, 1.5f, -1.5f, 0.5f, -0.5f};
  EXPECT_THAT(quantize_weights(w, 1, Format::kInt3, true).codes, ElementsAre(3, 2, -2, 1, -1));
}

TEST(QuantizeWeights, ZeroIsPlusOneInBinary) {
  const std::vector<float> w = {0.0f, -0.0f, -1.0f};
  EXPECT_THAT(quantize_weights(w, 1, Format::kBinary, true).codes, ElementsAre(1, 1, -1));
}

TEST(QuantizeWeights, ARowOfZerosHasAPositiveScale) {
  const std::vector<float> w(4, 0.0f);
  for (Format f : {Format::kBinary, Format::kTernary, Format::kInt2, Format::kInt5, Format::kInt8})
    EXPECT_EQ(quantize_weights(w, 1, f, true).scales[0], 0x1p-20f) << format_name(f);
}

TEST(QuantizeWeights, EveryCodeLiesInItsFormat) {
  std::vector<float> w;
  for (int i = -50; i <= 50; ++i) w.push_back(static_cast<float>(i * i * i));
  for (Format f : {Format::kBinary, Format::kTernary, Format::kInt2, Format::kInt3, Format::kInt4, Format::kInt5,
                   Format::kInt6, Format::kInt7, Format::kInt8})
    for (int8_t code : quantize_weights(w, 1, f, true).codes) {
      EXPECT_GE(code, min_code(f));
      EXPECT_LE(code, max_code(f));
    }
}

TEST(QuantizeActivation, WorkedExamples) {
  EXPECT_EQ(quantize_activation(0.0, Format::kBinary, 1.0), 1);
  EXPECT_EQ(quantize_activation(-0.0, Format::kBinary, 1.0), 1);
  EXPECT_EQ(quantize_activation(-1e-300, Format::kBinary, 1.0), -1);
  EXPECT_EQ(quantize_activation(0.5, Format::kTernary, 1.0), 1);   // half up
  EXPECT_EQ(quantize_activation(-0.5, Format::kTernary, 1.0), 0);  // also below zero
  EXPECT_EQ(quantize_activation(-0.51, Format::kTernary, 1.0), -1);
  EXPECT_EQ(quantize_activation(0.3, Format::kUint3, 0.25), 1);
  EXPECT_EQ(quantize_activation(99.0, Format::kUint3, 0.25), 7);
  EXPECT_EQ(quantize_activation(-99.0, Format::kUint3, 0.25), 0);
  EXPECT_EQ(quantize_activation(-99.0, Format::kInt3, 0.25), -4);
}

// Just below half a step, 0.5 - 2^-54, the sum with 0.5 rounds up to 1: the threshold of code 1 lies there.
TEST(ActivationThreshold, IsTheSmallestRealThatReachesItsCode) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (Format f : {Format::kBinary, Format::kTernary, Format::kInt2, Format::kInt3, Format::kInt4, Format::kUint2,
                   Format::kUint4, Format::kInt8, Format::kUint8, Format::kInt16})
    for (int log2 : {-16, -3, 0, 5}) {
      const double scale = f == Format::kBinary || f == Format::kTernary ? 1.0 : std::ldexp(1.0, log2);
      for (int32_t code = min_code(f) + (f == Format::kBinary ? 2 : 1); code <= max_code(f); ++code) {
        const double t = activation_threshold(code, f, scale);
        EXPECT_GE(quantize_activation(t, f, scale), code) << format_name(f) << " " << code;
        EXPECT_LT(quantize_activation(std::nextafter(t, -infinity), f, scale), code) << format_name(f) << " " << code;
      }
    }
}

}  // namespace
}  // namespace bitwright

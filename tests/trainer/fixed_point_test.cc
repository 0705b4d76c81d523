// SPDX-License-Identifier: Apache-2.0
#include "trainer/fixed_point.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/quantize.h"
#include "core/quantized_model.h"
#include "core/rng.h"

namespace bitwright {
namespace {

// The code that the integer model gives: core/quantized_model.h, kThreshold.
int32_t code_by_thresholds(int64_t acc, const std::vector<int32_t>& t, bool descending, Format format) {
  int reached = 0;
  for (int32_t threshold : t) reached += descending ? acc <= threshold : acc >= threshold;
  return format == Format::kBinary ? (reached ? 1 : -1) : min_code(format) + reached;
}

void expect_exact(double a, double b, Format format, double scale, int64_t bound) {
  const auto t = channel_thresholds(a, b, format, scale, bound);
  ASSERT_EQ(t.size(), static_cast<size_t>(threshold_count(format)));
  for (int32_t threshold : t) EXPECT_LE(std::abs(int64_t{threshold}), bound + 1);
  for (int64_t acc = -bound; acc <= bound; ++acc)
    ASSERT_EQ(code_by_thresholds(acc, t, a < 0.0, format),
              quantize_activation(a * static_cast<double>(acc) + b, format, scale))
        << format_name(format) << " a " << a << " b " << b << " scale " << scale << " acc " << acc;
}

constexpr Format kUpToFourBits[] = {Format::kBinary, Format::kTernary, Format::kInt2,  Format::kInt3,
                                    Format::kInt4,   Format::kUint2,   Format::kUint3, Format::kUint4};

class Thresholds : public testing::TestWithParam<Format> {};
INSTANTIATE_TEST_SUITE_P(Formats, Thresholds, testing::ValuesIn(kUpToFourBits),
                         [](const auto& test) { return std::string(format_name(test.param)); });

TEST_P(Thresholds, ReproduceTheQuantizerForEveryAccumulator) {
  Rng rng(3);
  for (int trial = 0; trial < 400; ++trial) {
    const int range_log2 = static_cast<int>(rng.below(5)) - 2;
    const double a = rng.normal() * std::exp2(rng.uniform(-8.0, 2.0));
    expect_exact(a, rng.normal() * 3.0, GetParam(), activation_scale(GetParam(), range_log2), 200);
  }
}

// a and b multiples of a quarter step: every second accumulator lies exactly on a tie.
TEST_P(Thresholds, ReproduceTheQuantizerOnTies) {
  const double scale = activation_scale(GetParam(), 0);
  for (int a = -8; a <= 8; ++a)
    for (int b = -8; b <= 8; ++b) expect_exact(a * scale / 4, b * scale / 4, GetParam(), scale, 100);
}

// The float64 product is rounded: dividing the threshold by `a` would miss some of these by one.
TEST_P(Thresholds, ReproduceTheQuantizerWhereTheProductIsRounded) {
  for (int n = 1; n < 200; ++n)
    for (double sign : {-1.0, 1.0}) {
      const double a = sign / n, scale = activation_scale(GetParam(), 1);
      expect_exact(a, 0.0, GetParam(), scale, 300);
      expect_exact(a, -a * 7, GetParam(), scale, 300);
    }
}

TEST(ChannelThresholds, AConstantChannelKeepsItsCode) {
  for (double b : {-1e9, -0.5, 0.0, 0.25, 1e9})
    for (Format format : kUpToFourBits) {
      expect_exact(0.0, b, format, activation_scale(format, 0), 50);
      expect_exact(-0.0, b, format, activation_scale(format, 0), 50);
    }
}

TEST(ChannelThresholds, StayOneBeyondTheLargestAccumulatorWhenNeverReached) {
  EXPECT_EQ(channel_thresholds(1e-6, -50.0, Format::kBinary, 1.0, 100), std::vector<int32_t>{101});
  EXPECT_EQ(channel_thresholds(-1e-6, -50.0, Format::kBinary, 1.0, 100), std::vector<int32_t>{-101});
  EXPECT_EQ(channel_thresholds(1e-6, 50.0, Format::kBinary, 1.0, 100), std::vector<int32_t>{-100});
  EXPECT_EQ(channel_thresholds(1e-12, -50.0, Format::kBinary, 1.0, 1 << 30), std::vector<int32_t>{(1 << 30) + 1});
}

TEST(ChannelThresholds, OfTernaryLieAtPlusAndMinusAHalf) {
  EXPECT_EQ(channel_thresholds(0.25, 0.0, Format::kTernary, 1.0, 100), (std::vector<int32_t>{-2, 2}));
  EXPECT_EQ(channel_thresholds(-0.25, 0.0, Format::kTernary, 1.0, 100), (std::vector<int32_t>{2, -2}));
}

TEST(FixedPoint, UsesTheWholeMultiplier) {
  const FixedPoint f = fixed_point(0.7, 0.5);
  EXPECT_EQ(f.shift, 31);
  EXPECT_EQ(f.multiplier, std::llround(0.7 * 0x1p31));
  EXPECT_EQ(f.offset, int64_t{1} << 30);
}

int64_t floor_of(const FixedPoint& f, int64_t acc) {
  return (acc * f.multiplier + f.offset) >> f.shift;
}

// Within the documented error of a tie the floor may go either way; elsewhere it is exact.
TEST(FixedPoint, IsTheFloorExceptWithinTheDocumentedErrorOfATie) {
  Rng rng(5);
  for (int trial = 0; trial < 20000; ++trial) {
    const double gain = rng.normal() * std::exp2(rng.uniform(-20.0, 3.0));
    const double start = rng.normal() * std::exp2(rng.uniform(0.0, 12.0));
    const int64_t acc = static_cast<int64_t>(rng.uniform(-1.0, 1.0) * std::exp2(rng.uniform(0.0, 30.0)));
    const FixedPoint f = fixed_point(gain, start);
    ASSERT_LE(std::abs(int64_t{f.multiplier}), INT32_MAX);
    const long double exact = static_cast<long double>(gain) * acc + start;
    const long double error = std::ldexp(static_cast<long double>(std::abs(acc) + 1), -(f.shift + 1));
    if (std::abs(exact - std::round(exact)) > error)
      EXPECT_EQ(floor_of(f, acc), static_cast<int64_t>(std::floor(exact))) << gain << " " << start << " " << acc;
    else
      EXPECT_NEAR(static_cast<double>(floor_of(f, acc)), static_cast<double>(std::floor(exact)), 1.0 + double(error));
  }
}

// Eight-bit outputs: no accumulator whose code does not saturate is further than 2^-20 of a step from a tie it misses.
TEST(FixedPoint, GivesTheCodeExceptWithinAMillionthOfATie) {
  Rng rng(7);
  int64_t compared = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    const int64_t bound = 1 << (4 + rng.below(18));
    const double scale = activation_scale(Format::kInt8, 1);
    const double a = rng.normal() * 2.0 / static_cast<double>(bound), b = rng.normal();
    const FixedPoint f = fixed_point(a / scale, b / scale + 0.5);
    for (int i = 0; i < 200; ++i) {
      const int64_t acc = static_cast<int64_t>(rng.below(2 * bound + 1)) - bound;
      const double position = (a * static_cast<double>(acc) + b) / scale + 0.5;
      if (std::fabs(position - std::round(position)) < 0x1p-20) continue;
      const int64_t code = std::clamp<int64_t>(floor_of(f, acc), -128, 127);
      ASSERT_EQ(code, quantize_activation(a * static_cast<double>(acc) + b, Format::kInt8, scale));
      ++compared;
    }
  }
  EXPECT_GT(compared, 300000);
}

TEST(FixedPoint, NeverOverflowsForAccumulatorsUpToTwoToThe30) {
  Rng rng(9);
  for (int trial = 0; trial < 20000; ++trial) {
    const FixedPoint f = fixed_point(rng.normal() * std::exp2(rng.uniform(-80.0, 80.0)),
                                     rng.normal() * std::exp2(rng.uniform(-80.0, 80.0)));
    for (int64_t acc : {-(int64_t{1} << 30), int64_t{1} << 30}) {
      int64_t product = 0, sum = 0;
      ASSERT_FALSE(__builtin_mul_overflow(acc, int64_t{f.multiplier}, &product));
      ASSERT_FALSE(__builtin_add_overflow(product, f.offset, &sum));
    }
    ASSERT_LT(std::abs(f.offset), int64_t{1} << 62);
    ASSERT_LE(f.shift, 62);
  }
}

TEST(FixedPoint, KeepsTheSignOfAGainThatCrossesEveryCodeInOneStep) {
  const FixedPoint f = fixed_point(0x1p50, -0x1p51);
  EXPECT_LT(floor_of(f, 1), -32768);
  EXPECT_GT(floor_of(f, 3), 32767);
}

TEST(RawBias, LeavesRoomForTheAccumulator) {
  EXPECT_EQ(raw_bias({{0.5, 0.5, 0.5}, {1.3, -1e12, 1e12}}, 100),
            (std::vector<int32_t>{3, 100 - (1 << 30), (1 << 30) - 100}));
}

}  // namespace
}  // namespace bitwright

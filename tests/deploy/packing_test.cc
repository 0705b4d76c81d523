// SPDX-License-Identifier: Apache-2.0
#include "core/packing.h"

#include <gtest/gtest.h>

#include "core/memory_plan.h"
#include "core/rng.h"
#include "core/weight_packing.h"

namespace bitwright {
namespace {

std::vector<int32_t> random_codes(Format format, int count, uint64_t seed) {
  Rng rng(seed);
  const int64_t low = min_code(format), span = int64_t{max_code(format)} - low + 1;
  std::vector<int32_t> codes;
  for (int i = 0; i < count; ++i) {
    const auto code = static_cast<int32_t>(low + static_cast<int64_t>(rng.below(static_cast<uint64_t>(span))));
    codes.push_back(format == Format::kBinary ? (code > 0 ? 1 : -1) : code);
  }
  return codes;
}

TEST(Packing, EveryIntegerFormatComesBackAtEveryLength) {
  for (int f = 0; f <= static_cast<int>(Format::kInt32); ++f)
    for (int count : {0, 1, 2, 7, 10, 11, 31, 32, 33, 64, 97}) {
      const auto format = static_cast<Format>(f);
      const auto codes = random_codes(format, count, static_cast<uint64_t>(count));
      const auto words = pack(std::span<const int32_t>(codes), format);
      EXPECT_EQ(static_cast<int64_t>(words.size()) * 4, packed_bytes(count, format));
      EXPECT_EQ(unpack(words, format, count), codes) << format_name(format) << " x " << count;
    }
}

TEST(Packing, BinaryBitOneIsPlusOneFromTheLeastSignificantBit) {
  std::vector<int32_t> codes(33, -1);
  codes[0] = codes[5] = codes[32] = 1;
  EXPECT_EQ(pack(std::span<const int32_t>(codes), Format::kBinary), (std::vector<uint32_t>{0x21u, 1u}));
}

TEST(Packing, ThreeBitCodesStraddleWords) {
  std::vector<int32_t> codes(11, 0);
  codes[10] = -2;  // 110b at bits 30, 31 and 32
  EXPECT_EQ(pack(std::span<const int32_t>(codes), Format::kInt3), (std::vector<uint32_t>{0x80000000u, 1u}));
}

TEST(Packing, BytesLieAsACoreReadsThem) {
  const std::vector<int32_t> codes = {1, -1, -128, 127};
  EXPECT_EQ(pack(std::span<const int32_t>(codes), Format::kInt8), (std::vector<uint32_t>{0x7f80ff01u}));
  const std::vector<int16_t> samples = {1, -2};
  EXPECT_EQ(pack(std::span<const int16_t>(samples), Format::kInt16), (std::vector<uint32_t>{0xfffe0001u}));
}

TEST(Packing, TernaryIsTwosComplementOfTwoBits) {
  const std::vector<int8_t> codes = {1, 0, -1};
  EXPECT_EQ(pack(std::span<const int8_t>(codes), Format::kTernary), (std::vector<uint32_t>{0b110001u}));
}

TEST(Packing, PlanesAlternateByWord) {
  std::vector<int8_t> codes(34, 0);
  codes[0] = 1, codes[1] = -1, codes[33] = 1;
  EXPECT_EQ(pack_planes(codes), (std::vector<uint32_t>{0b11u, 0b01u, 0b10u, 0b10u}));
}

// 33 channels of a 2 x 1 kernel: a second group has one of them.
TEST(Packing, DepthwiseWeightsLieTapByTapInGroupsOfChannels) {
  KernelGeometry g;
  g.kernel = {2, 1, 1, 1};
  g.out_channels = 33;
  std::vector<int8_t> codes(66, -1);
  codes[2] = 1;   // channel 1, first tap
  codes[65] = 1;  // channel 32, second tap
  const auto bits = pack_weights(codes, "depthwise_a1w1", g, Format::kBinary);
  EXPECT_EQ(bits, (std::vector<uint32_t>{0x2u, 0x0u, 0x0u, 0x1u}));
  const auto bytes = pack_weights(codes, "depthwise_a8w8", g, Format::kBinary);
  ASSERT_EQ(bytes.size(), 18u);
  EXPECT_EQ(bytes[0], 0xffff01ffu);
  EXPECT_EQ(bytes[1], 0xffffffffu);
  EXPECT_EQ(bytes[17], 0x00000001u);
}

TEST(Packing, FloatsKeepEveryBit) {
  const std::vector<float> values = {0.0f, -0.0f, 1.5f, 1e-40f};
  EXPECT_EQ(pack_floats(values), (std::vector<uint32_t>{0u, 0x80000000u, 0x3fc00000u, 71362u}));
  EXPECT_EQ(pack_floats(unpack_floats(pack_floats(values))), pack_floats(values));
}

}  // namespace
}  // namespace bitwright

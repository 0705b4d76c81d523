// SPDX-License-Identifier: Apache-2.0
#include "core/packing.h"

#include <bit>

#include "core/check.h"
#include "core/memory_plan.h"

namespace bitwright {
namespace {

uint32_t low_mask(int bits) {
  return UINT32_MAX >> (32 - bits);
}

template <class Code>
std::vector<uint32_t> pack_codes(std::span<const Code> codes, Format format) {
  const int bits = bit_width(format);
  std::vector<uint32_t> words(static_cast<size_t>(packed_bytes(static_cast<int64_t>(codes.size()), format) / 4));
  for (size_t i = 0; i < codes.size(); ++i) {
    const uint64_t bit = i * static_cast<uint64_t>(bits), shift = bit % 32;
    const uint64_t field = uint64_t{field_of(codes[i], format)} << shift;
    words[bit / 32] |= static_cast<uint32_t>(field);
    if (shift + bits > 32) words[bit / 32 + 1] |= static_cast<uint32_t>(field >> 32);
  }
  return words;
}

}  // namespace

uint32_t field_of(int32_t code, Format format) {
  BW_CHECK(is_integer(format) && code >= min_code(format) && code <= max_code(format));
  if (format == Format::kBinary) {
    BW_CHECK(code != 0);
    return code > 0;
  }
  return static_cast<uint32_t>(code) & low_mask(bit_width(format));
}

int32_t code_of(uint32_t field, Format format) {
  if (format == Format::kBinary) return field ? 1 : -1;
  if (is_unsigned(format)) return static_cast<int32_t>(field);
  const uint32_t sign = 1u << (bit_width(format) - 1);
  return static_cast<int32_t>((field ^ sign) - sign);
}

std::vector<uint32_t> pack(std::span<const int32_t> codes, Format format) {
  return pack_codes(codes, format);
}
std::vector<uint32_t> pack(std::span<const int16_t> codes, Format format) {
  return pack_codes(codes, format);
}
std::vector<uint32_t> pack(std::span<const int8_t> codes, Format format) {
  return pack_codes(codes, format);
}

std::vector<int32_t> unpack(std::span<const uint32_t> words, Format format, int64_t count) {
  BW_CHECK(static_cast<int64_t>(words.size()) * 4 >= packed_bytes(count, format));
  const int bits = bit_width(format);
  std::vector<int32_t> codes;
  codes.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    const int64_t bit = i * bits, shift = bit % 32;
    uint64_t pair = words[bit / 32];
    if (shift + bits > 32) pair |= uint64_t{words[bit / 32 + 1]} << 32;
    codes.push_back(code_of(static_cast<uint32_t>(pair >> shift) & low_mask(bits), format));
  }
  return codes;
}

std::vector<uint32_t> pack_floats(std::span<const float> values) {
  std::vector<uint32_t> words;
  for (float value : values) words.push_back(std::bit_cast<uint32_t>(value));
  return words;
}

std::vector<float> unpack_floats(std::span<const uint32_t> words) {
  std::vector<float> values;
  for (uint32_t word : words) values.push_back(std::bit_cast<float>(word));
  return values;
}

std::vector<uint32_t> pack_planes(std::span<const int8_t> codes) {
  std::vector<uint32_t> words((codes.size() + 31) / 32 * 2);
  for (size_t i = 0; i < codes.size(); ++i) {
    BW_CHECK(codes[i] >= -1 && codes[i] <= 1);
    if (codes[i] != 0) words[i / 32 * 2] |= 1u << (i % 32);
    if (codes[i] > 0) words[i / 32 * 2 + 1] |= 1u << (i % 32);
  }
  return words;
}

}  // namespace bitwright

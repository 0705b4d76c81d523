// core/format.h: number formats of weights and activations.
//
// Every format is uniform with zero point 0: real = scale * code. Codes are two's complement
// (int2..int8, int16) or unsigned (uint2..uint8); binary is {-1, +1}, ternary {-1, 0, +1}.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace bitwright {

enum class Format : uint8_t {
  kBinary, kTernary,
  kInt2, kInt3, kInt4, kInt5, kInt6, kInt7, kInt8,
  kUint2, kUint3, kUint4, kUint5, kUint6, kUint7, kUint8,
  kInt16,
  kInt32,
  kFloat32,
  // Only as the `activations` of a layer: no quantizer, the accumulator itself is the output. Its storage is
  // int8, int16, int32 or float32, whichever holds every reachable value: storage_format() in core/network.h.
  kAccumulator,
};

// Bits of one packed code: binary 1, ternary 2, kFloat32 32. Not defined for kAccumulator.
int bit_width(Format format);

// Smallest and largest code; binary -1 and +1. Only for integer formats.
int32_t min_code(Format format);
int32_t max_code(Format format);

bool is_integer(Format format);   // all but kFloat32 and kAccumulator
bool is_unsigned(Format format);  // uint2..uint8

// What a layer's weights may be: binary, ternary, int2..int8, float32.
bool is_weight_format(Format format);
// What a layer's output may be: binary, ternary, int2..int8, uint2..uint8, int16, float32, accumulator.
bool is_activation_format(Format format);

// "binary", "ternary", "int4", "uint8", "float32"; kAccumulator is "none".
std::string_view format_name(Format format);
std::optional<Format> format_from_name(std::string_view name);

}  // namespace bitwright

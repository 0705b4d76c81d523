// core/packing.h: codes as bits in 32-bit words, the same for tensors in the arena and weights in flash.
//
// Element i (HWC; weights in the order of LayerParameters) occupies bits [i * b, (i + 1) * b), b = bit_width(format),
// least significant bit first in little-endian words; unused bits of the last word are 0. Binary: bit 1 is +1, bit 0
// is -1. Ternary and intN: two's complement; uintN: as is; float32: IEEE 754. Nothing is padded per pixel, so that
// flatten moves nothing and the receptive field of a 1-D kernel is one contiguous run of bits.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/format.h"

namespace bitwright {

// One code as the low bit_width(format) bits of a word, and back. The code lies in [min_code, max_code]; binary
// codes are -1 or +1.
uint32_t field_of(int32_t code, Format format);
int32_t code_of(uint32_t field, Format format);

// Integer formats; packed_bytes(count, format) / 4 words (core/memory_plan.h).
std::vector<uint32_t> pack(std::span<const int32_t> codes, Format format);
std::vector<uint32_t> pack(std::span<const int16_t> codes, Format format);
std::vector<uint32_t> pack(std::span<const int8_t> codes, Format format);
// words: at least packed_bytes(count, format) / 4 of them.
std::vector<int32_t> unpack(std::span<const uint32_t> words, Format format, int64_t count);

// Float32 as its bits, a word each.
std::vector<uint32_t> pack_floats(std::span<const float> values);
std::vector<float> unpack_floats(std::span<const uint32_t> words);

// Ternary weights for binary activations: words 2j and 2j + 1 hold weights [32j, 32j + 32), first a 1 where the
// weight is not 0, then a 1 where it is +1. 2 * ceil(count / 32) words.
std::vector<uint32_t> pack_planes(std::span<const int8_t> codes);

}  // namespace bitwright

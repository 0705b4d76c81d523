// experiments/search_bench/blake2b.h: BLAKE2b with a digest of any length, for what was made with Python's hashlib.
// libcrypto has the 64-byte one alone, and a shorter digest is not its beginning.
// Source: RFC 7693, without a key.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace bitwright {

// digest_bytes: 1..64.
std::vector<uint8_t> blake2b(std::string_view message, size_t digest_bytes);

}  // namespace bitwright

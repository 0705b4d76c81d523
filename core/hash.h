// core/hash.h: SHA-256 (FIPS 180-4, by OpenSSL's libcrypto), for identities and provenance; CRC-32 for
// checks on the device.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bitwright {

// 64 lower-case hex digits.
std::string sha256_hex(std::string_view bytes);

// Of zlib: reflected polynomial 0xEDB88320, all ones before and after.
uint32_t crc32(std::string_view bytes);

}  // namespace bitwright

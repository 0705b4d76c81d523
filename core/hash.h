// core/hash.h: SHA-256 (FIPS 180-4, by OpenSSL's libcrypto), for identities and provenance.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace bitwright {

// 64 lower-case hex digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace bitwright

// core/io/utf8.h: what is UTF-8 (RFC 3629, section 4) and what is not.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace bitwright {

// Bytes of the UTF-8 sequence at text[i], 0 if it is none: no overlong forms, no surrogates.
int utf8_length(std::string_view text, size_t i);

bool is_utf8(std::string_view text);

}  // namespace bitwright

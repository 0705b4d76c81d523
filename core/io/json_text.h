// core/io/json_text.h: JSON as the program prints it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace bitwright {

// One line for indent -1. Bytes that are not UTF-8 (of a file's name, or printed by a user's program) become U+FFFD.
template <class Json>
std::string json_text(const Json& json, int indent = 2) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "deploy/templates.h"

#include "core/check.h"
#include "core/embedded.h"

namespace bitwright {

std::string filled(std::string pattern, const Values& values) {
  for (const auto& [key, value] : values) {
    const std::string mark = "@" + key + "@";
    for (size_t at = pattern.find(mark); at != std::string::npos; at = pattern.find(mark, at + value.size()))
      pattern.replace(at, mark.size(), value);
  }
  return pattern;
}

std::string filled_template(const std::string& name, const Values& values) {
  return filled(embedded("deploy/package/" + name + ".in"), values);
}

std::string embedded(const std::string& path) {
  const auto bytes = embedded_file(path);
  if (!bytes) std::fprintf(stderr, "not embedded: %s\n", path.c_str());
  BW_CHECK(bytes.has_value());
  return std::string(*bytes);
}

std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

std::string one_line(std::string text) {
  for (char& c : text)
    if (c == '\n' || c == '\r' || c == '*') c = ' ';
  return text;
}

}  // namespace bitwright

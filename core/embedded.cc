// SPDX-License-Identifier: Apache-2.0
#include "core/embedded.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace {
struct Entry {
  const char* name;
  const char* bytes;
  uint64_t size;
};
extern "C" const Entry bitwright_embedded_table[];
extern "C" const uint64_t bitwright_embedded_count;

std::span<const Entry> entries() {
  return {bitwright_embedded_table, static_cast<size_t>(bitwright_embedded_count)};
}
}  // namespace

namespace bitwright {

std::optional<std::string_view> embedded_file(std::string_view path) {
  for (const Entry& e : entries())
    if (path == e.name) return std::string_view(e.bytes, e.size);
  return std::nullopt;
}

std::vector<std::string_view> embedded_files(std::string_view prefix) {
  std::vector<std::string_view> names;
  for (const Entry& e : entries())
    if (std::string_view(e.name).starts_with(prefix)) names.emplace_back(e.name);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace bitwright

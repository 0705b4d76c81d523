// core/io/yaml.h: YAML text -> a tree that remembers places, under limits that no file can get around.
//
// yaml-cpp's own tree accepts cyclic aliases (a walk then never ends), duplicate keys (the first wins) and invalid
// UTF-8 without a word. This one is built from its events, where all of that can be seen.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace bitwright {

// Counted from 1. Line 0: no file, given on the command line.
struct YamlPlace {
  int line = 1, column = 1;
  auto operator<=>(const YamlPlace&) const = default;
};

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  YamlPlace place;
  std::string scalar;                 // kScalar
  std::vector<YamlNode> items;        // kList; kMap: the values
  std::vector<std::string> keys;      // kMap: all different, one per item
  std::vector<YamlPlace> key_places;  // kMap

  const YamlNode* find(std::string_view key) const;  // null if this is no map or lacks it
};

// Of one document, aliases expanded.
inline constexpr size_t kMaxYamlBytes = 4u << 20;
inline constexpr int kMaxYamlDepth = 64;
inline constexpr size_t kMaxYamlNodes = 100'000;
inline constexpr size_t kMaxYamlText = 16u << 20;  // bytes of scalars and keys

// One document in UTF-8; JSON is YAML too. Throws ConfigError `name:line:col: rule` at the first thing that is no
// YAML, exceeds a limit or repeats a key.
YamlNode parse_yaml(std::string_view text, const std::string& name);

// Whole file. Throws ConfigError `path: cannot be read: reason`.
std::string read_text_file(const std::string& path, size_t max_bytes = kMaxYamlBytes);

// "file:3:5", or "command line" for line 0.
std::string place_text(const std::string& name, const YamlPlace& place);

}  // namespace bitwright

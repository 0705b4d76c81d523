// SPDX-License-Identifier: Apache-2.0
#include "core/io/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <unordered_map>
#include <unordered_set>

#include "core/error.h"
#include "core/io/utf8.h"

namespace bitwright {
namespace {

[[noreturn]] void fail(const std::string& name, const YamlPlace& place, const std::string& rule) {
  throw ConfigError(place_text(name, place) + ": " + rule);
}

YamlPlace place_of(const YAML::Mark& mark) {
  return {std::max(mark.line, 0) + 1, std::max(mark.column, 0) + 1};
}

void check_encoding(std::string_view text, const std::string& name) {
  YamlPlace place;
  for (size_t i = 0; i < text.size();) {
    const int length = utf8_length(text, i);
    if (text[i] == '\0') fail(name, place, "a NUL byte");
    if (length == 0) fail(name, place, "not UTF-8");
    ++place.column;
    if (text[i] == '\n') place = {place.line + 1, 1};
    i += static_cast<size_t>(length);
  }
}

struct Cost {
  size_t nodes = 0, text = 0;
};

Cost cost_of(const YamlNode& node) {
  Cost sum{1, node.scalar.size()};
  for (const std::string& key : node.keys) sum.text += key.size();
  for (const YamlNode& item : node.items) {
    const Cost cost = cost_of(item);
    sum.nodes += cost.nodes;
    sum.text += cost.text;
  }
  return sum;
}

// Builds the tree from events. `open_` is the path of unfinished nodes; copies of anchored nodes count against the
// same budget as the tree, so that memory stays within a small multiple of it.
class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::string name) : name_(std::move(name)) {}
  YamlNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode node;
    node.place = place_of(mark);
    finish(std::move(node), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, const std::string& value) override {
    YamlNode node;
    node.kind = YamlNode::Kind::kScalar;
    node.place = place_of(mark);
    node.scalar = value;
    finish(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchored_.find(anchor);
    if (found == anchored_.end()) fail(name_, place_of(mark), "an alias to a node that contains it");
    spend(found->second.cost, place_of(mark));
    YamlNode copy = found->second.node;
    attach(std::move(copy), place_of(mark));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    start(YamlNode::Kind::kList, mark, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    start(YamlNode::Kind::kMap, mark, anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapEnd() override { end(); }

 private:
  struct Open {
    YamlNode node;
    YAML::anchor_t anchor;
    bool has_key = false;  // of a map: the key of the next value is read
    std::unordered_set<std::string> keys;
  };
  struct Anchored {
    YamlNode node;
    Cost cost;
  };

  void spend(const Cost& cost, const YamlPlace& place) {
    spent_.nodes += cost.nodes;
    spent_.text += cost.text;
    if (spent_.nodes > kMaxYamlNodes)
      fail(name_, place, fmt::format("more than {} values once its aliases are expanded", kMaxYamlNodes));
    if (spent_.text > kMaxYamlText)
      fail(name_, place, fmt::format("more than {} bytes of text once its aliases are expanded", kMaxYamlText));
  }

  void start(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (static_cast<int>(open_.size()) >= kMaxYamlDepth)
      fail(name_, place_of(mark), fmt::format("nested more than {} deep", kMaxYamlDepth));
    if (wants_key()) fail(name_, place_of(mark), "a key must be a word");
    Open open{{}, anchor, false, {}};
    open.node.kind = kind;
    open.node.place = place_of(mark);
    open_.push_back(std::move(open));
  }

  void end() {
    Open done = std::move(open_.back());
    open_.pop_back();
    finish(std::move(done.node), done.anchor);
  }

  // Children have been paid for when they were finished themselves.
  void finish(YamlNode node, YAML::anchor_t anchor) {
    const YamlPlace place = node.place;
    spend({1, node.scalar.size()}, place);
    if (anchor != 0) {
      const Cost cost = cost_of(node);
      spend(cost, place);
      anchored_[anchor] = {node, cost};
    }
    attach(std::move(node), place);
  }

  bool wants_key() const {
    return !open_.empty() && open_.back().node.kind == YamlNode::Kind::kMap && !open_.back().has_key;
  }

  void attach(YamlNode node, const YamlPlace& place) {
    if (open_.empty()) {
      root_ = std::move(node);
    } else if (wants_key()) {
      add_key(node, place);
    } else {
      open_.back().has_key = false;
      open_.back().node.items.push_back(std::move(node));
    }
  }

  void add_key(const YamlNode& key, const YamlPlace& place) {
    Open& map = open_.back();
    if (key.kind != YamlNode::Kind::kScalar) fail(name_, place, "a key must be a word");
    if (!map.keys.insert(key.scalar).second) {
      const auto first = std::find(map.node.keys.begin(), map.node.keys.end(), key.scalar) - map.node.keys.begin();
      fail(name_, place,
           fmt::format("key \"{}\" a second time, first in line {}", key.scalar,
                       map.node.key_places[static_cast<size_t>(first)].line));
    }
    map.node.keys.push_back(key.scalar);
    map.node.key_places.push_back(place);
    map.has_key = true;
  }

  std::string name_;
  YamlNode root_;
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, Anchored> anchored_;
  Cost spent_;
};

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  for (size_t i = 0; i < keys.size(); ++i)
    if (keys[i] == key) return &items[i];
  return nullptr;
}

YamlNode parse_yaml(std::string_view text, const std::string& name) {
  if (text.size() > kMaxYamlBytes) throw ConfigError(fmt::format("{}: more than {} bytes", name, kMaxYamlBytes));
  check_encoding(text, name);
  std::istringstream stream{std::string(text)};
  try {
    YAML::Parser parser(stream);
    TreeBuilder builder(name), rest(name);
    if (!parser.HandleNextDocument(builder)) return {};
    if (parser.HandleNextDocument(rest)) throw ConfigError(name + ": more than one YAML document");
    return builder.take();
  } catch (const YAML::Exception& e) {
    fail(name, place_of(e.mark), "not YAML: " + e.msg);
  }
}

std::string read_text_file(const std::string& path, size_t max_bytes) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path))
    throw ConfigError(path + ": cannot be read: " + (file ? "is a folder" : std::strerror(errno)));
  std::string text;
  std::vector<char> block(1 << 16);
  while (file && text.size() <= max_bytes) {
    file.read(block.data(), static_cast<std::streamsize>(block.size()));
    text.append(block.data(), static_cast<size_t>(file.gcount()));
  }
  if (file.bad()) throw ConfigError(path + ": cannot be read: " + std::strerror(errno));
  if (text.size() > max_bytes) throw ConfigError(fmt::format("{}: more than {} bytes", path, max_bytes));
  return text;
}

std::string place_text(const std::string& name, const YamlPlace& place) {
  if (place.line == 0) return "command line";
  return fmt::format("{}:{}:{}", name, place.line, place.column);
}

}  // namespace bitwright

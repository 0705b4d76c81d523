// SPDX-License-Identifier: Apache-2.0
#include "core/io/config_reader.h"

#include <charconv>
#include <cmath>
#include <regex>
#include <set>

#include "core/error.h"

namespace bitwright {

const Units kBytes = {{"B", 1}, {"KiB", 1024}, {"MiB", 1048576}, {"kB", 1e3}, {"MB", 1e6}};
const Units kBits = {{"bit", 1}, {"B", 8}};
const Units kMicroseconds = {{"us", 1}, {"ms", 1e3}, {"s", 1e6}};
const Units kMicrojoules = {{"uJ", 1}, {"nJ", 1e-3}, {"mJ", 1e3}};
const Units kMicrowatts = {{"uW", 1}, {"nW", 1e-3}, {"mW", 1e3}};
const Units kSeconds = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
const Units kHertz = {{"Hz", 1}, {"kHz", 1e3}, {"MHz", 1e6}};
const Units kVolts = {{"V", 1}, {"mV", 1e-3}};
const Units kMicroamps = {{"uA", 1}, {"nA", 1e-3}, {"mA", 1e3}};
const Units kMicroampsPerMegahertz = {{"uA/MHz", 1}, {"mA/MHz", 1e3}};
const Units kMilliampHours = {{"mAh", 1}, {"Ah", 1e3}};
const Units kParams = {{"", 1}, {"k", 1e3}, {"M", 1e6}};
const Units kMacs = {{"MAC", 1}, {"kMAC", 1e3}, {"MMAC", 1e6}};

namespace {

std::string written(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::kMap) return "{...}";
  if (node.kind != YamlNode::Kind::kList) return node.scalar;
  std::string items;
  for (const YamlNode& item : node.items) items += (items.empty() ? "" : ", ") + written(item);
  return fmt::format("[{}]", items);
}

// At most 80 characters of it.
std::string shown(const YamlNode& node) {
  std::string text;
  for (char c : written(node)) text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return text.size() > 80 ? text.substr(0, 80) + "..." : text;
}

// The whole text as a number, or nothing.
template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string range_rule(const std::string& min, const std::string& max, bool open_ended) {
  return open_ended ? "at least " + min : "in " + min + ".." + max;
}

template <class T>
Codec<T> integer(T min, T max) {
  const std::string range = range_rule(std::to_string(min), std::to_string(max), max == std::numeric_limits<T>::max());
  const auto parse = [=](const std::string& text, T& value) -> std::string {
    const auto parsed = number<T>(text);
    if (!parsed) return "a whole number, " + range;
    if (*parsed < min || *parsed > max) return range;
    value = *parsed;
    return "";
  };
  return {parse, [](const T& value) { return nlohmann::json(value); }};
}

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string names_of(const Units& units) {
  std::vector<std::string> names;
  for (const Unit& unit : units) names.push_back(unit.name);
  return joined(names);
}

// "32 KiB" -> 32768. Returns the broken rule, or nothing.
std::string parse_quantity(const std::string& text, const Units& units, None none, double& value) {
  if (none == None::kAllowed && text == "none") {
    value = 0.0;
    return "";
  }
  const size_t digits = text.find_first_not_of("0123456789.-+eE");
  size_t split = std::min(digits, text.size());
  const auto amount = number<double>(std::string_view(text).substr(0, split));
  while (split < text.size() && text[split] == ' ') ++split;
  const auto unit =
      std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == text.substr(split); });
  if (!amount || !std::isfinite(*amount) || unit == units.end())
    return "a number with a unit of " + names_of(units) + (none == None::kAllowed ? ", or none" : "");
  if (*amount <= 0.0) return none == None::kAllowed ? "above 0, or none" : "above 0";
  value = *amount * unit->factor;
  return value > 1e15 ? "at most 1e15 " + units.front().name : "";
}

}  // namespace

void Mistakes::add(const YamlPlace& place, const std::string& path, const std::string& rule) {
  lines_.emplace(place, place_text(file_, place) + ": " + (path.empty() ? "" : path + ": ") + rule);
}

void Mistakes::add(const YamlPlace& place, const std::string& path, const YamlNode& value, const std::string& rule) {
  add(place, path + " = " + shown(value), rule);
}

void Mistakes::add_lines(const YamlPlace& place, const std::string& lines) {
  lines_.emplace(place, lines);
}

void Mistakes::throw_if_any() const {
  if (lines_.empty()) return;
  std::string text;
  for (const auto& [place, line] : lines_) text += (text.empty() ? "" : "\n") + line;
  throw ConfigError(text);
}

Codec<int> whole(int min, int max) {
  return integer(min, max);
}
Codec<int64_t> whole64(int64_t min, int64_t max) {
  return integer(min, max);
}
Codec<uint64_t> seed_number() {
  return integer<uint64_t>(0, std::numeric_limits<uint64_t>::max());
}

Codec<double> real(double min, double max) {
  const std::string range = range_rule(fmt::format("{}", min), fmt::format("{}", max), false);
  const auto parse = [=](const std::string& text, double& value) -> std::string {
    const auto parsed = number<double>(text);
    if (!parsed || !std::isfinite(*parsed)) return "a number, " + range;
    if (*parsed < min || *parsed > max) return range;
    value = *parsed;
    return "";
  };
  return {parse, [](const double& value) { return nlohmann::json(value); }};
}

Codec<bool> flag() {
  const auto parse = [](const std::string& text, bool& value) -> std::string {
    if (text != "true" && text != "false") return "true or false";
    value = text == "true";
    return "";
  };
  return {parse, [](const bool& value) { return nlohmann::json(value); }};
}

Codec<std::string> any_text() {
  const auto parse = [](const std::string& text, std::string& value) -> std::string {
    const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
    if (std::ranges::any_of(text, is_control)) return "one line without control characters";
    value = text;
    return "";
  };
  return {parse, [](const std::string& value) { return nlohmann::json(value); }};
}

Codec<std::string> name_text() {
  const auto parse = [](const std::string& text, std::string& value) -> std::string {
    const bool letters = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
    if (!letters || text.empty() || text[0] < 'a' || text[0] > 'z' || text.size() > 64)
      return "lower-case letters, digits and _, a letter first, at most 64";
    static const std::set<std::string> kTaken = {"bw", "golden_test", "main", "stddef", "stdint", "string"};
    if (text.starts_with("bw_") || kTaken.contains(text)) return "another name: files of the C package are called so";
    value = text;
    return "";
  };
  return {parse, [](const std::string& value) { return nlohmann::json(value); }};
}

Codec<std::string> model_name() {
  static const std::regex kTypes("u?int(_least|_fast)?(8|16|32|64)|u?int(ptr|max)|s?size|ptrdiff|wchar|float|double");
  const auto parse = [name = name_text()](const std::string& text, std::string& value) -> std::string {
    const std::string rule = name.parse(text, value);
    if (!rule.empty() || !std::regex_match(text, kTypes)) return rule;
    return "another name: the C package's type " + text + "_t is one of C's own";
  };
  return {parse, [](const std::string& value) { return nlohmann::json(value); }};
}

Codec<std::string> one_of(std::vector<std::string> words) {
  const auto parse = [words](const std::string& text, std::string& value) -> std::string {
    if (std::find(words.begin(), words.end(), text) == words.end())
      return "one of " + joined(words) + did_you_mean(text, words);
    value = text;
    return "";
  };
  return {parse, [](const std::string& value) { return nlohmann::json(value); }};
}

Codec<Format> one_of(std::vector<Format> formats) {
  std::vector<std::string> words;
  for (Format format : formats) words.emplace_back(format_name(format));
  const auto parse = [names = one_of(words)](const std::string& text, Format& value) {
    std::string word;
    const std::string rule = names.parse(text, word);
    if (rule.empty()) value = *format_from_name(word);
    return rule;
  };
  return {parse, [](const Format& value) { return nlohmann::json(format_name(value)); }};
}

Codec<double> quantity(const Units& units, None none) {
  const auto parse = [=](const std::string& text, double& value) { return parse_quantity(text, units, none, value); };
  const auto print = [=](const double& value) -> nlohmann::json {
    if (none == None::kAllowed && value == 0.0) return "none";
    return fmt::format("{} {}", value, units.front().name);
  };
  return {parse, print};
}

Codec<int64_t> quantity64(const Units& units, None none) {
  const auto parse = [=](const std::string& text, int64_t& value) -> std::string {
    double parsed = 0.0;
    const std::string rule = parse_quantity(text, units, none, parsed);
    if (!rule.empty()) return rule;
    if (parsed != std::floor(parsed)) return "a whole number of " + units.front().name;
    value = static_cast<int64_t>(parsed);
    return "";
  };
  const auto print = [=](const int64_t& value) -> nlohmann::json {
    if (none == None::kAllowed && value == 0) return "none";
    return fmt::format("{} {}", value, units.front().name);
  };
  return {parse, print};
}

FieldReader::FieldReader(const YamlNode& map, std::string path, Mistakes& mistakes)
    : map_(map), path_(std::move(path)), mistakes_(mistakes) {
  if (map.kind == YamlNode::Kind::kScalar || map.kind == YamlNode::Kind::kList)
    mistakes_.add(map.place, path_, "a map of `key: value` lines");
}

std::string FieldReader::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

YamlPlace FieldReader::place_of(std::string_view key) const {
  for (size_t i = 0; i < map_.keys.size(); ++i)
    if (map_.keys[i] == key) return map_.key_places[i];
  return map_.place;
}

const YamlNode* FieldReader::node(std::string_view key, Need need) {
  known_.emplace_back(key);
  const YamlNode* found = map_.find(key);
  const bool is_map = map_.kind == YamlNode::Kind::kMap || map_.kind == YamlNode::Kind::kNull;
  if (!found && need == Need::kRequired && is_map)
    mistakes_.add(map_.place, path_, fmt::format("missing key \"{}\"", key));
  if (found && found->kind == YamlNode::Kind::kNull) {
    mistakes_.add(place_of(key), path_of(key), "no value");
    return nullptr;
  }
  return found;
}

void FieldReader::mistake(std::string_view key, const std::string& rule) {
  const YamlNode* found = map_.find(key);
  if (found)
    mistakes_.add(place_of(key), path_of(key), *found, rule);
  else
    mistakes_.add(map_.place, path_of(key), rule);
}

void FieldReader::check(std::string_view key, bool ok, const std::string& rule) {
  if (!ok) mistake(key, rule);
}

void FieldReader::scalar(std::string_view key, Need need, const Parse& parse, const Print&) {
  const YamlNode* found = node(key, need);
  if (!found) return;
  const std::string rule = found->kind == YamlNode::Kind::kScalar ? parse(found->scalar) : "one value";
  if (!rule.empty()) mistakes_.add(place_of(key), path_of(key), *found, rule);
}

void FieldReader::scalars(std::string_view key, Need need, const std::function<void()>& clear, const Parse& add,
                          const Print&) {
  const YamlNode* found = node(key, need);
  if (!found) return;
  if (found->kind == YamlNode::Kind::kMap) {
    mistakes_.add(place_of(key), path_of(key), *found, "a list of values");
    return;
  }
  clear();
  const bool single = found->kind == YamlNode::Kind::kScalar;
  if (!single && found->items.empty() && need == Need::kRequired)
    mistakes_.add(place_of(key), path_of(key), "at least one value");
  const size_t count = single ? 1 : found->items.size();
  for (size_t i = 0; i < count; ++i) {
    const YamlNode& item = single ? *found : found->items[i];
    const std::string path = single ? path_of(key) : fmt::format("{}[{}]", path_of(key), i);
    const std::string rule = item.kind == YamlNode::Kind::kScalar ? add(item.scalar) : "one value";
    if (!rule.empty()) mistakes_.add(single ? place_of(key) : item.place, path, item, rule);
  }
}

void FieldReader::maps(std::string_view key, Need need, size_t, const std::function<void()>& grow,
                       const std::function<void(Fields&, size_t)>& visit) {
  const YamlNode* found = node(key, need);
  if (!found) return;
  if (found->kind != YamlNode::Kind::kList || found->items.empty()) {
    mistakes_.add(place_of(key), path_of(key), *found, "a list of maps, at least one");
    return;
  }
  for (size_t i = 0; i < found->items.size(); ++i) {
    grow();
    FieldReader item(found->items[i], fmt::format("{}[{}]", path_of(key), i), mistakes_);
    visit(item, i);
    item.finish();
  }
}

void FieldReader::section(std::string_view key, const std::function<void(Fields&)>& visit, Need need) {
  const YamlNode* found = node(key, need);
  if (!found) return;
  FieldReader inner(*found, path_of(key), mistakes_);
  visit(inner);
  inner.finish();
}

void FieldReader::texts(std::string_view key, std::map<std::string, std::string>& field) {
  const YamlNode* found = node(key);
  if (!found) return;
  if (found->kind != YamlNode::Kind::kMap) {
    mistakes_.add(place_of(key), path_of(key), *found, "a map of texts");
    return;
  }
  for (size_t i = 0; i < found->keys.size(); ++i) {
    if (found->items[i].kind == YamlNode::Kind::kScalar)
      field[found->keys[i]] = found->items[i].scalar;
    else
      mistakes_.add(found->key_places[i], path_of(key) + "." + found->keys[i], "a text");
  }
}

void FieldReader::text_records(std::string_view key, std::vector<std::map<std::string, std::string>>& field,
                               const std::function<void(Fields&, std::map<std::string, std::string>&)>& visit) {
  const YamlNode* found = node(key);
  if (!found) return;
  if (found->kind != YamlNode::Kind::kList) {
    mistakes_.add(place_of(key), path_of(key), *found, "a list of maps");
    return;
  }
  for (size_t i = 0; i < found->items.size(); ++i) {
    FieldReader item(found->items[i], fmt::format("{}[{}]", path_of(key), i), mistakes_);
    visit(item, field.emplace_back());
    item.finish();
  }
}

void FieldReader::finish() {
  for (size_t i = 0; i < map_.keys.size(); ++i) {
    if (std::find(known_.begin(), known_.end(), map_.keys[i]) != known_.end()) continue;
    YamlNode key;
    key.scalar = map_.keys[i];
    mistakes_.add(map_.key_places[i], path_of(shown(key)), "unknown key" + did_you_mean(map_.keys[i], known_));
  }
}

void FieldWriter::scalar(std::string_view key, Need, const Parse&, const Print& print) {
  json[std::string(key)] = print();
}

void FieldWriter::scalars(std::string_view key, Need, const std::function<void()>&, const Parse&, const Print& print) {
  json[std::string(key)] = print();
}

void FieldWriter::maps(std::string_view key, Need, size_t size, const std::function<void()>&,
                       const std::function<void(Fields&, size_t)>& visit) {
  auto& list = json[std::string(key)] = nlohmann::json::array();
  for (size_t i = 0; i < size; ++i) {
    FieldWriter item;
    visit(item, i);
    list.push_back(std::move(item.json));
  }
}

void FieldWriter::section(std::string_view key, const std::function<void(Fields&)>& visit, Need) {
  FieldWriter inner;
  visit(inner);
  json[std::string(key)] = std::move(inner.json);
}

void FieldWriter::texts(std::string_view key, std::map<std::string, std::string>& field) {
  json[std::string(key)] = field;
}

void FieldWriter::text_records(std::string_view key, std::vector<std::map<std::string, std::string>>& field,
                               const std::function<void(Fields&, std::map<std::string, std::string>&)>&) {
  json[std::string(key)] = field;
}

void FieldLister::scalar(std::string_view key, Need, const Parse&, const Print&) {
  names.push_back(prefix_ + std::string(key));
}

void FieldLister::scalars(std::string_view key, Need, const std::function<void()>&, const Parse&, const Print&) {
  names.push_back(prefix_ + std::string(key));
}

void FieldLister::maps(std::string_view key, Need, size_t size, const std::function<void()>& grow,
                       const std::function<void(Fields&, size_t)>& visit) {
  if (size == 0) grow();
  FieldLister inner(prefix_ + std::string(key) + ".");
  visit(inner, 0);
  names.insert(names.end(), inner.names.begin(), inner.names.end());
}

void FieldLister::section(std::string_view key, const std::function<void(Fields&)>& visit, Need) {
  FieldLister inner(prefix_ + std::string(key) + ".");
  visit(inner);
  names.insert(names.end(), inner.names.begin(), inner.names.end());
}

void FieldLister::texts(std::string_view key, std::map<std::string, std::string>&) {
  names.push_back(prefix_ + std::string(key));
}

void FieldLister::text_records(std::string_view key, std::vector<std::map<std::string, std::string>>&,
                               const std::function<void(Fields&, std::map<std::string, std::string>&)>&) {
  names.push_back(prefix_ + std::string(key));
}

namespace {

// Optimal string alignment distance (Damerau 1964, each piece edited once).
size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replace});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

void place_on_command_line(YamlNode& node) {
  node.place = {0, 0};
  for (YamlPlace& place : node.key_places) place = {0, 0};
  for (YamlNode& item : node.items) place_on_command_line(item);
}

// The value of `key`, made if it is missing. Only the last key of an assignment moves to the command line.
YamlNode& child(YamlNode& map, const std::string& key, bool last, const std::string& assignment) {
  if (map.kind != YamlNode::Kind::kMap && map.kind != YamlNode::Kind::kNull)
    throw ConfigError(fmt::format("command line: {}: \"{}\" would lie inside a value", assignment, key));
  map.kind = YamlNode::Kind::kMap;
  for (size_t i = 0; i < map.keys.size(); ++i) {
    if (map.keys[i] != key) continue;
    if (last) map.key_places[i] = {0, 0};
    return map.items[i];
  }
  map.keys.push_back(key);
  map.key_places.push_back({0, 0});
  map.items.emplace_back();
  map.items.back().place = {0, 0};
  return map.items.back();
}

}  // namespace

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known) {
  const std::string* nearest = nullptr;
  size_t best = std::max<size_t>(word.size() / 3, 1) + 1;
  const bool number = word.find_first_not_of("0123456789") == std::string::npos;
  if (word.size() > 64 || number) return "";
  for (const std::string& candidate : known) {
    const size_t distance = edit_distance(word, candidate);
    if (distance < best) {
      best = distance;
      nearest = &candidate;
    }
  }
  return nearest ? fmt::format(", did you mean \"{}\"?", *nearest) : "";
}

void apply_override(YamlNode& root, const std::string& assignment) {
  const size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0)
    throw ConfigError("command line: " + assignment + ": an override is written search.trials=200");
  const std::string path = assignment.substr(0, equals);
  YamlNode* target = &root;
  for (size_t start = 0; start <= path.size();) {
    const size_t dot = std::min(path.find('.', start), path.size());
    target = &child(*target, path.substr(start, dot - start), dot == path.size(), assignment);
    start = dot + 1;
  }
  *target = parse_yaml(assignment.substr(equals + 1), "command line: " + path);
  place_on_command_line(*target);
}

}  // namespace bitwright

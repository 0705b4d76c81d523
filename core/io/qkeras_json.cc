// SPDX-License-Identifier: Apache-2.0
#include "core/io/qkeras_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/qkeras_text.h"

namespace bitwright {
namespace {

using nlohmann::json;

[[noreturn]] void fail(const std::string& place, const std::string& rule) {
  throw ConfigError(fmt::format("{}: {}", place, rule));
}

// Appends nested lists of numbers; `shape` is known down to `axis` after the first branch. False if lengths differ or
// something else than a number is in it.
bool append(const json& j, size_t axis, QkerasArray& array) {
  if (!j.is_array()) {
    if (!j.is_number() || axis != array.shape.size()) return false;
    array.values.push_back(j.get<float>());
    return true;
  }
  const auto length = static_cast<int64_t>(j.size());
  if (axis == array.shape.size() && array.values.empty()) array.shape.push_back(length);
  if (length == 0 || axis >= array.shape.size() || array.shape[axis] != length) return false;
  return std::all_of(j.begin(), j.end(), [&](const json& item) { return append(item, axis + 1, array); });
}

// What no field takes comes as its text: an error names it, an unknown key leaves it alone.
QkerasValue value_of(const json& j) {
  if (j.is_null()) return std::monostate{};
  if (j.is_boolean()) return j.get<bool>();
  if (j.is_number_integer()) return j.get<int64_t>();
  if (j.is_number()) return j.get<double>();
  if (j.is_string()) return j.get<std::string>();
  QkerasArray array;
  return j.is_array() && append(j, 0, array) ? QkerasValue{array} : QkerasValue{j.dump()};
}

// A float32 as the shortest decimal, so that 0.1f is written 0.1.
json decimal(float value) {
  const std::string text = fmt::format("{}", value);
  double shortest = 0.0;
  std::from_chars(text.data(), text.data() + text.size(), shortest);
  return shortest;
}

json nested(const QkerasArray& array, size_t axis, size_t& next) {
  if (axis == array.shape.size()) return decimal(array.values[next++]);
  json list = json::array();
  for (int64_t i = 0; i < array.shape[axis]; ++i) list.push_back(nested(array, axis + 1, next));
  return list;
}

struct ToJson {
  json operator()(std::monostate) const { return nullptr; }
  json operator()(const QkerasArray& v) const {
    size_t next = 0;
    return nested(v, 0, next);
  }
  template <class T>
  json operator()(const T& v) const {
    return v;
  }
};

}  // namespace

std::optional<QkerasQuantizer> read_qkeras_quantizer(const json& j, const std::string& place) {
  if (j.is_null() || j == "linear") return std::nullopt;
  if (j.is_string()) {
    try {
      return parse_qkeras_quantizer(j.get<std::string>());
    } catch (const ConfigError& e) {
      fail(place, e.what());
    }
  }
  if (!j.is_object() || !j.contains("class_name") || !j["class_name"].is_string())
    fail(place, "a text, null or a dictionary with class_name wanted");
  std::vector<QkerasArgument> arguments;
  const json config = j.value("config", json::object());
  if (!config.is_object()) fail(place, "config: a dictionary wanted");
  for (const auto& [name, value] : config.items()) arguments.push_back({name, value_of(value)});
  return make_qkeras_quantizer(j["class_name"].get<std::string>(), arguments, place, true);
}

json write_qkeras_quantizer(const QkerasQuantizer& quantizer) {
  const std::string name(class_name(quantizer));
  if (std::holds_alternative<NamedActivation>(quantizer)) return name;
  json config = json::object();
  for (const QkerasArgument& argument : qkeras_arguments(quantizer))
    config[argument.name] = std::visit(ToJson{}, argument.value);
  return {{"class_name", name}, {"config", config}};
}

}  // namespace bitwright

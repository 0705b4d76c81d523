// core/io/config_reader.h: fields of a configuration, described once and then read, written or listed.
//
//   void visit(Fields& fields, SearchSpec& search) {
//     fields.value("population", search.population, whole(4, 1000000));
//   }
// FieldReader fills the struct from YAML and collects every mistake; FieldWriter makes JSON that reads back equal;
// FieldLister names the fields, for the test that holds docs/configuration.md against them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/format.h"
#include "core/io/enum_words.h"
#include "core/io/yaml.h"

namespace bitwright {

// All that is wrong with one file; thrown together as a ConfigError, a line each, in the order of the file.
class Mistakes {
 public:
  explicit Mistakes(std::string file) : file_(std::move(file)) {}

  void add(const YamlPlace& place, const std::string& path, const std::string& rule);
  // `path = value: rule`
  void add(const YamlPlace& place, const std::string& path, const YamlNode& value, const std::string& rule);
  // Lines that name their own place, from another file.
  void add_lines(const YamlPlace& place, const std::string& lines);

  bool empty() const { return lines_.empty(); }
  void throw_if_any() const;
  const std::string& file() const { return file_; }

 private:
  std::string file_;
  std::multimap<YamlPlace, std::string> lines_;
};

// How a value is written. parse returns the rule that the text breaks, empty if none, and then sets the value.
template <class T>
struct Codec {
  std::function<std::string(const std::string& text, T& value)> parse;
  std::function<nlohmann::json(const T& value)> print;
};

Codec<int> whole(int min, int max = std::numeric_limits<int>::max());
Codec<int64_t> whole64(int64_t min, int64_t max = std::numeric_limits<int64_t>::max());
Codec<uint64_t> seed_number();
Codec<double> real(double min, double max);
Codec<bool> flag();  // true or false
Codec<std::string> any_text();
Codec<std::string> name_text();   // [a-z][a-z0-9_]*, at most 64 long: names become C identifiers
Codec<std::string> model_name();  // the same, and NAME_t is no type of C
Codec<std::string> one_of(std::vector<std::string> words);
Codec<Format> one_of(std::vector<Format> formats);
template <class E>
Codec<E> one_of(const EnumWords<E>& words) {
  const auto parse = [names = one_of(words.words), words](const std::string& text, E& value) {
    std::string word;
    const std::string rule = names.parse(text, word);
    for (size_t i = 0; rule.empty() && i < words.words.size(); ++i)
      if (words.words[i] == word) value = static_cast<E>(i);
    return rule;
  };
  return {parse, [words](const E& value) { return nlohmann::json(words[value]); }};
}

// A number with a unit; the first unit is the base, in which the value is kept and printed.
struct Unit {
  std::string name;
  double factor;  // base units in one of it
};
using Units = std::vector<Unit>;  // the first is the base
extern const Units kBytes, kBits, kMicroseconds, kMicrojoules, kMicrowatts, kSeconds, kHertz, kVolts, kMicroamps,
    kMicroampsPerMegahertz, kMilliampHours, kMacs, kParams;  // kParams: its base has no name

enum class None { kForbidden, kAllowed };  // kAllowed: the word `none` is 0
// Above 0.
Codec<int64_t> quantity64(const Units& units, None none = None::kForbidden);
Codec<double> quantity(const Units& units, None none = None::kForbidden);

enum class Need { kOptional, kRequired };

class Fields {
 public:
  virtual ~Fields() = default;

  template <class T>
  void value(std::string_view key, T& field, const Codec<T>& codec, Need need = Need::kOptional) {
    scalar(
        key, need, [&](const std::string& text) { return codec.parse(text, field); },
        [&] { return codec.print(field); });
  }
  // A list; one scalar stands for a list of one.
  template <class T>
  void values(std::string_view key, std::vector<T>& field, const Codec<T>& codec, Need need = Need::kOptional) {
    const auto add = [&](const std::string& text) {
      T item{};
      std::string rule = codec.parse(text, item);
      if (rule.empty() && std::find(field.begin(), field.end(), item) != field.end()) rule = "given twice";
      if (rule.empty()) field.push_back(item);
      return rule;
    };
    const auto print = [&] {
      nlohmann::json list = nlohmann::json::array();
      for (const T& item : field) list.push_back(codec.print(item));
      return list;
    };
    scalars(
        key, need, [&] { field.clear(); }, add, print);
  }
  // A list of maps.
  template <class T>
  void records(std::string_view key, std::vector<T>& field, const std::function<void(Fields&, T&)>& visit, Need need) {
    maps(
        key, need, field.size(), [&] { field.emplace_back(); }, [&](Fields& f, size_t i) { visit(f, field[i]); });
  }
  virtual void section(std::string_view key, const std::function<void(Fields&)>& visit,
                       Need need = Need::kOptional) = 0;
  virtual void texts(std::string_view key, std::map<std::string, std::string>& field) = 0;
  // A list of maps of texts, whose keys other fields decide: the whole list is one field.
  virtual void text_records(std::string_view key, std::vector<std::map<std::string, std::string>>& field,
                            const std::function<void(Fields&, std::map<std::string, std::string>&)>& visit) = 0;
  // A rule over several fields, reported at `key`. Ask only where reading can break it.
  virtual void check(std::string_view key, bool ok, const std::string& rule) = 0;

 protected:
  using Parse = std::function<std::string(const std::string&)>;
  using Print = std::function<nlohmann::json()>;
  virtual void scalar(std::string_view key, Need need, const Parse& parse, const Print& print) = 0;
  virtual void scalars(std::string_view key, Need need, const std::function<void()>& clear, const Parse& add,
                       const Print& print) = 0;
  virtual void maps(std::string_view key, Need need, size_t size, const std::function<void()>& grow,
                    const std::function<void(Fields&, size_t)>& visit) = 0;
};

class FieldReader : public Fields {
 public:
  // `path` of the map itself: "" for the document.
  FieldReader(const YamlNode& map, std::string path, Mistakes& mistakes);

  void section(std::string_view key, const std::function<void(Fields&)>& visit, Need need) override;
  void texts(std::string_view key, std::map<std::string, std::string>& field) override;
  void text_records(std::string_view key, std::vector<std::map<std::string, std::string>>& field,
                    const std::function<void(Fields&, std::map<std::string, std::string>&)>& visit) override;
  void check(std::string_view key, bool ok, const std::string& rule) override;

  // The node of a key that is read in a way of its own; null if it is not there (a mistake if required) or empty.
  const YamlNode* node(std::string_view key, Need need = Need::kOptional);
  // A mistake at a key of this map; at the map if it lacks the key.
  void mistake(std::string_view key, const std::string& rule);
  // Reports the keys that nobody asked for.
  void finish();

 protected:
  void scalar(std::string_view key, Need need, const Parse& parse, const Print& print) override;
  void scalars(std::string_view key, Need need, const std::function<void()>& clear, const Parse& add,
               const Print& print) override;
  void maps(std::string_view key, Need need, size_t size, const std::function<void()>& grow,
            const std::function<void(Fields&, size_t)>& visit) override;

 private:
  std::string path_of(std::string_view key) const;
  YamlPlace place_of(std::string_view key) const;

  const YamlNode& map_;
  std::string path_;
  Mistakes& mistakes_;
  std::vector<std::string> known_;
};

class FieldWriter : public Fields {
 public:
  nlohmann::json json = nlohmann::json::object();

  void section(std::string_view key, const std::function<void(Fields&)>& visit, Need need) override;
  void texts(std::string_view key, std::map<std::string, std::string>& field) override;
  void text_records(std::string_view key, std::vector<std::map<std::string, std::string>>& field,
                    const std::function<void(Fields&, std::map<std::string, std::string>&)>& visit) override;
  void check(std::string_view, bool, const std::string&) override {}

 protected:
  void scalar(std::string_view key, Need need, const Parse& parse, const Print& print) override;
  void scalars(std::string_view key, Need need, const std::function<void()>& clear, const Parse& add,
               const Print& print) override;
  void maps(std::string_view key, Need need, size_t size, const std::function<void()>& grow,
            const std::function<void(Fields&, size_t)>& visit) override;
};

class FieldLister : public Fields {
 public:
  explicit FieldLister(std::string prefix = "") : prefix_(std::move(prefix)) {}
  std::vector<std::string> names;  // in the order asked, sections left out

  void section(std::string_view key, const std::function<void(Fields&)>& visit, Need need) override;
  void texts(std::string_view key, std::map<std::string, std::string>& field) override;
  void text_records(std::string_view key, std::vector<std::map<std::string, std::string>>& field,
                    const std::function<void(Fields&, std::map<std::string, std::string>&)>& visit) override;
  void check(std::string_view, bool, const std::string&) override {}

 protected:
  void scalar(std::string_view key, Need need, const Parse& parse, const Print& print) override;
  void scalars(std::string_view key, Need need, const std::function<void()>& clear, const Parse& add,
               const Print& print) override;
  void maps(std::string_view key, Need need, size_t size, const std::function<void()>& grow,
            const std::function<void(Fields&, size_t)>& visit) override;

 private:
  std::string prefix_;
};

// `, did you mean "trials"?` for the nearest of `known` if it is near enough, else nothing; nothing for a number.
// Distance: optimal string alignment (insert, delete, replace, swap neighbours), at most a third of the word, at
// least 1.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& known);

// Sets `a.b.c=value` in the tree, value in YAML; its place is the command line. Throws ConfigError if it cannot be.
void apply_override(YamlNode& root, const std::string& assignment);

}  // namespace bitwright

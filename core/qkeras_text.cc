// SPDX-License-Identifier: Apache-2.0
#include "core/qkeras_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "core/error.h"

namespace bitwright {
namespace {

// --- The fields of each class in the order of their positions. Those after keyword_only() go by name alone; those
// after later() are written only where they differ from the default: not every version of QKeras knows them. ---

template <class Visitor>
void fields(QuantizedBits& q, Visitor&& field) {
  field("bits", q.bits);
  field("integer", q.integer);
  field("symmetric", q.symmetric);
  field("keep_negative", q.keep_negative);
  field("alpha", q.alpha);
  field("use_stochastic_rounding", q.use_stochastic_rounding);
  field.later();
  field("scale_axis", q.scale_axis);
  field("qnoise_factor", q.qnoise_factor);
  field.keyword_only();
  field("use_ste", q.use_ste);
  field("min_po2_exponent", q.min_po2_exponent);
  field("max_po2_exponent", q.max_po2_exponent);
  field("post_training_scale", q.post_training_scale);
}
template <class Visitor>
void fields(QuantizedLinear& q, Visitor&& field) {
  field("bits", q.bits);
  field("integer", q.integer);
  field("symmetric", q.symmetric);
  field("keep_negative", q.keep_negative);
  field("alpha", q.alpha);
  field.later();
  field("use_stochastic_rounding", q.use_stochastic_rounding);
  field("scale_axis", q.scale_axis);
  field("qnoise_factor", q.qnoise_factor);
}
template <class Visitor>
void fields(QuantizedRelu& q, Visitor&& field) {
  field("bits", q.bits);
  field("integer", q.integer);
  field("use_sigmoid", q.use_sigmoid);
  field("negative_slope", q.negative_slope);
  field("use_stochastic_rounding", q.use_stochastic_rounding);
  field("relu_upper_bound", q.relu_upper_bound);
  field.later();
  field("is_quantized_clip", q.is_quantized_clip);
  field("qnoise_factor", q.qnoise_factor);
  field.keyword_only();
  field("use_ste", q.use_ste);
}
template <class Visitor>
void fields(Binary& q, Visitor&& field) {
  field("use_01", q.use_01);
  field("alpha", q.alpha);
  field("use_stochastic_rounding", q.use_stochastic_rounding);
  field.later();
  field("scale_axis", q.scale_axis);
  field.keyword_only();
  field("min_po2_exponent", q.min_po2_exponent);
  field("max_po2_exponent", q.max_po2_exponent);
}
template <class Visitor>
void fields(StochasticBinary& q, Visitor&& field) {
  field("alpha", q.alpha);
  field("temperature", q.temperature);
  field.later();
  field("use_real_sigmoid", q.use_real_sigmoid);
}
template <class Visitor>
void fields(Bernoulli& q, Visitor&& field) {
  field("alpha", q.alpha);
  field.later();
  field("temperature", q.temperature);
  field("use_real_sigmoid", q.use_real_sigmoid);
}
template <class Visitor>
void fields(Ternary& q, Visitor&& field) {
  field("alpha", q.alpha);
  field("threshold", q.threshold);
  field("use_stochastic_rounding", q.use_stochastic_rounding);
  field.later();
  field("number_of_unrolls", q.number_of_unrolls);
}
template <class Visitor>
void fields(StochasticTernary& q, Visitor&& field) {
  field("alpha", q.alpha);
  field("threshold", q.threshold);
  field("temperature", q.temperature);
  field.later();
  field("use_real_sigmoid", q.use_real_sigmoid);
  field("number_of_unrolls", q.number_of_unrolls);
}
template <class Visitor>
void fields(QuantizedTanh& q, Visitor&& field) {
  field("bits", q.bits);
  field("use_stochastic_rounding", q.use_stochastic_rounding);
  field("symmetric", q.symmetric);
  field("use_real_tanh", q.use_real_tanh);
}
template <class Visitor>
void fields(QuantizedSigmoid& q, Visitor&& field) {
  field("bits", q.bits);
  field("symmetric", q.symmetric);
  field("use_real_sigmoid", q.use_real_sigmoid);
  field.later();
  field("use_stochastic_rounding", q.use_stochastic_rounding);
}
template <class Visitor>
void fields(QuantizedUlaw& q, Visitor&& field) {
  field("bits", q.bits);
  field("integer", q.integer);
  field("symmetric", q.symmetric);
  field("u", q.u);
}
template <class Visitor>
void fields(QuantizedPo2& q, Visitor&& field) {
  field("bits", q.bits);
  field("max_value", q.max_value);
  field.later();
  field("use_stochastic_rounding", q.use_stochastic_rounding);
  field("quadratic_approximation", q.quadratic_approximation);
  field("log2_rounding", q.log2_rounding);
  field("qnoise_factor", q.qnoise_factor);
  field.keyword_only();
  field("use_ste", q.use_ste);
}
template <class Visitor>
void fields(QuantizedReluPo2& q, Visitor&& field) {
  field("bits", q.bits);
  field("max_value", q.max_value);
  field("negative_slope", q.negative_slope);
  field.later();
  field("use_stochastic_rounding", q.use_stochastic_rounding);
  field("quadratic_approximation", q.quadratic_approximation);
  field("log2_rounding", q.log2_rounding);
  field("qnoise_factor", q.qnoise_factor);
  field.keyword_only();
  field("use_ste", q.use_ste);
}
template <class Visitor>
void fields(QuantizedHswish& q, Visitor&& field) {
  field("bits", q.base.bits);
  field("integer", q.base.integer);
  field("symmetric", q.base.symmetric);
  field("alpha", q.base.alpha);
  field("use_stochastic_rounding", q.base.use_stochastic_rounding);
  field.later();
  field("scale_axis", q.base.scale_axis);
  field("qnoise_factor", q.base.qnoise_factor);
  field.keyword_only();
  field("relu_shift", q.relu_shift);
  field("relu_upper_bound", q.relu_upper_bound);
}
template <class Visitor>
void fields(NamedActivation&, Visitor&&) {}

// One quantizer of every class, with its defaults.
const std::vector<QkerasQuantizer>& prototypes() {
  static const std::vector<QkerasQuantizer> all = {QuantizedBits{},
                                                   QuantizedLinear{},
                                                   QuantizedRelu{},
                                                   Binary{},
                                                   StochasticBinary{},
                                                   Bernoulli{},
                                                   Ternary{},
                                                   StochasticTernary{},
                                                   QuantizedTanh{},
                                                   QuantizedSigmoid{},
                                                   QuantizedUlaw{},
                                                   QuantizedPo2{},
                                                   QuantizedReluPo2{},
                                                   QuantizedHswish{},
                                                   NamedActivation{"hard_sigmoid"},
                                                   NamedActivation{"hard_tanh"},
                                                   NamedActivation{"binary_sigmoid"},
                                                   NamedActivation{"binary_tanh"},
                                                   NamedActivation{"smooth_sigmoid"},
                                                   NamedActivation{"smooth_tanh"}};
  return all;
}

const QkerasQuantizer* prototype(std::string_view name) {
  const auto found = std::find_if(prototypes().begin(), prototypes().end(),
                                  [&](const QkerasQuantizer& q) { return class_name(q) == name; });
  return found == prototypes().end() ? nullptr : &*found;
}

// --- Values ---

// An array as nested lists: [[1, 2], [3, 4]].
std::string array_text(const QkerasArray& array, size_t axis, size_t& next) {
  if (axis == array.shape.size()) return fmt::format("{}", array.values[next++]);
  std::vector<std::string> items;
  for (int64_t i = 0; i < array.shape[axis]; ++i) items.push_back(array_text(array, axis + 1, next));
  return fmt::format("[{}]", fmt::join(items, ", "));
}

std::string value_text(const QkerasValue& value) {
  struct Text {
    std::string operator()(std::monostate) const { return "None"; }
    std::string operator()(bool v) const { return v ? "True" : "False"; }
    std::string operator()(int64_t v) const { return fmt::format("{}", v); }
    std::string operator()(double v) const { return fmt::format("{}", v); }
    std::string operator()(const std::string& v) const { return fmt::format("'{}'", v); }
    std::string operator()(const QkerasArray& v) const {
      size_t next = 0;
      return array_text(v, 0, next);
    }
  };
  return std::visit(Text{}, value);
}

std::optional<double> number(const QkerasValue& value) {
  if (const auto* i = std::get_if<int64_t>(&value)) return static_cast<double>(*i);
  if (const auto* d = std::get_if<double>(&value)) return *d;
  return std::nullopt;
}

// Each returns what the field wants, or nothing once it is stored.
using Wanted = const char*;

Wanted store(const QkerasValue& value, int& field) {
  const std::optional<double> v = number(value);
  if (!v || *v != std::floor(*v) || std::abs(*v) > 1e9) return "an integer";
  field = static_cast<int>(*v);
  return nullptr;
}
Wanted store(const QkerasValue& value, bool& field) {
  const auto* truth = std::get_if<bool>(&value);
  const std::optional<double> v = truth ? std::optional<double>(*truth ? 1.0 : 0.0) : number(value);
  if (!v || (*v != 0.0 && *v != 1.0)) return "True or False";
  field = *v == 1.0;
  return nullptr;
}
Wanted store(const QkerasValue& value, float& field) {
  const std::optional<double> v = number(value);
  if (!v) return "a number";
  field = static_cast<float>(*v);
  return nullptr;
}
Wanted store(const QkerasValue& value, std::string& field) {
  const auto* text = std::get_if<std::string>(&value);
  if (!text) return "a quoted string";
  field = *text;
  return nullptr;
}
template <class T>
Wanted store(const QkerasValue& value, std::optional<T>& field) {
  field.reset();
  return std::holds_alternative<std::monostate>(value) ? nullptr : store(value, field.emplace());
}
Wanted store(const QkerasValue& value, std::vector<int>& field) {
  field.clear();
  if (std::holds_alternative<std::monostate>(value)) return nullptr;
  if (const auto* array = std::get_if<QkerasArray>(&value); array && array->shape.size() == 1) {
    for (float axis : array->values) field.push_back(static_cast<int>(axis));
    return nullptr;
  }
  return store(value, field.emplace_back()) ? "an axis, a list of axes or None" : nullptr;
}
Wanted store(const QkerasValue& value, QkerasArray& field) {
  field = {};
  if (std::holds_alternative<std::monostate>(value)) return nullptr;
  if (const auto* array = std::get_if<QkerasArray>(&value)) {
    field = *array;
    return nullptr;
  }
  return store(value, field.values.emplace_back()) ? "a number, an array or None" : nullptr;
}
Wanted store(const QkerasValue& value, QkerasAlpha& field) {
  field = {};
  if (std::holds_alternative<std::monostate>(value)) return nullptr;
  const auto* text = std::get_if<std::string>(&value);
  if (text && (*text == "auto" || *text == "auto_po2")) {
    field.rule = *text == "auto" ? AlphaRule::kAuto : AlphaRule::kAutoPo2;
    return nullptr;
  }
  field.rule = AlphaRule::kFixed;
  return store(value, field.fixed) ? "a number, an array, 'auto', 'auto_po2' or None" : nullptr;
}

QkerasValue value_of(int field) {
  return int64_t{field};
}
QkerasValue value_of(bool field) {
  return field;
}
// The shortest decimal that is this float32.
QkerasValue value_of(float field) {
  const std::string text = fmt::format("{}", field);
  double value = 0.0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}
QkerasValue value_of(const std::string& field) {
  return field;
}
template <class T>
QkerasValue value_of(const std::optional<T>& field) {
  return field ? value_of(*field) : QkerasValue{};
}
QkerasValue value_of(const std::vector<int>& field) {
  if (field.empty()) return {};
  if (field.size() == 1) return value_of(field[0]);
  QkerasArray array{{static_cast<int64_t>(field.size())}, {}};
  for (int axis : field) array.values.push_back(static_cast<float>(axis));
  return array;
}
QkerasValue value_of(const QkerasArray& field) {
  if (field.values.empty()) return {};
  return field.shape.empty() ? value_of(field.values[0]) : QkerasValue{field};
}
QkerasValue value_of(const QkerasAlpha& field) {
  if (field.rule == AlphaRule::kFixed) return value_of(field.fixed);
  if (field.rule == AlphaRule::kNone) return {};
  return std::string(field.rule == AlphaRule::kAuto ? "auto" : "auto_po2");
}

// --- Arguments to fields and back ---

// Options of other versions that carry no number, or none that we leave out while they are null.
bool is_ignored(const QkerasArgument& argument) {
  static const std::set<std::string> ignored = {"var_name", "use_variables", "dtype", "trainable", "name"};
  return ignored.contains(argument.name);
}

[[noreturn]] void fail(const std::string& place, const std::string& rule) {
  throw ConfigError(fmt::format("{}: {}", place, rule));
}

// Takes from the arguments what each field is given.
class Assign {
 public:
  Assign(std::span<const QkerasArgument> arguments, const std::string& place) : arguments_(arguments), place_(place) {}

  template <class T>
  void operator()(const char* name, T& field) {
    names_.push_back(name);
    if (!keyword_only_) ++positions_;
    for (size_t i = 0; i < arguments_.size(); ++i) {
      const bool by_position = arguments_[i].name.empty() && !keyword_only_ && i + 1 == positions_;
      if (!by_position && arguments_[i].name != name) continue;
      if (!given_.insert(name).second) fail(place_, fmt::format("{}: given twice", name));
      if (const Wanted wanted = store(arguments_[i].value, field))
        fail(place_, fmt::format("{} = {}: {}", name, value_text(arguments_[i].value), wanted));
    }
  }
  void keyword_only() { keyword_only_ = true; }
  void later() {}

  void check_rest(std::string_view class_name, bool ignore_unknown) const {
    for (size_t i = 0; i < arguments_.size(); ++i) {
      const QkerasArgument& argument = arguments_[i];
      if (argument.name.empty() && i >= positions_)
        fail(place_, fmt::format("argument {}: {} takes at most {} by position", i + 1, class_name, positions_));
      if (argument.name.empty() || is_ignored(argument) || given_.contains(argument.name)) continue;
      if (argument.name == "elements_per_scale") {
        if (std::holds_alternative<std::monostate>(argument.value)) continue;
        fail(place_, fmt::format("elements_per_scale = {}: not supported, only None", value_text(argument.value)));
      }
      if (!ignore_unknown)
        fail(place_, fmt::format("{}: no argument of {}, which has {}", argument.name, class_name,
                                 names_.empty() ? "none" : fmt::format("{}", fmt::join(names_, ", "))));
    }
  }

 private:
  std::span<const QkerasArgument> arguments_;
  const std::string& place_;
  std::vector<std::string> names_;
  std::set<std::string> given_;
  size_t positions_ = 0;
  bool keyword_only_ = false;
};

// Every field by name; the first `always` of them are written whatever they hold.
struct Collect {
  std::vector<QkerasArgument> arguments;
  size_t always = 0;
  bool is_later = false;
  template <class T>
  void operator()(const char* name, const T& field) {
    arguments.push_back({name, value_of(field)});
    if (!is_later) always = arguments.size();
  }
  void keyword_only() {}
  void later() { is_later = true; }
};

Collect collect(QkerasQuantizer quantizer) {
  Collect all;
  std::visit([&](auto& q) { fields(q, all); }, quantizer);
  return all;
}

// The fields that differ from the defaults, and the first `always`.
std::vector<QkerasArgument> written(const QkerasQuantizer& quantizer, bool with_always) {
  const QkerasQuantizer* const known = prototype(class_name(quantizer));
  const Collect all = collect(quantizer), defaults = collect(known ? *known : quantizer);
  std::vector<QkerasArgument> arguments;
  for (size_t i = 0; i < all.arguments.size(); ++i)
    if ((with_always && i < all.always) || all.arguments[i].value != defaults.arguments[i].value)
      arguments.push_back(all.arguments[i]);
  return arguments;
}

// --- Text ---

// A cursor over `name(value, name=value)`.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text), place_(text) {}

  QkerasQuantizer parse() {
    const std::string name = word();
    if (name.empty()) fail(place_, "a quantizer's name wanted");
    if (!prototype(name)) fail(place_, fmt::format("{}: no quantizer of QKeras", name));
    std::vector<QkerasArgument> arguments;
    if (take('(') && !take(')')) {
      do arguments.push_back(argument(!arguments.empty() && !arguments.back().name.empty()));
      while (take(','));
      expect(')');
    }
    skip_spaces();
    if (at_ < text_.size()) fail(place_, fmt::format("'{}': nothing may follow", text_.substr(at_)));
    return make_qkeras_quantizer(name, arguments, place_, false);
  }

 private:
  QkerasArgument argument(bool after_name) {
    const size_t start = at_;
    const std::string name = word();
    if (!name.empty() && take('=')) return {name, value()};
    at_ = start;
    if (after_name) fail(place_, "a value without a name may not follow one with a name");
    return {"", value()};
  }

  QkerasValue value() {
    skip_spaces();
    if (at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"')) return quoted();
    if (take('[')) return list();
    const size_t start = at_;
    while (at_ < text_.size() && std::string_view(",()[]= ").find(text_[at_]) == std::string_view::npos) ++at_;
    const std::string_view literal = text_.substr(start, at_ - start);
    if (literal == "None") return std::monostate{};
    if (literal == "True" || literal == "False") return literal == "True";
    return numeral(literal);
  }

  QkerasValue numeral(std::string_view literal) const {
    const std::string_view digits = literal.starts_with('+') ? literal.substr(1) : literal;
    const char* const end = digits.data() + digits.size();
    int64_t integer = 0;
    if (const auto [last, error] = std::from_chars(digits.data(), end, integer); error == std::errc() && last == end)
      return integer;
    double real = 0.0;
    const auto [last, error] = std::from_chars(digits.data(), end, real);
    if (error != std::errc() || last != end || !std::isfinite(real))
      fail(place_, fmt::format("'{}': a number, True, False, None or a quoted string wanted", literal));
    return real;
  }

  std::string quoted() {
    const char quote = text_[at_++];
    const size_t end = text_.find(quote, at_);
    if (end == std::string_view::npos) fail(place_, "a quoted string has no end");
    const std::string inside(text_.substr(at_, end - at_));
    at_ = end + 1;
    return inside;
  }

  // Numbers, or lists of equal shape.
  QkerasArray list() {
    QkerasArray array{{0}, {}};
    Dims inner;
    while (!take(']')) {
      if (array.shape[0] > 0) expect(',');
      const QkerasValue item = value();
      const auto* nested = std::get_if<QkerasArray>(&item);
      const std::optional<double> real = number(item);
      const Dims shape = nested ? nested->shape : Dims{};
      if ((!nested && !real) || (array.shape[0]++ > 0 && shape != inner))
        fail(place_, "a list holds numbers, or lists of equal length");
      inner = shape;
      if (nested) array.values.insert(array.values.end(), nested->values.begin(), nested->values.end());
      if (real) array.values.push_back(static_cast<float>(*real));
    }
    if (array.values.empty()) fail(place_, "an empty list");
    array.shape.insert(array.shape.end(), inner.begin(), inner.end());
    return array;
  }

  std::string word() {
    skip_spaces();
    const size_t start = at_;
    const auto is_letter = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
    while (at_ < text_.size() && is_letter(text_[at_])) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  void skip_spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool take(char c) {
    skip_spaces();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail(place_, fmt::format("'{}' wanted after '{}'", c, text_.substr(0, at_)));
  }

  std::string_view text_;
  std::string place_;
  size_t at_ = 0;
};

}  // namespace

bool is_qkeras_quantizer(std::string_view text) {
  std::string_view name = text.substr(0, text.find('('));
  while (name.ends_with(' ')) name.remove_suffix(1);
  while (name.starts_with(' ')) name.remove_prefix(1);
  return prototype(name) != nullptr;
}

QkerasQuantizer parse_qkeras_quantizer(std::string_view text) {
  return Parser(text).parse();
}

QkerasQuantizer make_qkeras_quantizer(std::string_view class_name, std::span<const QkerasArgument> arguments,
                                      const std::string& place, bool ignore_unknown) {
  const QkerasQuantizer* const defaults = prototype(class_name);
  if (!defaults) fail(place, fmt::format("{}: no quantizer of QKeras", class_name));
  QkerasQuantizer quantizer = *defaults;
  Assign assign(arguments, place);
  std::visit([&](auto& q) { fields(q, assign); }, quantizer);
  assign.check_rest(class_name, ignore_unknown);
  if (const std::string rule = broken_rule(quantizer); !rule.empty()) fail(place, rule);
  return quantizer;
}

std::vector<QkerasArgument> qkeras_arguments(const QkerasQuantizer& quantizer) {
  return written(quantizer, true);
}

std::string qkeras_text(const QkerasQuantizer& quantizer) {
  std::vector<std::string> given;
  for (const QkerasArgument& argument : written(quantizer, false))
    given.push_back(fmt::format("{}={}", argument.name, value_text(argument.value)));
  const std::string_view name = class_name(quantizer);
  return given.empty() ? std::string(name) : fmt::format("{}({})", name, fmt::join(given, ","));
}

}  // namespace bitwright

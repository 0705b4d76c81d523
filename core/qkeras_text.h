// core/qkeras_text.h: how files spell QKeras quantizers.
//
//   quantized_relu(4,2)   binary(alpha=1)   ternary(alpha='auto_po2')   binary
// A name, and in parentheses values by position, then by name: integers, floats, True, False, None, quoted strings,
// lists of numbers. The order of positions is that of the fields in core/qkeras_quantizer.h up to qnoise_factor.
// var_name, use_variables, dtype, trainable and name are read and ignored.
// Source: QKeras, qkeras/quantizers.py and safe_eval.py.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/qkeras_quantizer.h"

namespace bitwright {

using QkerasValue = std::variant<std::monostate, bool, int64_t, double, std::string, QkerasArray>;
struct QkerasArgument {
  std::string name;  // empty: by position
  QkerasValue value;
};

// Whether `text` names a quantizer; if not, it may be a Keras activation (linear, relu, softmax, tanh, sigmoid).
bool is_qkeras_quantizer(std::string_view text);

// Throws ConfigError `text: rule`.
QkerasQuantizer parse_qkeras_quantizer(std::string_view text);

// From a class and its arguments; `place` begins each error. A name that the class lacks is an error, or ignored where
// `ignore_unknown`: dictionaries carry keys of other versions.
QkerasQuantizer make_qkeras_quantizer(std::string_view class_name, std::span<const QkerasArgument> arguments,
                                      const std::string& place, bool ignore_unknown);

// What a dictionary holds: the fields that every version of QKeras knows, and of the others those that differ from
// their defaults. By name, in order.
std::vector<QkerasArgument> qkeras_arguments(const QkerasQuantizer& quantizer);

// The spelling that parse_qkeras_quantizer reads back: only fields that differ from the defaults, by name.
std::string qkeras_text(const QkerasQuantizer& quantizer);

}  // namespace bitwright

// core/io/qkeras_json.h: QKeras quantizers as the configuration of a Keras model spells them.
//
//   {"class_name": "quantized_bits", "config": {"bits": 4, "integer": 0, "alpha": "auto_po2", ...}}
// or the text of core/qkeras_text.h. Keys that we do not know are ignored, beside `config` and within it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "core/qkeras_quantizer.h"

namespace bitwright {

// Null and "linear" mean not quantized: nullopt. alpha is a number, an array (nested by axis), a string or null.
// Throws ConfigError `place: field = value: rule`.
std::optional<QkerasQuantizer> read_qkeras_quantizer(const nlohmann::json& j, const std::string& place);

// The dictionary that read_qkeras_quantizer reads back as the same quantizer. Fields of later versions of QKeras are
// left out where they have their defaults. Functions (hard_tanh, ...) are their name.
nlohmann::json write_qkeras_quantizer(const QkerasQuantizer& quantizer);

}  // namespace bitwright

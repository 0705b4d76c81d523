// core/io/model_json.h: what trials exchange and the store keeps, as JSON. Found by nlohmann::json through ADL:
//   nlohmann::json j = model;   QuantizedModel m = j.get<QuantizedModel>();
//
// Round trips are exact, to the last bit of every float. Arrays of numbers are base64 (RFC 4648) of their
// little-endian bytes. A number that is not finite is null and comes back as NaN; an energy or a power that is not
// known is null and comes back as 0.
// Reading throws ConfigError, or StructureError where a network or model does not close (infer_shapes, check_model).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "core/board.h"
#include "core/dataset.h"
#include "core/error.h"
#include "core/estimates.h"
#include "core/network.h"
#include "core/parameters.h"
#include "core/quantized_model.h"
#include "core/recipe.h"
#include "core/trial.h"

namespace bitwright {

void to_json(nlohmann::json& j, const Shape& shape);
void from_json(const nlohmann::json& j, Shape& shape);
void to_json(nlohmann::json& j, const Window& window);
void from_json(const nlohmann::json& j, Window& window);
void to_json(nlohmann::json& j, const Network& network);
void from_json(const nlohmann::json& j, Network& network);
void to_json(nlohmann::json& j, const QuantizedModel& model);
void from_json(const nlohmann::json& j, QuantizedModel& model);
void to_json(nlohmann::json& j, const Parameters& parameters);
void from_json(const nlohmann::json& j, Parameters& parameters);
void to_json(nlohmann::json& j, const FrontEnd& front_end);
void from_json(const nlohmann::json& j, FrontEnd& front_end);
void to_json(nlohmann::json& j, const Recipe& recipe);
void from_json(const nlohmann::json& j, Recipe& recipe);
void to_json(nlohmann::json& j, const EpochRecord& epoch);
void from_json(const nlohmann::json& j, EpochRecord& epoch);
void to_json(nlohmann::json& j, const Metrics& metrics);
void from_json(const nlohmann::json& j, Metrics& metrics);
void to_json(nlohmann::json& j, const LayerEstimate& estimate);
void from_json(const nlohmann::json& j, LayerEstimate& estimate);
void to_json(nlohmann::json& j, const Estimates& estimates);
void from_json(const nlohmann::json& j, Estimates& estimates);
void to_json(nlohmann::json& j, const Violation& violation);
void from_json(const nlohmann::json& j, Violation& violation);
void to_json(nlohmann::json& j, const Candidate& candidate);
void from_json(const nlohmann::json& j, Candidate& candidate);

// Null of 0, which stands for what is not known.
nlohmann::json known(double value);

// What is wrong with the JSON, in the library's words without its code: `type must be string, but is null`.
std::string json_rule(const nlohmann::json::exception& error);

// Text -> value, every way of failing turned into a ConfigError `place: rule`.
nlohmann::json parse_json(const std::string& text, const std::string& place);
template <class T>
T read_json(const std::string& text, const std::string& place) {
  try {
    return parse_json(text, place).get<T>();
  } catch (const nlohmann::json::exception& e) {
    throw ConfigError(place + ": " + json_rule(e));
  } catch (const StructureError& e) {
    throw ConfigError(place + ": " + e.what());
  }
}

}  // namespace bitwright

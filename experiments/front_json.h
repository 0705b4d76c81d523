// experiments/front_json.h: trials and fronts as JSON for --json. Every object carries "schema": 1.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "experiments/study_session.h"

namespace bitwright {

// With how it does on each board, where the study tells of several.
nlohmann::json trial_json(const Trial& trial, const std::optional<Metrics>& test, const Study& study);
nlohmann::json front_json(const std::vector<FrontPoint>& front, const Study& study);

}  // namespace bitwright

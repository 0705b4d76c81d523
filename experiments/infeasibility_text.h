// experiments/infeasibility_text.h: why no candidate of a space keeps the limits, in words and as JSON.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "core/study.h"
#include "search/smallest.h"

namespace bitwright {

// Lines: how many random candidates break which limits; what not even the least can keep; whether the search for what
// is near was cut short; the nearest candidate, and the limits with which it would fit.
std::string infeasibility_text(const Infeasibility& why, const Study& study);

// Schema 1: reason, sampled, sound, broken [[rule, count]], impossible [rule, parameters, violation], candidates,
// whole; nearest {parameters, estimates, violations}, where there is one.
nlohmann::json infeasibility_json(const Infeasibility& why);

}  // namespace bitwright

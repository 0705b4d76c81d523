// experiments/duty_cycle_text.h: the duty cycle of a study in words: what average power is made of, from which sources,
// and what it leaves out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "core/study.h"

namespace bitwright {

// Whether battery lives can be told: there is a battery, and one board that it feeds.
bool tells_battery(const Study& study);

// Some lines, each of the study's boards with its sources; empty without a duty cycle.
std::string duty_cycle_text(const Study& study);
nlohmann::json duty_cycle_json(const Study& study);

}  // namespace bitwright

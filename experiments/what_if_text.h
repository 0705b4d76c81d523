// experiments/what_if_text.h: a front under other limits, in words and as JSON.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "experiments/what_if.h"

namespace bitwright {

// What was changed, and what the study was searched for; how many trained networks fit, and what rejects the others;
// the front, or the network nearest to fitting; that the front is a lower bound, where it is.
std::string what_if_text(const WhatIf& answer);

// As front_json(), with what_if: changed [name]; searched and asked, each {boards, limits, objectives}; trained;
// fitting; rejected [[rule, count]]; lower_bound; notes [text]; nearest {trial, estimates, violations}, where none
// fits.
nlohmann::json what_if_json(const WhatIf& answer);

}  // namespace bitwright

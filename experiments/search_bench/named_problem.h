// experiments/search_bench/named_problem.h: every problem that searches are compared on, by its name.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "experiments/search_bench/problems.h"

namespace bitwright {

// Those of search_problems(), then "nets", "nets-log" and "nets-early" (trained_nets.h).
std::vector<std::string> problem_names();
// Throws ConfigError for another name. Those of trained nets read their table: some
// tenths of a second.
Problem named_problem(const std::string& name);

}  // namespace bitwright

// experiments/counts_text.h: what was counted of a run, as text: of emulate and profile.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

namespace bitwright {

std::string whole_number(double count);
// From the figure to kCyclesUpper times it (deploy/timing.h): "812 .. 934".
std::string interval(double low, std::string (*format)(double) = whole_number);
// A row a class, the largest first, with its share; empty without classes.
std::string classes_table(const std::map<std::string, double>& instructions_by_class);

}  // namespace bitwright

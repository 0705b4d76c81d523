// SPDX-License-Identifier: Apache-2.0
#include "experiments/comparison.h"

namespace bitwright {

bool Comparison::holds(double value) const {
  if (comparator == ">=") return value >= bound;
  if (comparator == "<=") return value <= bound;
  if (comparator == ">") return value > bound;
  if (comparator == "<") return value < bound;
  return value == bound;
}

std::string parse_comparison(const std::string& text, const ParseBound& parse_bound, Comparison& comparison) {
  const size_t start = text.find_first_not_of(' ');
  for (const char* comparator : {">=", "<=", ">", "<", "="}) {
    if (start == std::string::npos || !text.substr(start).starts_with(comparator)) continue;
    comparison.comparator = comparator;
    const size_t bound = text.find_first_not_of(' ', start + comparison.comparator.size());
    return parse_bound(bound == std::string::npos ? "" : text.substr(bound), comparison.bound);
  }
  return "begins with >=, <=, >, < or =";
}

}  // namespace bitwright

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
  const auto from = [&](size_t at) {
    const size_t start = text.find_first_not_of(' ', at);
    return start == std::string::npos ? std::string_view() : std::string_view(text).substr(start);
  };
  const std::string_view rest = from(0);
  for (const std::string_view comparator : {">=", "<=", ">", "<", "="}) {
    if (!rest.starts_with(comparator)) continue;
    comparison.comparator = std::string(comparator);
    return parse_bound(std::string(from(text.size() - rest.size() + comparator.size())), comparison.bound);
  }
  return "begins with >=, <=, >, < or =";
}

}  // namespace bitwright

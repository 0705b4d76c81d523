// experiments/comparison.h: `>=128KiB` on the command line: a comparator, and a bound with its unit.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

namespace bitwright {

struct Comparison {
  std::string comparator;  // ">=", "<=", ">", "<", "="
  double bound = 0.0;      // in base units
  bool holds(double value) const;
};

// Reads a bound; returns the rule that it breaks, empty if none, as Codec::parse does.
using ParseBound = std::function<std::string(const std::string& text, double& bound)>;

// Returns the rule that `text` breaks, empty if none. Spaces around the comparator are no mistake.
std::string parse_comparison(const std::string& text, const ParseBound& parse_bound, Comparison& comparison);

}  // namespace bitwright

// search/user_designs.h: designs that the user gives to be tried first: search.designs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "search/candidate_rules.h"
#include "search/space.h"

namespace bitwright {

struct UserDesigns {
  std::vector<Candidate> candidates;  // that keep all rules, each once, in the order given
  // A line for each that is passed over: "search.designs[1] is passed over: flash ... exceeds the limit of ...".
  std::vector<std::string> warnings;
};

// Throws ConfigError where a design has no value for an active dimension, or one that is no choice.
UserDesigns user_designs(const std::vector<std::map<std::string, std::string>>& designs, const SearchSpace& space,
                         const CandidateRules& rules);

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "search/candidate_rules.h"

namespace bitwright {

std::vector<Violation> check_limits(const Estimates& costs, const CandidateRules& rules) {
  return rules.check_budgets ? rules.check_budgets(costs) : std::vector<Violation>{};
}

std::vector<Violation> check_with_margins(const Estimates& estimates, const CandidateRules& rules) {
  return check_limits(rules.margins ? rules.margins->with_margins(estimates) : estimates, rules);
}

}  // namespace bitwright

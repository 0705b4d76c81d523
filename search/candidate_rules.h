// search/candidate_rules.h: what decides, before any training, whether a candidate may be trained.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

#include "core/estimates.h"
#include "core/network.h"

namespace bitwright {

using EstimateFn = std::function<Estimates(const Network&)>;
// constraints/constraints.h and estimators/estimate.h. An empty function allows everything and costs nothing.
struct CandidateRules {
  std::function<std::vector<Violation>(const Network&)> check_structure;
  EstimateFn estimate;  // only called for networks of sound structure
  std::function<std::vector<Violation>(const Estimates&)> check_budgets;
};

}  // namespace bitwright

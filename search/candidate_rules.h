// search/candidate_rules.h: what decides, before any training, whether a candidate may be trained.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/estimates.h"
#include "core/network.h"
#include "search/cost_margins.h"

namespace bitwright {

using EstimateFn = std::function<Estimates(const Network&)>;
// constraints/constraints.h and estimators/estimate.h. An empty function allows everything and costs nothing.
struct CandidateRules {
  std::function<std::vector<Violation>(const Network&)> check_structure;
  EstimateFn estimate;  // only called for networks of sound structure
  std::function<std::vector<Violation>(const Estimates&)> check_budgets;
  // By which estimates are taken for more than they are; null: they are exact. A study's results teach them, before
  // they are told to its sampler, so that one set of rules serves one sampler.
  std::shared_ptr<CostMargins> margins{};
};

// Limits that a candidate of these costs breaks.
std::vector<Violation> check_limits(const Estimates& costs, const CandidateRules& rules);
// The same, with the rules' margins.
std::vector<Violation> check_with_margins(const Estimates& estimates, const CandidateRules& rules);

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "search/user_designs.h"

#include <fmt/format.h>

#include <utility>

namespace bitwright {
namespace {

std::vector<Violation> violations_of(const Network& network, const CandidateRules& rules) {
  if (rules.check_structure)
    if (std::vector<Violation> broken = rules.check_structure(network); !broken.empty()) return broken;
  return rules.estimate && rules.check_budgets ? rules.check_budgets(rules.estimate(network))
                                               : std::vector<Violation>{};
}

}  // namespace

UserDesigns user_designs(const std::vector<std::map<std::string, std::string>>& designs, const SearchSpace& space,
                         const CandidateRules& rules) {
  UserDesigns user;
  std::map<std::string, size_t> first;  // hash -> position
  for (size_t i = 0; i < designs.size(); ++i) {
    const auto pass_over = [&](const std::string& rule) {
      user.warnings.push_back(fmt::format("search.designs[{}] is passed over: {}", i, rule));
    };
    Candidate candidate = space.decode(designs[i]);
    const auto [before, is_new] = first.try_emplace(candidate.hash, i);
    const std::vector<Violation> broken = violations_of(candidate.network, rules);
    if (!is_new)
      pass_over(fmt::format("the network of search.designs[{}]", before->second));
    else if (!broken.empty())
      pass_over(broken.front().message);
    else
      user.candidates.push_back(std::move(candidate));
  }
  return user;
}

}  // namespace bitwright

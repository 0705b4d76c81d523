// SPDX-License-Identifier: Apache-2.0
#include "search/propose_trial.h"

#include <set>
#include <utility>

#include "search/proposer.h"

namespace bitwright {
namespace {

// Cost is known before training: no epoch is spent on what does not fit.
std::vector<Violation> check(Trial& trial, const CandidateRules& rules) {
  const Network& network = trial.candidate.network;
  if (rules.check_structure) {
    auto violations = rules.check_structure(network);
    if (!violations.empty()) return violations;
  }
  trial.estimates = rules.estimate ? rules.estimate(network) : Estimates{};
  const bool own = trial.provenance.source == kUserDesign;
  return own ? check_limits(trial.estimates, rules) : check_with_margins(trial.estimates, rules);
}

// With what was passed over so far, by the sampler and before it.
void take(Trial& trial, Proposal proposal) {
  std::map<std::string, int64_t> rejected = std::move(trial.provenance.rejected);
  for (const auto& [rule, candidates] : proposal.rejected.by_rule) rejected[rule] += candidates;
  trial.rejected += proposal.rejected.breaking;
  trial.candidate = std::move(proposal.candidate);
  trial.source = std::move(proposal.source);
  trial.fidelity = proposal.fidelity;
  trial.provenance = std::move(proposal.provenance);
  trial.provenance.rejected = std::move(rejected);
}

bool accepts(Trial& trial, const ProposalContext& context) {
  std::map<std::string, int64_t>& rejected = trial.provenance.rejected;
  if (context.is_known(trial.candidate.hash)) {
    ++rejected["duplicate"];
    return false;
  }
  std::set<std::string> broken;
  for (const Violation& violation : check(trial, context.rules)) broken.insert(violation.rule);
  for (const std::string& rule : broken) ++rejected[rule];
  trial.rejected += broken.empty() ? 0 : 1;
  return broken.empty();
}

}  // namespace

ProposedTrial propose_trial(Sampler& sampler, int64_t number, const ProposalContext& context) {
  ProposedTrial proposed;
  proposed.trial.number = number;
  for (int64_t attempt = 0; attempt < kMaxAttempts; ++attempt) {
    Proposal proposal = sampler.ask(number, attempt);
    if (proposal.continues) {
      proposed.continuation = {*proposal.continues, proposal.fidelity, number, 0, std::move(proposal.provenance)};
      break;
    }
    take(proposed.trial, std::move(proposal));
    proposed.accepted = accepts(proposed.trial, context);
    if (proposed.accepted || !context.may_go_on()) break;
  }
  return proposed;
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "search/bayesian_sampler.h"

#include <fmt/format.h>

#include <cmath>

#include "core/check.h"

namespace bitwright {
namespace {

BayesianOptions options_of(const Goals& goals, int64_t validation_examples) {
  BayesianOptions options;
  options.error_resolution = 1.0 / static_cast<double>(validation_examples);
  options.most_error = 1.0 - goals.accuracy_floor;
  return options;
}

// "model, mutation of 12: error 4.1 % (2.9 .. 5.8 %), success 98 %"
std::string source_text(const DesignProposal& proposal) {
  std::string text = to_string(proposal.source);
  if (proposal.parent) text += fmt::format(", mutation of {}", *proposal.parent);
  if (!proposal.opinion) return text;
  const DesignOpinion& opinion = *proposal.opinion;
  const auto percent = [&](double deviations) {
    return 100.0 * std::exp(opinion.mean + deviations * opinion.deviation);
  };
  return text + fmt::format(": error {:.2g} % ({:.2g} .. {:.2g} %), success {:.0f} %", percent(0), percent(-1),
                            percent(1), 100.0 * std::exp(opinion.log_success));
}

}  // namespace

BayesianSampler::BayesianSampler(uint64_t seed, const SearchSpace& space, const Goals& goals,
                                 const CandidateRules& rules, int64_t validation_examples)
    : seed_(seed),
      space_(space),
      designs_(space, goals, rules),
      proposer_(designs_, seed, options_of(goals, validation_examples)) {
  BW_CHECK(validation_examples >= 1);
}

Proposal BayesianSampler::ask(int64_t number, int64_t attempt) {
  std::vector<DesignPoint> pending;
  for (const auto& [trial, point] : pending_) pending.push_back(point);
  if (attempt == 0)
    if (const std::optional<DesignProposal> proposal = proposer_.propose(number, pending))
      return {designs_.candidate(proposal->point), source_text(*proposal)};
  Rng rng = proposal_rng(seed_, number, attempt);
  return {space_.sample(rng), "random"};
}

void BayesianSampler::begin(const Trial& trial) {
  pending_.emplace(trial.number, designs_.point(trial.candidate));
}

void BayesianSampler::tell(const Trial& trial) {
  BW_CHECK(trial.state != TrialState::kRunning);
  pending_.erase(trial.number);
  DesignResult result{trial.number, designs_.point(trial.candidate), std::nullopt};
  if (trial.state == TrialState::kComplete)
    result.measured = ObjectiveVector{std::max(0.0, 1.0 - trial.metrics.accuracy)};
  proposer_.tell(result);
}

}  // namespace bitwright

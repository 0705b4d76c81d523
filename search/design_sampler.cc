// SPDX-License-Identifier: Apache-2.0
#include "search/design_sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "constraints/constraints.h"
#include "core/check.h"
#include "core/error.h"
#include "search/earlier_results.h"

namespace bitwright {
namespace {

ProposerOptions completed(ProposerOptions options, const Goals& goals, const std::vector<Candidate>& user,
                          const std::vector<EarlierStudy>& earlier, const CandidateDesigns& designs) {
  options.most_error = 1.0 - goals.accuracy_floor;
  for (const Candidate& candidate : user) options.given.push_back({designs.point(candidate), kUserDesign});
  for (const EarlierStudy& study : earlier) options.earlier.push_back(points_of(designs, study));
  return options;
}

// "model, mutation of 12: error 4.1 % (2.9 .. 5.8 %), success 98 %"
std::string source_text(const DesignProposal& proposal) {
  std::string text = proposal.source;
  if (!proposal.parents.empty()) {
    const bool mutation = proposal.parents.size() == 1;
    text += fmt::format("{}{} of {}", text.empty() ? "" : ", ", mutation ? "mutation" : "crossover",
                        fmt::join(proposal.parents, " and "));
  }
  if (!proposal.opinion) return text;
  const Opinion& opinion = *proposal.opinion;
  const auto percent = [&](double deviations) {
    return 100.0 * std::exp(opinion.mean + deviations * opinion.deviation);
  };
  return text + fmt::format(": error {:.2g} % ({:.2g} .. {:.2g} %), success {:.0f} %", percent(0), percent(-1),
                            percent(1), 100.0 * std::exp(opinion.log_success));
}

ProposalProvenance provenance_of(const DesignProposal& proposal) {
  return {.source = proposal.source, .parents = proposal.parents, .opinion = proposal.opinion};
}

}  // namespace

DesignSampler::DesignSampler(const SearchSpace& space, const Goals& goals, const CandidateRules& rules,
                             const std::vector<Candidate>& user, const std::vector<EarlierStudy>& earlier,
                             ProposerOptions options)
    : seed_(options.seed),
      rungs_(options.rungs),
      space_(space),
      designs_(space, goals, rules),
      proposer_(make_proposer(completed(std::move(options), goals, user, earlier, designs_), designs_)) {}

Proposal DesignSampler::ask(int64_t number, int64_t attempt) {
  std::vector<DesignPoint> pending;
  for (const auto& [trial, point] : pending_) pending.push_back(point);
  if (attempt == 0)
    if (const std::optional<DesignProposal> proposal = proposer_->propose(number, pending))
      return {.candidate = designs_.candidate(proposal->point),
              .source = source_text(*proposal),
              .rejected = proposal->rejected,
              .provenance = provenance_of(*proposal),
              .fidelity = proposal->fidelity,
              .continues = proposal->continues};
  Rng rng = proposal_rng(seed_, number, attempt);
  return {space_.sample(rng), "random", {}, {.source = "random"}, rungs_.front()};
}

void DesignSampler::begin(const Trial& trial) {
  const DesignPoint point = designs_.point(trial.candidate);
  designs_.admit(point);
  pending_.emplace(trial.number, point);
}

void DesignSampler::tell(const Trial& trial) {
  BW_CHECK(trial.state != TrialState::kRunning);
  if (std::ranges::count(rungs_, trial.fidelity) == 0)
    throw StoreError(fmt::format("trial {}: it is stored after {:g} % of its epochs, which search.rungs does not have",
                                 trial.number, 100.0 * trial.fidelity));
  pending_.erase(trial.number);
  const DesignPoint point = designs_.point(trial.candidate);
  designs_.admit(point);
  DesignResult result{.number = trial.number, .point = point, .measured = std::nullopt, .fidelity = trial.fidelity};
  if (has_accuracy(trial)) result.measured = ObjectiveVector{std::max(0.0, 1.0 - trial.metrics.accuracy)};
  for (const Violation& violation : trial.violations) result.excess += overshoot(violation);
  proposer_->tell(result);
}

}  // namespace bitwright

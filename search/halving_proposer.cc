// SPDX-License-Identifier: Apache-2.0
#include "search/halving_proposer.h"

#include <algorithm>
#include <utility>

namespace bitwright {

HalvingProposer::HalvingProposer(const DesignSpace& space, std::unique_ptr<Proposer> proposer,
                                 std::vector<double> rungs)
    : space_(space), proposer_(std::move(proposer)), halving_({.trust = {.rungs = std::move(rungs)}}) {}

void HalvingProposer::tell(const DesignResult& result) {
  proposer_->tell(result);
  points_[result.number] = result.point;
  if (!result.measured) return halving_.drop(result.number);
  const KnownOutcome known = space_.known_outcome(result.point);
  if (!known.broken.empty()) return;
  halving_.add(result.number, halving_.trust().rung_of(result.fidelity), joined(*result.measured, known.objectives));
}

std::optional<DesignProposal> HalvingProposer::propose(int64_t number, const std::vector<DesignPoint>& pending) {
  // Of promotions the rule alone tells which were made: what is under way is not asked for again.
  SuccessiveHalving halving = halving_;
  while (const std::optional<Promotion> promotion = halving.next()) {
    const DesignPoint& point = points_.at(promotion->number);
    if (std::ranges::count(pending, point) > 0) continue;
    return DesignProposal{.point = point,
                          .source = "halving",
                          .fidelity = halving_.trust().fidelity_of(promotion->rung),
                          .continues = promotion->number};
  }
  std::optional<DesignProposal> proposal = proposer_->propose(number, pending);
  if (proposal) proposal->fidelity = halving_.trust().fidelity_of(halving_.trust().rung_after(-1));
  return proposal;
}

}  // namespace bitwright

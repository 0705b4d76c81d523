// SPDX-License-Identifier: Apache-2.0
#include "search/halving_proposer.h"

#include <algorithm>
#include <utility>

#include "core/check.h"

namespace bitwright {

HalvingProposer::HalvingProposer(const DesignSpace& space, std::unique_ptr<Proposer> proposer,
                                 std::vector<double> rungs)
    : space_(space),
      proposer_(std::move(proposer)),
      rungs_(std::move(rungs)),
      halving_({.rungs = static_cast<int>(rungs_.size())}) {
  BW_CHECK(!rungs_.empty() && rungs_.back() == 1.0);
}

void HalvingProposer::tell(const DesignResult& result) {
  proposer_->tell(result);
  points_[result.number] = result.point;
  if (!result.measured) return halving_.drop(result.number);
  const KnownOutcome known = space_.known_outcome(result.point);
  if (!known.broken.empty()) return;
  const auto rung = std::ranges::find(rungs_, result.fidelity);
  BW_CHECK(rung != rungs_.end());
  halving_.add(result.number, static_cast<int>(rung - rungs_.begin()), joined(*result.measured, known.objectives));
}

std::optional<DesignProposal> HalvingProposer::propose(int64_t number, const std::vector<DesignPoint>& pending) {
  // Of promotions the rule alone tells which were made: what is under way is not asked for again.
  SuccessiveHalving halving = halving_;
  while (const std::optional<Promotion> promotion = halving.next()) {
    const DesignPoint& point = points_.at(promotion->number);
    if (std::ranges::count(pending, point) > 0) continue;
    return DesignProposal{.point = point,
                          .source = "halving",
                          .fidelity = rungs_[static_cast<size_t>(promotion->rung)],
                          .continues = promotion->number};
  }
  std::optional<DesignProposal> proposal = proposer_->propose(number, pending);
  if (proposal) proposal->fidelity = rungs_[static_cast<size_t>(halving_.first_rung())];
  return proposal;
}

}  // namespace bitwright

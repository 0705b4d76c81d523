// SPDX-License-Identifier: Apache-2.0
#include "search/given_proposer.h"

#include <utility>

namespace bitwright {

GivenProposer::GivenProposer(const DesignSpace& space, std::unique_ptr<Proposer> proposer,
                             std::vector<GivenPoint> given, double fidelity)
    : space_(space), proposer_(std::move(proposer)), given_(std::move(given)), fidelity_(fidelity) {}

void GivenProposer::tell(const DesignResult& result) {
  told_.insert(space_.key(result.point));
  proposer_->tell(result);
}

std::optional<DesignProposal> GivenProposer::propose(int64_t number, const std::vector<DesignPoint>& pending) {
  std::set<std::string> taken = told_;
  for (const DesignPoint& point : pending) taken.insert(space_.key(point));
  const auto fits = [&](const GivenPoint& given) {
    const bool own = given.source == kUserDesign;
    return (own ? space_.known_at_first(given.point) : space_.known_outcome(given.point)).broken.empty();
  };
  for (const GivenPoint& given : given_) {
    if (taken.contains(space_.key(given.point)) || !fits(given)) continue;
    DesignProposal proposal{.point = given.point, .source = given.source};
    proposal.fidelity = fidelity_;
    return proposal;
  }
  return proposer_->propose(number, pending);
}

}  // namespace bitwright

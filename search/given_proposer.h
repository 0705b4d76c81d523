// search/given_proposer.h: any search method, before which points that are given have their turn.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <set>

#include "search/proposer.h"

namespace bitwright {

class GivenProposer : public Proposer {
 public:
  // fidelity: share of the whole training's epochs that a given point is to reach first. `space` must outlive it.
  GivenProposer(const DesignSpace& space, std::unique_ptr<Proposer> proposer, std::vector<GivenPoint> given,
                double fidelity = 1.0);

  void tell(const DesignResult& result) override;
  // The first of the given points that keeps the known limits and is new, else what the search method proposes.
  std::optional<DesignProposal> propose(int64_t number, const std::vector<DesignPoint>& pending) override;
  std::vector<GivenUpRung> given_up_rungs() const override { return proposer_->given_up_rungs(); }

 private:
  const DesignSpace& space_;
  std::unique_ptr<Proposer> proposer_;
  std::vector<GivenPoint> given_;
  double fidelity_;
  std::set<std::string> told_;  // keys
};

}  // namespace bitwright

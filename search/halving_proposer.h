// search/halving_proposer.h: any search method, of whose trainings only the better ones go on to all of their epochs
// (search/successive_halving.h).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "search/proposer.h"
#include "search/successive_halving.h"

namespace bitwright {

class HalvingProposer : public Proposer {
 public:
  // rungs: ProposerOptions::rungs. `space` must outlive it.
  HalvingProposer(const DesignSpace& space, std::unique_ptr<Proposer> proposer, std::vector<double> rungs);

  void tell(const DesignResult& result) override;
  // A training that goes on, else what the search method proposes.
  std::optional<DesignProposal> propose(int64_t number, const std::vector<DesignPoint>& pending) override;
  std::vector<GivenUpRung> given_up_rungs() const override { return halving_.trust().given_up(); }

 private:
  const DesignSpace& space_;
  std::unique_ptr<Proposer> proposer_;
  std::map<int64_t, DesignPoint> points_;
  SuccessiveHalving halving_;
};

}  // namespace bitwright

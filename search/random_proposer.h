// search/random_proposer.h: points drawn at random, whatever came out before.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "search/proposer.h"

namespace bitwright {

class RandomProposer : public Proposer {
 public:
  // `space` must outlive it.
  RandomProposer(const DesignSpace& space, uint64_t seed) : seed_(seed), results_(space) {}

  void tell(const DesignResult& result) override { results_.add(result); }
  std::optional<DesignProposal> propose(int64_t number, const std::vector<DesignPoint>& pending) override {
    PointDrawer drawer = results_.drawer(seed_, number, pending);
    return random_proposal(drawer);
  }

 private:
  uint64_t seed_;
  ToldResults results_;
};

}  // namespace bitwright

// search/sobol_proposer.h: points of a Sobol sequence, whatever came out before: what random search would have drawn,
// spread more evenly.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "search/proposer.h"
#include "search/sobol_sequence.h"

namespace bitwright {

// Proposal number n is the n-th point of the sequence that keeps all known limits. Where that is there already, it is
// the next that is not.
class SobolProposer : public Proposer {
 public:
  // `space` must outlive it.
  SobolProposer(const DesignSpace& space, uint64_t seed);

  void tell(const DesignResult& result) override { results_.add(result); }
  std::optional<DesignProposal> propose(int64_t number, const std::vector<DesignPoint>& pending) override;

 private:
  std::optional<uint64_t> start_of(int64_t number);
  DesignPoint point(uint64_t index) { return space_.decode_unit(sequence_.point(index)); }

  const DesignSpace& space_;
  uint64_t seed_;
  SobolSequence sequence_;
  ToldResults results_;
  std::vector<uint64_t> starts_ = {0};  // of each proposal: the index where its search begins, of the seed alone
};

}  // namespace bitwright

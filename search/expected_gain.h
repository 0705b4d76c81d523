// search/expected_gain.h: when a model expects next to nothing of any candidate, a search may end.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "core/trial.h"

namespace bitwright {

// What a candidate was expected to add, as a share of the front's hypervolume; nothing where no gain was told.
std::optional<double> expected_gain(const ProposalProvenance& provenance);

// Of proposals in the order of their numbers. What counts are those that were chosen for their gain, of all candidates
// the greatest (source "model" or "forest"): a mutant that had its turn says nothing of what there is to gain.
class GainWatch {
 public:
  static constexpr int64_t kLeastResults = 50;  // that the model must have seen
  static constexpr int kInARow = 20;            // proposals

  // least_gain: share of the front's hypervolume; 0: never over.
  explicit GainWatch(double least_gain) : least_gain_(least_gain) {}

  void add(const Trial& proposed);
  // The last kInARow that count expected less than least_gain, the last of them after kLeastResults.
  bool over() const { return low_ >= kInARow && seen_ >= kLeastResults; }

 private:
  double least_gain_;
  int low_ = 0;       // in a row, up to the last
  int64_t seen_ = 0;  // results, by the last
};

}  // namespace bitwright

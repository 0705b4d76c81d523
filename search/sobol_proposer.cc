// SPDX-License-Identifier: Apache-2.0
#include "search/sobol_proposer.h"

namespace bitwright {

SobolProposer::SobolProposer(const DesignSpace& space, uint64_t seed)
    : space_(space), seed_(seed), sequence_(space.inputs().size(), seed), results_(space) {}

std::optional<DesignProposal> SobolProposer::propose(int64_t number, const std::vector<DesignPoint>& pending) {
  const std::optional<uint64_t> start = start_of(number);
  if (!start) return std::nullopt;
  PointDrawer drawer = results_.drawer(seed_, number, pending);
  for (uint64_t draw = 0; draw < kLastDraws; ++draw)
    if (auto found = drawer.accept(point(*start + draw))) return proposal_of(std::move(*found), "sobol", drawer);
  return std::nullopt;
}

// Behind the point of the proposal before; nothing where one before found no point that keeps the limits.
std::optional<uint64_t> SobolProposer::start_of(int64_t number) {
  while (std::ssize(starts_) <= number) {
    uint64_t index = starts_.back();
    const uint64_t end = index + kLastDraws;
    while (index < end && !space_.known_at_first(point(index)).broken.empty()) ++index;
    if (index == end) return std::nullopt;
    starts_.push_back(index + 1);
  }
  return starts_[static_cast<size_t>(number)];
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "search/nsga2.h"

#include <algorithm>
#include <utility>

#include "core/check.h"

namespace bitwright {

Nsga2::Nsga2(const DesignSpace& space, uint64_t seed, const Nsga2Options& options)
    : space_(space), seed_(seed), options_(options), results_(space, options.most_error) {
  BW_CHECK(options.population >= 2);
}

// Of equals the youngest is dropped.
void Nsga2::tell(const DesignResult& result) {
  const std::optional<size_t> entry = results_.add(result);
  if (!entry) return;
  const auto same = std::ranges::find(survivors_, result.number, [](const auto& each) { return each.told.number; });
  if (same == survivors_.end())
    survivors_.push_back(results_.entries()[*entry]);
  else
    *same = results_.entries()[*entry];
  if (survivors_.size() <= static_cast<size_t>(options_.population)) return;
  fitness_ = pareto_fitness(survivors_);
  size_t least = 0;
  for (size_t i = 0; i < fitness_.size(); ++i)
    if (!fitter(fitness_[i], fitness_[least])) least = i;
  survivors_.erase(survivors_.begin() + static_cast<std::ptrdiff_t>(least));
}

std::optional<DesignProposal> Nsga2::propose(int64_t number, const std::vector<DesignPoint>& pending) {
  PointDrawer drawer = results_.drawer(seed_, number, pending);
  if (survivors_.size() < static_cast<size_t>(options_.population)) return random_proposal(drawer, "first population");
  fitness_ = pareto_fitness(survivors_);
  return bred_proposal(drawer, "nsga2", [&] { return child(drawer); });
}

// The fitter of two different survivors; of equals the first drawn.
const DesignResult& Nsga2::winner(Rng& rng) const {
  const size_t a = rng.below(survivors_.size());
  const size_t b = (a + 1 + rng.below(survivors_.size() - 1)) % survivors_.size();
  return survivors_[fitter(fitness_[b], fitness_[a]) ? b : a].told;
}

std::optional<DrawnPoint> Nsga2::child(PointDrawer& drawer) const {
  Rng& rng = drawer.rng();
  const DesignResult &first = winner(rng), &second = winner(rng);
  DesignPoint point = first.point;
  std::vector<int64_t> parents = {first.number};
  if (first.number != second.number && rng.chance(options_.crossover_share)) {
    point = space_.cross(first.point, second.point, rng);
    parents.push_back(second.number);
  }
  if (rng.chance(options_.mutation_share)) point = space_.mutate(point, rng);
  return drawer.accept(std::move(point), std::move(parents));
}

}  // namespace bitwright

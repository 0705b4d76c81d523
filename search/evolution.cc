// SPDX-License-Identifier: Apache-2.0
#include "search/evolution.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "core/check.h"

namespace bitwright {
namespace {

// Least max over objectives of value / (greatest of all x U); failures last, behind those that exceed limits.
size_t scalar_winner(const std::vector<const ToldResults::Entry*>& entrants, const ObjectiveVector& greatest,
                     Rng& rng) {
  ObjectiveVector weights;
  for (size_t k = 0; k < greatest.size(); ++k) weights.push_back(1.0 / std::max(1e-9, greatest[k] * rng.uniform()));
  const auto score = [&](const ToldResults::Entry* entry) {
    double most = entry->objectives.empty() ? 1.0 : 0.0;
    for (size_t k = 0; k < entry->objectives.size(); ++k) most = std::max(most, entry->objectives[k] * weights[k]);
    return std::tuple(entry->objectives.empty(), entry->violation, most);
  };
  return static_cast<size_t>(std::ranges::min_element(entrants, {}, score) - entrants.begin());
}

ObjectiveVector greatest_of(const std::deque<ToldResults::Entry>& population) {
  ObjectiveVector greatest;
  for (const ToldResults::Entry& entry : population) {
    greatest.resize(std::max(greatest.size(), entry.objectives.size()), 0.0);
    for (size_t k = 0; k < entry.objectives.size(); ++k) greatest[k] = std::max(greatest[k], entry.objectives[k]);
  }
  return greatest;
}

}  // namespace

AgingEvolution::AgingEvolution(const DesignSpace& space, uint64_t seed, const EvolutionOptions& options)
    : space_(space), seed_(seed), options_(options), results_(space, options.most_error) {
  BW_CHECK(options.population >= 2 && options.tournament >= 1 && options.tournament <= options.population);
}

void AgingEvolution::tell(const DesignResult& result) {
  const std::optional<size_t> entry = results_.add(result);
  if (!entry) return;
  const ToldResults::Entry& told = results_.entries()[*entry];
  const auto same =
      std::ranges::find(population_, result.number, [](const auto& member) { return member.told.number; });
  if (same != population_.end()) {
    *same = told;
  } else if (*entry == told_) {  // else it went on to further epochs after it had died of age
    population_.push_back(told);
    ++told_;
  }
  if (population_.size() > static_cast<size_t>(options_.population)) population_.pop_front();
}

std::optional<DesignProposal> AgingEvolution::propose(int64_t number, const std::vector<DesignPoint>& pending) {
  PointDrawer drawer = results_.drawer(seed_, number, pending);
  if (results_.entries().size() < static_cast<size_t>(options_.population))
    return random_proposal(drawer, "first population");
  if (options_.fitness == EvolutionFitness::kPareto)
    fitness_ = pareto_fitness({population_.begin(), population_.end()});
  return bred_proposal(drawer, "evolution", [&] { return child(drawer); });
}

std::optional<DrawnPoint> AgingEvolution::child(PointDrawer& drawer) const {
  const DesignResult& parent = winner(drawer.rng()).told;
  if (options_.crossover_share == 0.0 || !drawer.rng().chance(options_.crossover_share))
    return drawer.mutant(parent.point, {parent.number});
  const DesignResult& other = winner(drawer.rng()).told;
  if (other.number == parent.number) return drawer.mutant(parent.point, {parent.number});
  return drawer.mutant(space_.cross(parent.point, other.point, drawer.rng()), {parent.number, other.number});
}

// Of equals the first: their order is random.
const ToldResults::Entry& AgingEvolution::winner(Rng& rng) const {
  std::vector<size_t> members(population_.size());
  std::iota(members.begin(), members.end(), size_t{0});
  rng.shuffle(members);
  members.resize(std::min(members.size(), static_cast<size_t>(options_.tournament)));
  if (options_.fitness == EvolutionFitness::kPareto)
    return population_[*std::ranges::min_element(members,
                                                 [&](size_t a, size_t b) { return fitter(fitness_[a], fitness_[b]); })];
  std::vector<const ToldResults::Entry*> entrants;
  for (const size_t member : members) entrants.push_back(&population_[member]);
  return *entrants[scalar_winner(entrants, greatest_of(population_), rng)];
}

}  // namespace bitwright

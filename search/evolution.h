// search/evolution.h: aging evolution: the oldest member of a population dies, however good, and a mutant of the winner
// of a tournament takes its place.
// Source: Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019, alg. 1; fitness by
// a scalar of random weights: Liberis, Dudziak, Lane, "µNAS: Constrained Neural Architecture Search for
// Microcontrollers", EuroMLSys 2021, sec. 3. Neither crosses; a share of the children here may be.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>

#include "search/fitness.h"

namespace bitwright {

enum class EvolutionFitness {
  kPareto,        // lowest non-dominated rank, then largest crowding distance, over all objectives
  kRandomScalar,  // least max over objectives of value / (greatest of the population x U), U in 0..1 drawn for each
                  // objective and tournament
};

struct EvolutionOptions {
  int population = 20;           // results that parents are chosen from, the youngest, >= 2
  int tournament = 5;            // of which the winner is a parent, 2..population
  double crossover_share = 0.0;  // of children, 0..1: of the winners of two tournaments, before the mutation
  EvolutionFitness fitness = EvolutionFitness::kPareto;
  double most_error = std::numeric_limits<double>::infinity();
};

// The first population is random. A training of fewer epochs competes by what it reached. Of two members that exceed
// measured limits, or most_error, the one that exceeds them less is fitter; both are less fit than all that keep them,
// and fitter than failures.
class AgingEvolution : public Proposer {
 public:
  // `space` must outlive it.
  AgingEvolution(const DesignSpace& space, uint64_t seed, const EvolutionOptions& options);

  void tell(const DesignResult& result) override;
  std::optional<DesignProposal> propose(int64_t number, const std::vector<DesignPoint>& pending) override;

 private:
  const ToldResults::Entry& winner(Rng& rng) const;
  std::optional<DrawnPoint> child(PointDrawer& drawer) const;

  const DesignSpace& space_;
  uint64_t seed_;
  EvolutionOptions options_;
  ToldResults results_;
  size_t told_ = 0;  // entries of results_ that have joined the population
  std::deque<ToldResults::Entry> population_;
  std::vector<Fitness> fitness_;  // of its members, when last asked for
};

}  // namespace bitwright

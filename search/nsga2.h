// search/nsga2.h: NSGA-II, one child at a time: two parents, each the fitter of two survivors drawn, are crossed, and
// the child is mutated. What is told joins the survivors, and the least fit of them is dropped. A generation of one
// needs no barrier, so points may be under way.
// Source: Deb, Pratap, Agarwal, Meyarivan, "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", IEEE TEVC
// 6(2), 2002; the steady state: Durillo, Nebro, Luna, Alba, "On the Effect of the Steady-State Selection Scheme in
// Multi-Objective Genetic Algorithms", EMO 2009.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "search/fitness.h"

namespace bitwright {

struct Nsga2Options {
  int population = 20;           // survivors, and random points before the first child, >= 2
  double crossover_share = 0.9;  // of children, 0..1; the others begin as copies of the first parent
  double mutation_share = 1.0;   // of children, 0..1
  double most_error = std::numeric_limits<double>::infinity();
};

// Fitness is that of search/fitness.h: constrained domination, then the crowding distance.
class Nsga2 : public Proposer {
 public:
  // `space` must outlive it.
  Nsga2(const DesignSpace& space, uint64_t seed, const Nsga2Options& options = {});

  void tell(const DesignResult& result) override;
  // Sources: "first population", "nsga2", and "random" where children are there already.
  std::optional<DesignProposal> propose(int64_t number, const std::vector<DesignPoint>& pending) override;

 private:
  const DesignResult& winner(Rng& rng) const;
  std::optional<DrawnPoint> child(PointDrawer& drawer) const;

  const DesignSpace& space_;
  uint64_t seed_;
  Nsga2Options options_;
  ToldResults results_;
  std::vector<ToldResults::Entry> survivors_;
  std::vector<Fitness> fitness_;  // of these, when last asked for
};

}  // namespace bitwright

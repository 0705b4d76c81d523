// search/bayesian_proposer.h: the Bayesian search: points that models expect to add most hypervolume to the front. What
// is known before an evaluation, as flash and latency are before a training, enters exactly; only what an evaluation
// tells is modelled.
//
//   first          points far from each other (search/initial_design.h) of those that keep all known limits
//   then, mostly   the point of greatest expected improvement of a pool: mutants of the front, random points, and
//                  mutants of the best of these
//   every tenth    a mutant of the front, whatever the models say of it
//
// Where there are earlier studies, the model of the first objective begins with what they say of it, as far as they
// agree with the results (search/earlier_model.h); where they agree well, the first points end with the fifth. Where a
// forest has lately foretold that objective better than the Gaussian process, it speaks in its place
// (search/model_choice.h).
//
// Where several objectives are measured, the improvement is the mean over the outcomes of all but the first, each of
// which is one of known costs (search/expected_improvement.h). It is weighed by the probability that the evaluation
// succeeds, once one has failed, and that each measured limit is kept; while none is known to keep all limits, that
// probability alone counts. Points under way are believed to come out at the models' means.
//
// Source: pools of mutants: White, Neiswanger, Savani, "BANANAS", AAAI 2021; points under way: Ginsbourger, Le Riche,
// Carraro, "Kriging Is Well-Suited to Parallelize Optimization", 2010 (the kriging believer).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "search/outcome_models.h"
#include "search/proposer.h"

namespace bitwright {

struct BayesianOptions {
  int initial_points = 10;          // at most, else 2 (inputs + 1); >= 1
  int initial_candidates = 500;     // of which the farthest is an initial point, >= 1
  int pool = 1000;                  // points weighed a proposal, >= 1; time is linear
  double random_share = 0.25;       // of the pool, 0..1; the rest are mutants of the front
  int refinements = 5;              // rounds of mutants of the best so far, >= 0
  int refined = 20;                 // of which a round draws mutants, >= 1
  int mutants = 10;                 // of each, >= 1
  int evolution_every = 10;         // proposals, of which one is a mutant of the front; 0: none
  double error_resolution = 0.001;  // 1 / windows of the validation: see log_error; 0: no logarithm is taken
  double most_error = std::numeric_limits<double>::infinity();  // a result of more is no point of the front
  std::vector<double> rungs = {1.0};                            // ProposerOptions::rungs
  std::vector<EarlierResults> earlier{};                        // ProposerOptions::earlier
};

// Of points that a search begins with, those that are chosen before there is a model.
size_t initial_points(const BayesianOptions& options, size_t inputs);

struct WeighedPoint {
  DrawnPoint drawn;
  Opinion opinion;
};

class BayesianProposer : public Proposer {
 public:
  // `space` must outlive it.
  BayesianProposer(const DesignSpace& space, uint64_t seed, BayesianOptions options = {});

  void tell(const DesignResult& result) override;
  // Where there are rungs, a training that stopped at one goes on where its expected gain by remaining epoch is greater
  // than that of another point by epoch: by the models, which learn from the errors at rungs as well. The first few go
  // through all rungs, and none stops at one that was given up by them (search/rung_trust.h).
  // Sources: of what goes on "rung", of the first few "first"; "initial", "model" or "forest" (OutcomeModels::source),
  // "evolution", and "random" where a pool would be empty. One thread; time grows with the cube of the results.
  std::optional<DesignProposal> propose(int64_t number, const std::vector<DesignPoint>& pending = {}) override;
  std::vector<GivenUpRung> given_up_rungs() const override { return trust_.given_up(); }

 private:
  struct Outlook;

  std::optional<DesignProposal> best_proposal(int64_t number, const std::vector<DesignPoint>& pending);
  bool is_initial(const std::vector<DesignPoint>& pending) const;
  bool is_evolution_turn(int64_t number) const;
  std::optional<DesignProposal> initial_proposal(PointDrawer& drawer, const std::vector<DesignPoint>& pending) const;
  Outlook look_ahead(const std::vector<DesignPoint>& pending);
  void add_front(Outlook& outlook) const;
  void add_pending(Outlook& outlook, const std::vector<DesignPoint>& pending) const;
  std::vector<size_t> nearest_to_limits() const;
  double log_improvement(const Outlook& outlook, const std::vector<GaussianPosterior>& objectives, Eigen::Index i,
                         const ObjectiveVector& known) const;
  std::optional<DrawnPoint> mutant_of_front(const Outlook& outlook, PointDrawer& drawer) const;
  std::vector<DrawnPoint> mutants_of_front(const Outlook& outlook, int count, PointDrawer& drawer) const;
  std::vector<size_t> stopped(const std::vector<DesignPoint>& pending) const;
  std::optional<DesignProposal> continued_first(const std::vector<DesignPoint>& pending) const;
  std::optional<DesignProposal> continued(const Outlook& outlook, const std::vector<DesignPoint>& pending,
                                          double log_acquisition) const;
  DesignProposal continuation(size_t entry, std::optional<Opinion> opinion) const;
  std::vector<DrawnPoint> pool(const Outlook& outlook, PointDrawer& drawer) const;
  std::vector<WeighedPoint> weigh(const Outlook& outlook, std::vector<DrawnPoint> drawn) const;
  void refine(const Outlook& outlook, PointDrawer& drawer, std::vector<WeighedPoint>& points) const;

  const DesignSpace& space_;
  uint64_t seed_;
  BayesianOptions options_;
  std::vector<ModelInput> inputs_;
  ToldResults results_;
  std::vector<Eigen::RowVectorXd> rows_;  // of its entries
  std::vector<size_t> evaluated_;         // indices of whole trainings that did not fail
  ResultModels models_;
  RungTrust trust_;
};

}  // namespace bitwright

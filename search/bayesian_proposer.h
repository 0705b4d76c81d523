// search/bayesian_proposer.h: the Bayesian search: points that models expect to add most hypervolume to the front. What
// is known before an evaluation, as flash and latency are before a training, enters exactly; only what an evaluation
// tells is modelled.
//
//   first          points far from each other (search/initial_design.h) of those that keep all known limits
//   then, mostly   the point of greatest expected improvement of a pool: mutants of the front, random points, and
//                  mutants of the best of these
//   every tenth    a mutant of the front, whatever the models say of it
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
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "search/design_space.h"
#include "search/gaussian_process.h"

namespace bitwright {

struct DesignResult {
  int64_t number = 0;  // of the proposal
  DesignPoint point;
  std::optional<ObjectiveVector> measured;  // objectives, the error first, 1..4; of all as many. Nothing: it failed
  std::vector<double> limits{};             // measured, <= 0 where kept; of all results that did not fail as many
};

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
  int last_draws = 100'000;         // all rejected, and the space is taken for exhausted; >= 1
};

// What the models say of a point.
struct DesignOpinion {
  double mean = 0.0, deviation = 1.0;  // of log(error), or of the first objective where no logarithm is taken
  double log_success = 0.0;            // log P(the evaluation succeeds and keeps the measured limits)
  double log_acquisition = 0.0;        // log E[hypervolume gained], success included
};

struct WeighedPoint {
  DrawnPoint drawn;
  DesignOpinion opinion;
};

struct DesignProposal {
  enum class Source { kInitial, kModel, kEvolution, kRandom };  // random: where a pool would be empty
  DesignPoint point;
  Source source = Source::kInitial;
  std::optional<int64_t> parent;         // number of the result that it mutates, perhaps at several removes
  std::optional<DesignOpinion> opinion;  // of kModel and kEvolution
  int64_t rejected = 0;                  // points drawn that break a known limit or are there already
};

// "initial", "model", "evolution", "random".
std::string to_string(DesignProposal::Source source);

// A model of one target. Its hyperparameters are fitted to the first results, of which there are all up to 40 and every
// fourth more, and always from the prior, so that they are a function of the results.
class PrefixModel {
 public:
  explicit PrefixModel(std::vector<ModelInput> inputs);
  // points, targets: those of the last call, and more behind them.
  GaussianProcess given(const Eigen::MatrixXd& points, const Eigen::VectorXd& targets);

 private:
  std::vector<ModelInput> inputs_;
  GaussianProcess fitted_;
  Eigen::Index fitted_count_ = 0;
};

class BayesianProposer {
 public:
  // `space` must outlive it.
  BayesianProposer(const DesignSpace& space, uint64_t seed, BayesianOptions options = {});

  // A finished evaluation. One of a point that breaks a known limit teaches nothing.
  void tell(const DesignResult& result);

  // A function of the seed, `number`, the results told so far in their order, and `pending`, the points under way in
  // theirs. Never a point that was told or is pending, never one that breaks a known limit; nothing where there is none
  // left. One thread; time grows with the cube of the results.
  std::optional<DesignProposal> propose(int64_t number, const std::vector<DesignPoint>& pending = {});

 private:
  struct Result {
    DesignResult told;
    ObjectiveVector known;  // objectives
    Eigen::RowVectorXd row;
  };
  struct Models;
  struct Outlook;

  PointDrawer drawer_of(int64_t number, const std::vector<DesignPoint>& pending) const;
  bool is_initial(size_t pending) const;
  bool is_evolution_turn(int64_t number) const;
  std::optional<DesignProposal> initial_proposal(PointDrawer& drawer, const std::vector<DesignPoint>& pending) const;
  Outlook look_ahead(const std::vector<DesignPoint>& pending);
  Models models();
  GaussianProcess model_of(PrefixModel& model, const std::vector<size_t>& results,
                           const std::function<double(const DesignResult&)>& target) const;
  bool keeps_limits(const Result& result) const;
  ObjectiveVector believed(const Models& models, const Eigen::RowVectorXd& row, const ObjectiveVector& known) const;
  std::vector<size_t> nearest_to_limits() const;
  Eigen::VectorXd log_success_of(const Models& models, const Eigen::MatrixXd& rows) const;
  double log_improvement(const Outlook& outlook, const std::vector<GaussianPosterior>& objectives, Eigen::Index i,
                         const ObjectiveVector& known) const;
  std::optional<DrawnPoint> mutant_of_front(const Outlook& outlook, PointDrawer& drawer) const;
  std::vector<DrawnPoint> mutants_of_front(const Outlook& outlook, int count, PointDrawer& drawer) const;
  std::vector<DrawnPoint> pool(const Outlook& outlook, PointDrawer& drawer) const;
  std::vector<WeighedPoint> weigh(const Outlook& outlook, std::vector<DrawnPoint> drawn) const;
  void refine(const Outlook& outlook, PointDrawer& drawer, std::vector<WeighedPoint>& points) const;

  const DesignSpace& space_;
  uint64_t seed_;
  BayesianOptions options_;
  std::set<std::string> told_;                    // keys of all points
  std::vector<Result> results_;                   // that keep all known limits
  std::vector<size_t> evaluated_;                 // indices of those that did not fail
  std::vector<PrefixModel> objectives_, limits_;  // measured
  PrefixModel success_;
};

}  // namespace bitwright

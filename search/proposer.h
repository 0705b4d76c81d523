// search/proposer.h: the interface of every search method: it is told what evaluations came out as, and proposes points
// to evaluate.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/trial.h"
#include "search/design_space.h"
#include "search/rung_trust.h"

namespace bitwright {

struct DesignResult {
  int64_t number = 0;  // of the proposal
  DesignPoint point;
  std::optional<ObjectiveVector> measured;  // objectives, the error first, 1..4; of all as many. Nothing: it failed
  std::vector<double> limits{};             // measured, <= 0 where kept; of all results that did not fail as many
  double fidelity = 1.0;  // share of the whole training's epochs, above 0, that `measured` is after; a proposal may be
                          // told several times, each time of more
  // What it exceeds limits by that the space learns by itself, so that no method need: it is no point of a front.
  double excess = 0.0;
};

struct DesignProposal {
  DesignPoint point;
  std::string source;                  // "initial", "model", "forest", "evolution", "random", ...
  std::vector<int64_t> parents;        // numbers of the results that it comes from, perhaps at several removes
  std::optional<Opinion> opinion;      // of a search by models
  RejectedPoints rejected;             // drawn and passed over on the way to this one
  double fidelity = 1.0;               // share of the whole training's epochs that it is to reach
  std::optional<int64_t> continues{};  // number of the training that goes on to there, whose point it is
};
DesignProposal proposal_of(DrawnPoint point, std::string source, const PointDrawer& drawer);

class Proposer {
 public:
  virtual ~Proposer() = default;
  // A finished evaluation. One of a point that breaks a known limit teaches nothing.
  virtual void tell(const DesignResult& result) = 0;
  // A function of the seed, `number`, the results told so far in their order, and `pending`, the points under way in
  // theirs. A new point is never one that was told or is pending, never one that breaks a known limit; nothing where no
  // other is found, because the space is exhausted or next to nothing in it keeps the limits.
  virtual std::optional<DesignProposal> propose(int64_t number, const std::vector<DesignPoint>& pending) = 0;
  // Where trainings stop no more, by what was told so far.
  virtual std::vector<GivenUpRung> given_up_rungs() const { return {}; }
};

// What was told so far, for searches that choose among all of it.
class ToldResults {
 public:
  // A result with what was known of its point before.
  struct Entry {
    DesignResult told;
    ObjectiveVector known;       // objectives
    ObjectiveVector objectives;  // the measured ones, then the known; empty where the evaluation failed
    double violation = 0.0;      // sum of what limits are exceeded by
    // Whether it came out, and keeps all limits that only an evaluation tells.
    bool succeeded() const { return told.measured && violation <= told.excess; }
  };

  // `space` must outlive it. A result of a greater error than `most_error` exceeds a limit by the difference.
  explicit ToldResults(const DesignSpace& space, double most_error = std::numeric_limits<double>::infinity())
      : space_(space), most_error_(most_error) {}

  // Index of the result's entry: one is replaced where the same proposal was told before. Nothing where the point
  // breaks a known limit: then the point alone is remembered.
  std::optional<size_t> add(const DesignResult& result);
  const std::vector<Entry>& entries() const { return entries_; }  // without points that break a known limit
  bool contains(const DesignPoint& point) const { return keys_.contains(space_.key(point)); }
  // With a stream of its own for every proposal, that passes over what was told and what is pending.
  PointDrawer drawer(uint64_t seed, int64_t number, const std::vector<DesignPoint>& pending) const;

 private:
  const DesignSpace& space_;
  double most_error_;
  std::set<std::string> keys_;
  std::vector<Entry> entries_;
  std::map<int64_t, size_t> index_;  // of entries, by number
};

// Draws of one proposal that may all be rejected before a search gives up.
inline constexpr int kLastDraws = 20'000;

// The first point drawn at random that is accepted.
std::optional<DesignProposal> random_proposal(PointDrawer& drawer, const std::string& source = "random");

// The first child accepted, of those that `breed` draws; after a hundred rejected in a row every other draw is from the
// whole space, and its source then "random".
std::optional<DesignProposal> bred_proposal(PointDrawer& drawer, const std::string& source,
                                            const std::function<std::optional<DrawnPoint>()>& breed);

// Source of the study's own designs: they are judged as before any result, whatever limits have learnt since.
inline constexpr const char* kUserDesign = "user";

// A point that is proposed before all that a search method chooses.
struct GivenPoint {
  DesignPoint point;
  std::string source;  // of its proposal: kUserDesign, "earlier"
};

// Of one earlier study: points of this space, which may break its limits, and the errors measured there.
struct EarlierResults {
  std::vector<DesignPoint> points;
  std::vector<double> errors;  // of each; in the unit of the first objective
};

struct ProposerOptions {
  std::string sampler = "bayesian";  // one of kSamplers, core/study.h
  uint64_t seed = 0;
  int population = 20;              // of evolutions and NSGA-II, >= 4
  int tournament = 5;               // 2..population
  double error_resolution = 0.001;  // 1 / windows of the validation: search/expected_improvement.h, log_error; 0: none
  double most_error = std::numeric_limits<double>::infinity();  // a result of more is no point of the front
  // Shares of the epochs at which trainings stop until it is known which are worth the rest: rising, above 0, the
  // last 1. The Bayesian search weighs by its model which ones go on; around the others stands
  // search/halving_proposer.h.
  std::vector<double> rungs = {1.0};
  std::vector<GivenPoint> given{};  // in this order: search/given_proposer.h
  // Of earlier studies. The front of each gives the Bayesian search a third of its first points, evolutions and NSGA-II
  // half of their first population; the Bayesian search's model learns from them. Others take no notice.
  std::vector<EarlierResults> earlier{};
};
bool learns_from_earlier(const std::string& sampler);
// As many points of the earlier fronts as a search with these options begins with.
std::vector<GivenPoint> earlier_points(const ProposerOptions& options, const DesignSpace& space);

// `space` must outlive it. Throws ConfigError for another name.
std::unique_ptr<Proposer> make_proposer(const ProposerOptions& options, const DesignSpace& space);

}  // namespace bitwright

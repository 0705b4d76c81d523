// SPDX-License-Identifier: Apache-2.0
#include "search/sampler.h"

#include <algorithm>
#include <deque>
#include <numeric>

#include "core/check.h"
#include "core/error.h"
#include "search/bayesian_sampler.h"
#include "search/pareto.h"

namespace bitwright {
namespace {

class RandomSampler : public Sampler {
 public:
  RandomSampler(const SearchSpec& spec, const SearchSpace& space) : seed_(spec.seed), space_(space) {}

  Proposal ask(int64_t number, int64_t attempt) override {
    Rng rng = proposal_rng(seed_, number, attempt);
    return {space_.sample(rng), "random"};
  }
  void tell(const Trial&) override {}

 private:
  uint64_t seed_;
  SearchSpace space_;
};

// Aging evolution: Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019, alg. 1.
// The population is the last `population` trials told; the winner of a tournament among them is mutated. The winner
// is the one of lowest non-dominated rank, then of largest crowding distance, over (error, objectives). Members below
// the accuracy floor rank behind all that reach it, the more accurate first; failed and infeasible ones behind these.
class AgingEvolution : public Sampler {
 public:
  AgingEvolution(const SearchSpec& spec, const SearchSpace& space, Goals goals)
      : spec_(spec), space_(space), goals_(std::move(goals)) {}

  Proposal ask(int64_t number, int64_t attempt) override {
    Rng rng = proposal_rng(spec_.seed, number, attempt);
    if (population_.size() < static_cast<size_t>(spec_.population)) return {space_.sample(rng), "first population"};
    if (neighbourhood_exhausted(attempt)) return {space_.sample(rng), "random"};
    const Member& parent = population_[tournament(rng)];
    return {space_.mutate(parent.candidate, rng), "mutation of " + std::to_string(parent.number)};
  }

  void tell(const Trial& trial) override {
    BW_CHECK(trial.state != TrialState::kRunning);
    Member member{trial.number, trial.candidate, {}};
    if (trial.state == TrialState::kComplete) {
      member.values = objective_values(trial, goals_);
      member.shortfall = std::max(0.0, goals_.accuracy_floor - trial.metrics.accuracy);
    }
    population_.push_back(std::move(member));
    if (population_.size() > static_cast<size_t>(spec_.population)) population_.pop_front();
    order_members();
  }

 private:
  struct Member {
    int64_t number;
    Candidate candidate;
    ObjectiveVector values;  // empty: infeasible or failed, worse than any other
    double shortfall = 0.0;  // below the accuracy floor
    int rank = 0;
    double crowding = 0.0;
  };

  // Where mutations keep being rejected, every other proposal is drawn from the whole space.
  static bool neighbourhood_exhausted(int64_t attempt) { return attempt >= 100 && attempt % 2 == 1; }

  size_t tournament(Rng& rng) const {
    std::vector<size_t> members(population_.size());
    std::iota(members.begin(), members.end(), size_t{0});
    rng.shuffle(members);
    members.resize(static_cast<size_t>(std::min(spec_.tournament, spec_.population)));
    const auto better = [&](size_t a, size_t b) {
      const Member &x = population_[a], &y = population_[b];
      return x.rank != y.rank ? x.rank < y.rank : x.crowding > y.crowding;
    };
    return *std::min_element(members.begin(), members.end(), better);  // the first of equals: order is random
  }

  void order_members() {
    std::vector<Member*> sound, below;
    std::vector<ObjectiveVector> points;
    for (Member& member : population_) {
      member.rank = 2 * spec_.population;
      member.crowding = 0.0;
      if (member.values.empty()) continue;
      if (member.shortfall > 0.0) {
        below.push_back(&member);
      } else {
        sound.push_back(&member);
        points.push_back(member.values);
      }
    }
    const std::vector<int> ranks = non_dominated_rank(points);
    for (size_t i = 0; i < sound.size(); ++i) sound[i]->rank = ranks[i];
    for (int rank = 0; rank < spec_.population; ++rank) set_crowding(sound, rank);
    rank_by_shortfall(below);
  }

  // After the ranks of those that reach the floor; equal ones alike.
  void rank_by_shortfall(const std::vector<Member*>& below) const {
    for (Member* member : below)
      member->rank = spec_.population +
                     static_cast<int>(std::count_if(below.begin(), below.end(),
                                                    [&](const Member* m) { return m->shortfall < member->shortfall; }));
  }

  static void set_crowding(const std::vector<Member*>& members, int rank) {
    std::vector<Member*> front;
    std::vector<ObjectiveVector> points;
    for (Member* member : members)
      if (member->rank == rank) front.push_back(member), points.push_back(member->values);
    const std::vector<double> distances = crowding_distance(points);
    for (size_t i = 0; i < front.size(); ++i) front[i]->crowding = distances[i];
  }

  SearchSpec spec_;
  SearchSpace space_;
  Goals goals_;
  std::deque<Member> population_;
};

}  // namespace

Rng proposal_rng(uint64_t seed, int64_t number, int64_t attempt) {
  return Rng(seed, Rng(static_cast<uint64_t>(number), static_cast<uint64_t>(attempt)).next());
}

std::unique_ptr<Sampler> make_sampler(const SearchSpec& spec, const SearchSpace& space, const Goals& goals,
                                      const CandidateRules& rules, int64_t validation_examples) {
  if (spec.sampler == "random") return std::make_unique<RandomSampler>(spec, space);
  if (spec.sampler == "evolution") return std::make_unique<AgingEvolution>(spec, space, goals);
  if (spec.sampler == "bayesian")
    return std::make_unique<BayesianSampler>(spec.seed, space, goals, rules, validation_examples);
  throw ConfigError("search.sampler = " + spec.sampler + ": one of random, evolution, bayesian");
}

}  // namespace bitwright

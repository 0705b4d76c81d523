// Searches that begin with the results of earlier studies: what is gained where these agree, what is lost where not.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <functional>
#include <numeric>

#include "search/bayesian_proposer.h"
#include "search/earlier_results.h"
#include "search/given_proposer.h"
#include "search/replay.h"
#include "tests/search/grid.h"
#include "tests/search/small_space.h"

namespace bitwright {
namespace {

using Assignment = std::map<std::string, std::string>;

// ---- planted problems ----

constexpr int kSide = 30;  // of a grid of 1,830 points
constexpr int kEvaluations = 40, kEarly = 20;
constexpr int kSeeds = 10;

// Two humps and a slope: the least error is at p[0] = 21, p[1] = 9 and the third choice, moved by `shift`.
double hilly_error(const DesignPoint& p, double shift) {
  const double a = (p[0] - 21.0 - shift) / kSide, b = ((p[2] == 1 ? 20.0 : p[1]) - 9.0 + shift) / kSide;
  const double off = p[2] == 2 ? 0.0 : 0.35;
  return 0.01 *
         std::exp(3.2 * std::sqrt(a * a + b * b) + 4.0 * off + 0.25 * std::sin(0.9 * p[0]) * std::sin(0.8 * p[1]));
}

// Sixty points drawn at random, their optimum two steps away and every error three times as large.
EarlierResults shifted_study(uint64_t seed) {
  const Grid space(kSide);
  Rng rng(seed, 77);
  EarlierResults results;
  for (int i = 0; i < 60; ++i) {
    results.points.push_back(space.sample(rng));
    results.errors.push_back(3.0 * hilly_error(results.points.back(), 2.0));
  }
  return results;
}

EarlierResults negated(EarlierResults results) {
  const double most = *std::ranges::max_element(results.errors);
  for (double& error : results.errors) error = most + 0.01 - error;
  return results;
}

EarlierResults permuted(EarlierResults results, uint64_t seed) {
  Rng(seed, 78).shuffle(results.errors);
  return results;
}

// Hypervolume after each evaluation. fronts: of earlier studies that points are taken of; models: of which errors are.
std::vector<double> volumes(uint64_t seed, const std::vector<EarlierResults>& fronts,
                            const std::vector<EarlierResults>& models) {
  const Grid space(kSide);
  const BayesianOptions options = {.pool = 150, .refinements = 2, .refined = 5, .mutants = 4, .earlier = models};
  GivenProposer proposer(space, std::make_unique<BayesianProposer>(space, seed, options),
                         earlier_points({.sampler = "bayesian", .earlier = fronts}, space));
  std::vector<ObjectiveVector> front;
  std::vector<double> after;
  for (int64_t number = 0; number < kEvaluations; ++number) {
    const DesignPoint point = proposer.propose(number, {})->point;
    const double error = hilly_error(point, 0.0);
    proposer.tell({number, point, ObjectiveVector{error}});
    front.push_back({std::log(error), space.known_outcome(point).objectives[0]});
    after.push_back(hypervolume(front, {std::log(0.5), 1.0 + kSide}));
  }
  return after;
}

// Means over seeds: hypervolume at the end, as a share of the cold search's, and evaluations to what that has after
// twenty.
struct Outcome {
  double volume = 0.0, evaluations = 0.0;
};

Outcome outcome_of(const std::function<std::vector<EarlierResults>(uint64_t seed)>& earlier) {
  Outcome mean;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const std::vector<double> cold = volumes(seed, {}, {}), warm = volumes(seed, earlier(seed), earlier(seed));
    const auto reached = std::ranges::find_if(warm, [&](double volume) { return volume >= cold[kEarly - 1]; });
    mean.evaluations += static_cast<double>(std::min<int64_t>(reached - warm.begin() + 1, kEvaluations)) / kSeeds;
    mean.volume += warm.back() / cold.back() / kSeeds;
  }
  return mean;
}

TEST(WarmStart, ReachesInTwoThirdsOfTheEvaluationsWhatAColdSearchReaches) {
  const Outcome outcome = outcome_of([](uint64_t seed) { return std::vector{shifted_study(seed)}; });
  EXPECT_LE(outcome.evaluations, 13.3);  // of 20
  EXPECT_GE(outcome.volume, 1.0);
}

TEST(WarmStart, CostsNextToNothingWhereTheEarlierStudyMisleads) {
  const Outcome against = outcome_of([](uint64_t seed) { return std::vector{negated(shifted_study(seed))}; });
  EXPECT_LE(against.evaluations, kEarly + 3);  // those of its front
  EXPECT_GE(against.volume, 0.99);
  const Outcome by_chance = outcome_of([](uint64_t seed) { return std::vector{permuted(shifted_study(seed), seed)}; });
  EXPECT_LE(by_chance.evaluations, kEarly + 3);
  EXPECT_GE(by_chance.volume, 0.99);
}

// But for the first points the search is as if there were no earlier study.
TEST(WarmStart, BelievesNothingOfErrorsThatAreTheWrongWayRound) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const std::vector<EarlierResults> earlier = {negated(shifted_study(seed))};
    EXPECT_EQ(volumes(seed, earlier, earlier), volumes(seed, earlier, {})) << seed;
  }
}

// ---- studies ----

constexpr int64_t kMaxFlash = 900;

// A study of the same space without limits, whose accuracy is another function of the network.
EarlierStudy earlier_study() {
  const SearchSpace space = space_of(large_spec());
  const auto sampler = make_sampler(toy_study(1).search, space, {.objectives = {"flash"}}, toy_rules());
  EarlierStudy study = {"earlier.bw.db", "uuid", "earlier", {}};
  for (int64_t number = 0; number < 60; ++number) {
    const Candidate candidate = sampler->ask(number, 0).candidate;
    study.results.push_back({number, candidate.parameters, 1.0 - 0.9 * toy_accuracy(candidate.network, 1)});
  }
  return study;
}

Trial complete(int64_t number, const Candidate& candidate, double accuracy) {
  Trial trial;
  trial.number = number;
  trial.candidate = candidate;
  trial.state = TrialState::kComplete;
  trial.metrics.accuracy = accuracy;
  return trial;
}

TEST(UsableResults, AreTrainedToTheEndAndOfThisSpace) {
  SpaceSpec wider = small_spec();
  wider.max_blocks = 3;
  wider.block.channels = {2, 4, 8};
  const SearchSpace here = space_of(small_spec()), there = space_of(wider);
  Rng rng(1);
  std::vector<Trial> finished;
  std::vector<int64_t> usable;
  for (int64_t number = 0; number < 200; ++number) {
    finished.push_back(complete(number, there.sample(rng), 0.75));
    const Assignment& p = finished.back().candidate.parameters;
    const bool wide = p.at("blocks") == "3" || p.at("block1.channels") == "8" ||
                      (p.contains("block2.channels") && p.at("block2.channels") == "8");
    if (number % 10 == 0) finished.back().state = TrialState::kFailed;
    if (number % 10 == 1) finished.back().state = TrialState::kInfeasible, finished.back().metrics.windows = 100;
    if (!wide && number % 10 != 0) usable.push_back(number);
  }
  std::vector<int64_t> found;
  for (const EarlierResult& result : usable_results(here, finished)) {
    found.push_back(result.trial);
    EXPECT_EQ(result.parameters, finished[static_cast<size_t>(result.trial)].candidate.parameters);
    EXPECT_EQ(result.error, 0.25);
  }
  EXPECT_EQ(found, usable);
  EXPECT_GT(usable.size(), 10u);
}

TEST(EarlierFront, KeepsThisStudysLimitsAndGoesEvenlyFromTheLeastErrorOn) {
  const Grid space(kLevels, /*limited=*/true);
  EarlierResults results;
  for (int i = 0; i < kLevels; ++i) {
    results.points.push_back({static_cast<double>(i), static_cast<double>(i), 0});  // of even sum
    results.errors.push_back(0.5 - 0.01 * i);
  }
  results.points.push_back({3, 4, 0});  // the best, but its limit is broken
  results.errors.push_back(0.01);
  results.points.push_back({5, 1, 0});  // dominated
  results.errors.push_back(0.49);
  const std::vector<GivenPoint> given = earlier_front(space, {results}, 3);
  ASSERT_EQ(given.size(), 3u);
  EXPECT_EQ(given[0].point, (DesignPoint{11, 11, 0}));
  EXPECT_EQ(given[1].point, (DesignPoint{7, 7, 0}));
  EXPECT_EQ(given[2].point, (DesignPoint{3, 3, 0}));
  EXPECT_EQ(given[0].source, "earlier");
  EarlierResults other = {{{2, 0, 2}, {11, 11, 0}}, {0.4, 0.3}};
  const std::vector<GivenPoint> two = earlier_front(space, {results, other}, 3);
  EXPECT_EQ(two[1].point, (DesignPoint{7, 7, 0}));  // the other's best is there already
  EXPECT_EQ(two[2].point, (DesignPoint{2, 0, 2}));
}

class WarmStudy : public testing::TestWithParam<const char*> {
 protected:
  Study study() const {
    Study study = toy_study(24, GetParam(), 3);
    study.search.population = 10;
    return study;
  }
  std::unique_ptr<Sampler> sampler(const std::vector<EarlierStudy>& earlier) const {
    return make_sampler(study().search, space_of(large_spec()), goals_of(study()), toy_rules(kMaxFlash), 1000, earlier);
  }
  // In a store that keeps what was read; four are under way at once.
  void run(TrialStore& store, const StudyHooks& hooks = {}) const {
    if (store.size() == 0) store.set_earlier({earlier_study()});
    ToyExecutor executor(4, 1000);
    const auto fresh = sampler(store.earlier());
    run_study(study(), space_of(large_spec()), *fresh, executor, store, toy_rules(kMaxFlash), hooks);
  }
};

TEST_P(WarmStudy, IsReplayedWithFourUnderWayAndAfterAStop) {
  const TemporaryFolder folder;
  TrialStore store = TrialStore::create_or_open(folder.file("study.db"), toy_record(study()));
  int64_t started = 0;
  StudyHooks hooks;
  hooks.on_start = [&](const Trial&) { ++started; };
  hooks.stop_request = [&] { return started == 15 ? StopRequest::kNow : StopRequest::kNone; };
  run(store, hooks);
  run(store);
  EXPECT_EQ(replay_study(*sampler(store.earlier()), toy_rules(kMaxFlash), store).equal(), 24);
  EXPECT_LT(replay_study(*sampler({}), toy_rules(kMaxFlash), store).equal(), 24);
}

TEST_P(WarmStudy, BeginsWithTheEarlierFrontThatFits) {
  const TemporaryFolder folder;
  TrialStore store = TrialStore::create_or_open(folder.file("study.db"), toy_record(study()));
  run(store);
  const size_t wanted = std::string(GetParam()) == "bayesian" ? 3 : 5;
  for (const Trial& trial : store.trials()) {
    EXPECT_EQ(trial.provenance.source == "earlier", trial.number < static_cast<int64_t>(wanted)) << trial.number;
    EXPECT_LE(trial.estimates.flash_bytes, kMaxFlash);
  }
}

INSTANTIATE_TEST_SUITE_P(Samplers, WarmStudy, testing::Values("bayesian", "evolution", "munas", "nsga2"),
                         [](const auto& tested) { return std::string(tested.param); });

TEST(WarmStart, OthersTakeNoNotice) {
  for (const char* name : {"random", "sobol", "svm_cbo", "autoqkeras"}) {
    const Study study = toy_study(10, name);
    const SearchSpace space = space_of(large_spec());
    const auto cold = make_sampler(study.search, space, goals_of(study), toy_rules(kMaxFlash));
    const auto warm = make_sampler(study.search, space, goals_of(study), toy_rules(kMaxFlash), 1000, {earlier_study()});
    EXPECT_EQ(cold->ask(0, 0).candidate.hash, warm->ask(0, 0).candidate.hash) << name;
  }
}

}  // namespace
}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "search/sampler.h"

#include <gtest/gtest.h>

#include <set>

#include "core/error.h"
#include "search/hypervolume.h"
#include "tests/search/small_space.h"

namespace bitwright {
namespace {

const Goals kGoals = {.objectives = {"flash"}};

SearchSpec spec_of(const std::string& sampler, uint64_t seed) {
  SearchSpec spec;
  spec.sampler = sampler;
  spec.seed = seed;
  spec.population = 8;
  spec.tournament = 3;
  return spec;
}

Trial trained(int64_t number, const Candidate& candidate) {
  Trial t;
  t.number = number;
  t.candidate = candidate;
  t.state = TrialState::kComplete;
  t.estimates = toy_estimates(candidate.network);
  t.metrics.accuracy = toy_accuracy(candidate.network, static_cast<uint64_t>(number));
  return t;
}

bool fits(const Candidate& candidate, int64_t max_flash_bytes) {
  return toy_structure(candidate.network).empty() && toy_estimates(candidate.network).flash_bytes <= max_flash_bytes;
}

// A search without a store: `count` trials, one after another.
std::vector<Trial> search(Sampler& sampler, int count, int64_t max_flash_bytes = INT64_MAX) {
  std::vector<Trial> trials;
  std::set<std::string> seen;
  for (int64_t number = 0; number < count; ++number) {
    Proposal p = sampler.ask(number, 0);
    for (int64_t attempt = 1; seen.contains(p.candidate.hash) || !fits(p.candidate, max_flash_bytes); ++attempt)
      p = sampler.ask(number, attempt);
    seen.insert(p.candidate.hash);
    trials.push_back(trained(number, p.candidate));
    trials.back().source = p.source;
    sampler.tell(trials.back());
  }
  return trials;
}

class EverySampler : public testing::TestWithParam<const char*> {};

TEST_P(EverySampler, ProposesTheSameAgainAfterBeingToldTheSameTrials) {
  const SearchSpace space = space_of(large_spec());
  const auto first = make_sampler(spec_of(GetParam(), 5), space, kGoals, toy_rules());
  const std::vector<Trial> trials = search(*first, 40);
  for (int watermark : {0, 3, 8, 20, 40}) {
    const auto a = make_sampler(spec_of(GetParam(), 5), space, kGoals, toy_rules());
    const auto b = make_sampler(spec_of(GetParam(), 5), space, kGoals, toy_rules());
    for (int i = 0; i < watermark; ++i) a->tell(trials[i]), b->tell(trials[i]);
    for (int i = 0; i < 10; ++i) b->ask(100 + i, i);  // an ask leaves no trace
    for (int64_t attempt : {0, 1, 150}) {
      const Proposal x = a->ask(watermark, attempt), y = b->ask(watermark, attempt);
      EXPECT_EQ(x.candidate.hash, y.candidate.hash);
      EXPECT_EQ(x.source, y.source);
    }
    if (watermark < 40) {
      EXPECT_EQ(a->ask(watermark, 0).source, trials[watermark].source);
    }
  }
}

TEST_P(EverySampler, ProposesOtherCandidatesForAnotherSeedNumberOrAttempt) {
  const SearchSpace space = space_of(large_spec());
  std::set<std::string> hashes;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    const auto sampler = make_sampler(spec_of(GetParam(), seed), space, kGoals, toy_rules());
    for (int64_t number = 0; number < 10; ++number)
      for (int64_t attempt = 0; attempt < 10; ++attempt) hashes.insert(sampler->ask(number, attempt).candidate.hash);
  }
  // Of 400 draws; a third have one block, of 2304 points: 4 copies are expected among them.
  EXPECT_GE(hashes.size(), 385u);
}

INSTANTIATE_TEST_SUITE_P(Samplers, EverySampler, testing::Values("random", "evolution", "bayesian"));

TEST(MakeSampler, RefusesAnUnknownName) {
  try {
    make_sampler(spec_of("annealing", 1), space_of(small_spec()), {});
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_STREQ(e.what(), "search.sampler = annealing: one of random, evolution, bayesian");
  }
}

int64_t parent_number(const Proposal& p) {
  const std::string prefix = "mutation of ";
  return p.source.starts_with(prefix) ? std::stoll(p.source.substr(prefix.size())) : -1;
}

TEST(AgingEvolution, DrawsItsFirstPopulationAtRandomAndMutatesAfterwards) {
  const auto sampler = make_sampler(spec_of("evolution", 3), space_of(large_spec()), kGoals);
  const std::vector<Trial> trials = search(*sampler, 20);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(trials[i].source, "first population");
  for (int i = 8; i < 20; ++i) EXPECT_TRUE(trials[i].source.starts_with("mutation of ")) << trials[i].source;
}

TEST(AgingEvolution, LetsTheOldestDieHoweverGood) {
  const SearchSpace space = space_of(large_spec());
  const auto sampler = make_sampler(spec_of("evolution", 3), space, {});
  Rng rng(1);
  for (int64_t number = 0; number < 9; ++number) {
    Trial t = trained(number, space.sample(rng));
    t.metrics.accuracy = 1.0 - 0.1 * static_cast<double>(number);  // trial 0 is the best of all
    sampler->tell(t);
  }
  std::set<int64_t> parents;
  for (int64_t i = 0; i < 500; ++i) parents.insert(parent_number(sampler->ask(9, 2 * i)));
  EXPECT_FALSE(parents.contains(0));
  EXPECT_EQ(*parents.begin(), 1);
  // The two worst of eight never win a tournament of three.
  EXPECT_EQ(*parents.rbegin(), 6);
}

TEST(AgingEvolution, TakesAFailedTrialForParentOnlyWhereAllHaveFailed) {
  const SearchSpace space = space_of(large_spec());
  const auto sampler = make_sampler(spec_of("evolution", 3), space, kGoals);
  Rng rng(1);
  for (int64_t number = 0; number < 8; ++number) {
    Trial t = trained(number, space.sample(rng));
    if (number < 6) t.state = number % 2 == 0 ? TrialState::kFailed : TrialState::kInfeasible;
    sampler->tell(t);
  }
  // A tournament of three among eight has neither 6 nor 7 with probability C(6,3) / C(8,3) = 5/14.
  int bad = 0;
  constexpr int kAsks = 2000;
  for (int64_t i = 0; i < kAsks; ++i) bad += parent_number(sampler->ask(8, 2 * i)) < 6;
  EXPECT_NEAR(double(bad) / kAsks, 5.0 / 14.0, 0.05);
}

TEST(AgingEvolution, DrawsFromTheWholeSpaceWhereMutationsKeepBeingRejected) {
  const auto sampler = make_sampler(spec_of("evolution", 3), space_of(large_spec()), kGoals);
  search(*sampler, 10);
  EXPECT_EQ(sampler->ask(10, 101).source, "random");
  EXPECT_TRUE(sampler->ask(10, 100).source.starts_with("mutation"));
}

double final_hypervolume(const std::string& name, uint64_t seed) {
  SearchSpec spec = spec_of(name, seed);
  spec.population = 20;
  spec.tournament = 5;
  const auto sampler = make_sampler(spec, space_of(large_spec()), kGoals);
  std::vector<ObjectiveVector> points;
  for (const Trial& t : search(*sampler, 300, 2000)) points.push_back(objective_values(t, kGoals));
  return hypervolume(points, {1.0, 2000.0}) / 2000.0;
}

TEST(AgingEvolution, FindsABetterFrontThanRandomInTheMedianOfTenSeeds) {
  std::vector<double> random, evolution;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    random.push_back(final_hypervolume("random", seed));
    evolution.push_back(final_hypervolume("evolution", seed));
  }
  std::sort(random.begin(), random.end());
  std::sort(evolution.begin(), evolution.end());
  const double random_median = (random[4] + random[5]) / 2, evolution_median = (evolution[4] + evolution[5]) / 2;
  RecordProperty("random", std::to_string(random_median));
  RecordProperty("evolution", std::to_string(evolution_median));
  EXPECT_GT(evolution_median, random_median + 0.005);  // of a box of 1
}

// Of a whole population in the tournament the parent is the best: among those below the floor the most accurate,
// though it costs most.
TEST(AgingEvolution, BelowTheFloorTheMoreAccurateIsTheBetterParent) {
  SearchSpec spec = spec_of("evolution", 3);
  spec.tournament = spec.population;
  const SearchSpace space = space_of(large_spec());
  const auto sampler = make_sampler(spec, space, {.objectives = {"flash"}, .accuracy_floor = 0.9});
  Rng rng(5);
  for (int64_t number = 0; number < spec.population; ++number) {
    Trial t = trained(number, space.sample(rng));
    t.metrics.accuracy = number == 6 ? 0.89 : 0.1 * static_cast<double>(number);
    t.estimates.flash_bytes = number == 6 ? 100'000 : 1000;
    if (number == 7) t.state = TrialState::kFailed;
    sampler->tell(t);
  }
  for (int64_t number = 8; number < 20; ++number) EXPECT_EQ(sampler->ask(number, 0).source, "mutation of 6");
  Trial above = trained(8, space.sample(rng));
  above.metrics.accuracy = 0.9;
  above.estimates.flash_bytes = 900'000;
  sampler->tell(above);
  EXPECT_EQ(sampler->ask(20, 0).source, "mutation of 8");
}

}  // namespace
}  // namespace bitwright

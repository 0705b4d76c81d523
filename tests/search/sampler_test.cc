// SPDX-License-Identifier: Apache-2.0
#include "search/sampler.h"

#include <gtest/gtest.h>

#include <set>

#include "core/error.h"
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

// A search without a store: `count` trials, one after another.
std::vector<Trial> search(Sampler& sampler, int count) {
  std::vector<Trial> trials;
  for (int64_t number = 0; number < count; ++number) {
    const Proposal p = sampler.ask(number, 0);
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

INSTANTIATE_TEST_SUITE_P(Samplers, EverySampler, testing::ValuesIn(kSamplers));

TEST(MakeSampler, RefusesAnUnknownName) {
  try {
    make_sampler(spec_of("annealing", 1), space_of(small_spec()), kGoals, toy_rules());
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_STREQ(
        e.what(),
        "search.sampler = annealing: one of autoqkeras, bayesian, evolution, munas, nsga2, random, sobol, svm_cbo");
  }
}

}  // namespace
}  // namespace bitwright

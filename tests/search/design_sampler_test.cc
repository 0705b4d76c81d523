// SPDX-License-Identifier: Apache-2.0
#include "search/design_sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "search/hypervolume.h"
#include "tests/search/small_space.h"

namespace bitwright {
namespace {

const Goals kGoals = {.objectives = {"flash"}};

CandidateDesigns designs_of(const SpaceSpec& spec, int64_t max_flash_bytes = 0) {
  return {space_of(spec), kGoals, toy_rules(max_flash_bytes)};
}

// ---- networks as points ----

TEST(CandidateDesigns, APointIsTheSameCandidateAndBack) {
  const CandidateDesigns designs = designs_of(small_spec());
  Rng rng(1);
  for (int i = 0; i < 200; ++i) {
    const DesignPoint point = designs.sample(rng);
    const Candidate candidate = designs.candidate(point);
    EXPECT_EQ(designs.point(candidate), point);
    EXPECT_EQ(candidate.hash, space_of(small_spec()).decode(candidate.parameters).hash);
  }
}

TEST(CandidateDesigns, SamplesWhatTheSpaceSamples) {
  const CandidateDesigns designs = designs_of(large_spec());
  const SearchSpace space = space_of(large_spec());
  Rng rng(2);
  double mine = 0, its = 0;
  for (int i = 0; i < 2000; ++i) {
    mine += static_cast<double>(designs.candidate(designs.sample(rng)).network.layers.size());
    its += static_cast<double>(space.sample(rng).network.layers.size());
  }
  EXPECT_NEAR(mine / its, 1.0, 0.03);
}

// What a mutant has is active, and all that is active it has.
TEST(CandidateDesigns, MutatesOneToThreeDimensionsAndWhatHangsOnThem) {
  const CandidateDesigns designs = designs_of(large_spec());
  const SearchSpace space = space_of(large_spec());
  Rng rng(3);
  int lost = 0, gained = 0;
  for (int i = 0; i < 500; ++i) {
    const DesignPoint parent = designs.sample(rng), child = designs.mutate(parent, rng);
    EXPECT_EQ(designs.point(designs.candidate(child)), child);
    int changed = 0;
    for (size_t k = 0; k < parent.size(); ++k) {
      changed += parent[k] >= 0 && child[k] >= 0 && parent[k] != child[k];
      lost += parent[k] >= 0 && child[k] < 0;
      gained += parent[k] < 0 && child[k] >= 0;
    }
    EXPECT_GE(changed, 1);
    EXPECT_LE(changed, 3);
  }
  EXPECT_GT(lost, 0);
  EXPECT_GT(gained, 0);
}

TEST(CandidateDesigns, AMutationStepsMostlyToANeighbour) {
  SpaceSpec spec = large_spec();
  spec.min_blocks = spec.max_blocks = 1;
  const CandidateDesigns designs = designs_of(spec);
  const SearchSpace space = space_of(spec);
  const auto& all = space.dimensions();
  const auto channels = static_cast<size_t>(std::ranges::find(all, "block1.channels", &Dimension::name) - all.begin());
  Rng rng(9);
  DesignPoint point = designs.sample(rng);
  point[channels] = 2;  // 8, of 2 to 64
  int near = 0, far = 0;
  for (int i = 0; i < 20000; ++i) {
    const double changed = designs.mutate(point, rng)[channels];
    if (changed == 2) continue;
    (changed == 1 || changed == 3 ? near : far)++;
  }
  // 80 % steps, and 2 of the 5 others by chance: 88 %.
  EXPECT_NEAR(double(near) / (near + far), 0.88, 0.03);
}

TEST(CandidateDesigns, ASpaceOfOnePointMutatesToItself) {
  SpaceSpec spec = large_spec();
  spec.min_blocks = spec.max_blocks = 1;
  spec.block = {{"conv"}, {4}, {3}, {1}, {1}, {Format::kBinary}, {Format::kBinary}};
  ASSERT_EQ(space_of(spec).size(), 1.0);
  const CandidateDesigns designs = designs_of(spec);
  Rng rng(1);
  const DesignPoint point = designs.sample(rng);
  EXPECT_EQ(designs.mutate(point, rng), point);
}

TEST(CandidateDesigns, TheModelSeesOrderChoicesAndWhatIsNotThere) {
  const CandidateDesigns designs = designs_of(large_spec());
  const SearchSpace space = space_of(large_spec());
  const auto at = [&](const std::string& name) {
    const auto& all = space.dimensions();
    return static_cast<size_t>(std::ranges::find(all, name, &Dimension::name) - all.begin());
  };
  const std::vector<ModelInput> inputs = designs.inputs();
  EXPECT_EQ(inputs[at("block1.kind")].choices, 2);
  EXPECT_EQ(inputs[at("block1.channels")].choices, 0);
  EXPECT_EQ(inputs[at("block1.channels")].group, inputs[at("block3.channels")].group);
  EXPECT_NE(inputs[at("block1.channels")].group, inputs[at("block1.kernel")].group);
  EXPECT_EQ(inputs[at("blocks")].group, -1);
  Rng rng(4);
  DesignPoint point = designs.sample(rng);
  while (point[at("blocks")] != 0 || point[at("block1.channels")] != 3) point = designs.sample(rng);
  const Eigen::RowVectorXd row = designs.encode(point);
  EXPECT_DOUBLE_EQ(row[static_cast<Eigen::Index>(at("block1.channels"))], 3.5 / 6);
  EXPECT_TRUE(std::isnan(row[static_cast<Eigen::Index>(at("block2.channels"))]));
}

TEST(CandidateDesigns, KnowsTheCostsOfWhatKeepsTheRules) {
  const CandidateDesigns designs = designs_of(large_spec(), 700);
  Rng rng(5);
  int kept = 0;
  for (int i = 0; i < 200; ++i) {
    const DesignPoint point = designs.sample(rng);
    const Network network = designs.candidate(point).network;
    const bool sound = toy_structure(network).empty();
    const double flash = sound ? static_cast<double>(toy_estimates(network).flash_bytes) : 0.0;
    const bool fits = sound && flash <= 700;
    const KnownOutcome known = designs.known_outcome(point);
    ASSERT_EQ(known.broken.empty(), fits);
    EXPECT_EQ(known.objectives, fits ? ObjectiveVector{flash} : ObjectiveVector{});
    kept += fits;
  }
  EXPECT_GT(kept, 20);
  EXPECT_LT(kept, 180);
}

// ---- the search ----

Trial trained(int64_t number, const Proposal& proposal) {
  Trial trial;
  trial.number = number;
  trial.candidate = proposal.candidate;
  trial.source = proposal.source;
  trial.state = TrialState::kComplete;
  trial.estimates = toy_estimates(proposal.candidate.network);
  trial.metrics.accuracy = toy_accuracy(proposal.candidate.network, static_cast<uint64_t>(number));
  return trial;
}

// Of `count` trials, of which `lanes` are under way at once.
std::vector<Trial> search(const std::string& name, uint64_t seed, int count, int64_t max_flash_bytes,
                          size_t lanes = 1) {
  SearchSpec spec;
  spec.sampler = name, spec.seed = seed, spec.population = 12, spec.tournament = 4;
  const CandidateRules rules = toy_rules(max_flash_bytes);
  const auto sampler = make_sampler(spec, space_of(large_spec()), kGoals, rules);
  std::vector<Trial> trials;
  std::set<std::string> seen;
  std::deque<Trial> running;
  for (int64_t number = 0; number < count; ++number) {
    Proposal proposal = sampler->ask(number, 0);
    const auto rejected = [&] {
      const Network& network = proposal.candidate.network;
      return seen.contains(proposal.candidate.hash) || !rules.check_structure(network).empty() ||
             !rules.check_budgets(rules.estimate(network)).empty();
    };
    for (int64_t attempt = 1; rejected(); ++attempt) {
      ADD_FAILURE() << "the first attempt keeps all rules";
      proposal = sampler->ask(number, attempt);
    }
    seen.insert(proposal.candidate.hash);
    running.push_back(trained(number, proposal));
    sampler->begin(running.back());
    if (running.size() < lanes) continue;
    sampler->tell(running.front());
    trials.push_back(running.front());
    running.pop_front();
  }
  return trials;
}

double volume(const std::vector<Trial>& trials) {
  std::vector<ObjectiveVector> points;
  for (const Trial& trial : trials) points.push_back(objective_values(trial, kGoals));
  return hypervolume(points, {1.0, 3000.0});
}

TEST(DesignSampler, GainsMoreThanEvolutionOfAsManyTrials) {
  double model = 0, evolution = 0;
  for (uint64_t seed = 0; seed < 2; ++seed) {
    model += volume(search("bayesian", seed, 40, 3000));
    evolution += volume(search("evolution", seed, 40, 3000));
  }
  EXPECT_GT(model, evolution);
}

TEST(DesignSampler, ProposesWhatIsNewAndFitsWithEightUnderWay) {
  EXPECT_EQ(search("bayesian", 1, 40, 1000, 8).size(), 33u);
}

TEST(DesignSampler, SaysWhatTheModelExpected) {
  const std::vector<Trial> trials = search("bayesian", 2, 14, 3000);
  EXPECT_EQ(trials[0].source, "initial");
  EXPECT_THAT(trials[9].source, testing::StartsWith("initial"));
  EXPECT_THAT(trials[12].source,
              testing::MatchesRegex("model(, mutation of [0-9]+)?: error .+ % \\(.+ \\.\\. .+ %\\), success 100 %"));
}

// Told of the first ten trials, the third of which broke a limit as measured.
Opinion opinion_after(TrialState state_of_third, double least_accuracy = 0.0) {
  SearchSpec spec;
  spec.sampler = "bayesian", spec.seed = 2;
  CandidateRules rules = toy_rules(3000);
  rules.margins = std::make_shared<CostMargins>();
  const auto sampler = make_sampler(spec, space_of(large_spec()), kGoals, rules);
  for (int64_t number = 0; number < 10; ++number) {
    Trial trial = trained(number, sampler->ask(number, 0));
    trial.metrics.windows = 100;
    sampler->begin(trial);
    if (number == 2) {
      trial.metrics.accuracy = std::max(trial.metrics.accuracy, least_accuracy);
      trial.state = state_of_third;
      if (state_of_third == TrialState::kInfeasible) trial.violations = {{"flash", 3001.0, 3000.0, "flash too large"}};
    }
    sampler->tell(trial);
  }
  return sampler->ask(10, 0).provenance.opinion.value();
}

TEST(DesignSampler, LearnsTheErrorOfWhatBrokeALimitAsMeasuredAndNoFailure) {
  EXPECT_LT(opinion_after(TrialState::kFailed).log_success, 0.0);
  EXPECT_EQ(opinion_after(TrialState::kInfeasible).log_success, 0.0);
  EXPECT_EQ(opinion_after(TrialState::kComplete).log_success, 0.0);
  EXPECT_NE(opinion_after(TrialState::kInfeasible).mean, opinion_after(TrialState::kInfeasible, 0.99).mean);
}

TEST(ToldResults, WhatExceedsALimitAsMeasuredSucceededAndIsNoPointOfAFront) {
  const CandidateDesigns designs = designs_of(large_spec());
  Rng rng(3);
  ToldResults results(designs, 0.5);
  const auto told = [&](std::optional<ObjectiveVector> measured, double excess) {
    DesignPoint point = designs.sample(rng);
    while (!designs.known_outcome(point).broken.empty()) point = designs.sample(rng);
    const auto number = std::ssize(results.entries());
    return results.entries()[*results.add({.number = number, .point = point, .measured = measured, .excess = excess})];
  };
  const ToldResults::Entry beyond = told(ObjectiveVector{0.25}, 0.01);
  EXPECT_TRUE(beyond.succeeded());
  EXPECT_EQ(beyond.violation, 0.01);
  EXPECT_EQ(beyond.objectives[0], 0.25);
  EXPECT_TRUE(told(ObjectiveVector{0.5}, 0.0).succeeded());
  EXPECT_FALSE(told(ObjectiveVector{0.75}, 0.0).succeeded());
  EXPECT_FALSE(told(ObjectiveVector{0.75}, 0.01).succeeded());
  EXPECT_FALSE(told(std::nullopt, 0.0).succeeded());
}

}  // namespace
}  // namespace bitwright

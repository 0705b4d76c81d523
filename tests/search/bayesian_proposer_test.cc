// SPDX-License-Identifier: Apache-2.0
#include "search/bayesian_proposer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "tests/search/grid.h"

namespace bitwright {
namespace {

const BayesianOptions kSmall = {.initial_points = 6, .pool = 60, .refinements = 1, .refined = 5, .mutants = 4};

// Proposals one after another, each told before the next; ends early where there are none left.
std::vector<DesignProposal> search(const DesignSpace& space, uint64_t seed, int count,
                                   const BayesianOptions& options = kSmall) {
  BayesianProposer proposer(space, seed, options);
  std::vector<DesignProposal> proposals;
  for (int64_t number = 0; number < count; ++number) {
    std::optional<DesignProposal> proposal = proposer.propose(number);
    if (!proposal) break;
    proposer.tell(result_of(number, proposal->point));
    proposals.push_back(std::move(*proposal));
  }
  return proposals;
}

std::set<std::string> keys_of(const DesignSpace& space, const std::vector<DesignProposal>& proposals) {
  std::set<std::string> keys;
  for (const DesignProposal& proposal : proposals) keys.insert(space.key(proposal.point));
  return keys;
}

bool finds_optimum(uint64_t seed, int evaluations) {
  for (const DesignProposal& proposal : search(Grid(), seed, evaluations))
    if (proposal.point == kOptimum) return true;
  return false;
}

// A random search finds one of 300 points within 30 draws once in ten times.
TEST(BayesianProposer, FindsAPlantedOptimumInATenthOfWhatARandomSearchTakes) {
  ASSERT_EQ(Grid().size(), 300);
  int found = 0;
  for (uint64_t seed = 0; seed < 10; ++seed) found += finds_optimum(seed, 30);
  EXPECT_GE(found, 8);
}

TEST(BayesianProposer, ProposesEveryPointOfASmallSpaceOnceAndThenEnds) {
  const Grid space(4);
  const std::vector<DesignProposal> proposals = search(space, 1, 2 * space.size());
  EXPECT_EQ(static_cast<int>(proposals.size()), space.size());
  EXPECT_EQ(static_cast<int>(keys_of(space, proposals).size()), space.size());
}

TEST(BayesianProposer, NeverBreaksAKnownLimit) {
  const Grid space(kLevels, true);
  int64_t rejected = 0;
  for (const DesignProposal& proposal : search(space, 2, 40)) {
    EXPECT_TRUE(space.known_outcome(proposal.point).broken.empty());
    rejected += proposal.rejected.by_rule.at("parity");
  }
  EXPECT_GT(rejected, 0);
}

TEST(BayesianProposer, ProposesTheSameAfterTheSameHistory) {
  const Grid space;
  BayesianProposer asked_often(space, 3, kSmall);
  std::vector<DesignResult> history;
  for (int64_t number = 0; number < 50; ++number) {
    history.push_back(result_of(number, asked_often.propose(number)->point));
    asked_often.tell(history.back());
    if (number % 7 != 0) continue;
    BayesianProposer asked_once(space, 3, kSmall);
    for (const DesignResult& result : history) asked_once.tell(result);
    const std::vector<DesignPoint> pending = {{1, 1, 0}, {0, 5, 2}};
    const auto one = asked_often.propose(number + 1, pending), other = asked_once.propose(number + 1, pending);
    EXPECT_EQ(one->point, other->point);
    EXPECT_EQ(one->rejected.by_rule, other->rejected.by_rule);
    if (!one->opinion) continue;
    EXPECT_EQ(one->opinion->log_acquisition, other->opinion->log_acquisition);
  }
}

// With eight under way at once.
TEST(BayesianProposer, NeverProposesWhatIsUnderWay) {
  const Grid space;
  BayesianProposer proposer(space, 4, kSmall);
  std::vector<DesignPoint> pending;
  std::set<std::string> seen;
  for (int64_t number = 0; number < 60; ++number) {
    const DesignPoint point = proposer.propose(number, pending)->point;
    EXPECT_TRUE(seen.insert(space.key(point)).second);
    pending.push_back(point);
    if (pending.size() < 8) continue;
    proposer.tell(result_of(number - 7, pending.front()));
    pending.erase(pending.begin());
  }
}

TEST(BayesianProposer, SaysWhereAProposalComesFrom) {
  const std::vector<DesignProposal> proposals = search(Grid(), 5, 30);
  for (size_t i = 0; i < proposals.size(); ++i) {
    const DesignProposal& proposal = proposals[i];
    const std::string wanted = i < 6 ? "initial" : i % 10 == 9 ? "evolution" : "model";
    EXPECT_EQ(proposal.source, wanted) << i;
    EXPECT_EQ(proposal.opinion.has_value(), wanted != "initial");
    EXPECT_TRUE(!proposal.parents.empty() || wanted != "evolution");
    for (const int64_t parent : proposal.parents) EXPECT_LT(parent, static_cast<int64_t>(i));
  }
}

// Trainings with the third choice fail. Later than here nothing else is left to gain.
TEST(BayesianProposer, LearnsWhereTrainingsFail) {
  const Grid space;
  BayesianProposer proposer(space, 6, kSmall);
  int failed = 0;
  for (int64_t number = 0; number < 26; ++number) {
    const DesignPoint point = proposer.propose(number)->point;
    const bool fails = point[2] == 2;
    proposer.tell(fails ? DesignResult{number, point, std::nullopt} : result_of(number, point));
    if (number >= kSmall.initial_points) failed += fails;
  }
  EXPECT_LE(failed, 3);  // of 20; 7 of a random search
}

// An evaluation tells two objectives, which pull apart, and a limit.
DesignResult measured(int64_t number, const DesignPoint& p) {
  const double off = p[2] == 0 ? 0.0 : 3.0;
  return {number, p, ObjectiveVector{p[0] + off, 11.0 - p[0] + std::abs(p[1] - 6.0) + off}, {p[1] - 8.0}};
}

// The front: its twelve points are those of p[1] = 6 and the first choice.
bool is_optimal(const DesignPoint& p) {
  return p[1] == 6 && p[2] == 0;
}

TEST(BayesianProposer, FindsAFrontThatOnlyEvaluationsTell) {
  const Unknown space;
  int found = 0;
  BayesianOptions options = kSmall;
  options.error_resolution = 0.0;
  for (uint64_t seed = 0; seed < 2; ++seed) {
    BayesianProposer proposer(space, seed, options);
    for (int64_t number = 0; number < 40; ++number) {
      const DesignPoint point = proposer.propose(number)->point;
      found += is_optimal(point);
      proposer.tell(measured(number, point));
    }
  }
  EXPECT_GE(found, 18);  // of 24; a random search finds 3
}

// Only p[1] <= 2 keeps the limit, a quarter of the space.
TEST(BayesianProposer, LearnsWhichPointsKeepAMeasuredLimit) {
  const Unknown space;
  BayesianOptions options = kSmall;
  options.error_resolution = 0.0;
  int broken = 0;
  for (uint64_t seed = 0; seed < 2; ++seed) {
    BayesianProposer proposer(space, seed, options);
    for (int64_t number = 0; number < 30; ++number) {
      const DesignPoint point = proposer.propose(number)->point;
      if (number >= kSmall.initial_points) broken += point[1] > 2;
      DesignResult result = measured(number, point);
      result.limits = {point[1] - 2.5};
      proposer.tell(result);
    }
  }
  EXPECT_LE(broken, 20);  // of 48; 36 of a random search
}

// Limits are scaled by what was measured, so that targets change with the results.
TEST(BayesianProposer, ProposesTheSameHoweverOftenItWasAskedBefore) {
  const Unknown space;
  BayesianOptions options = kSmall;
  options.error_resolution = 0.0;
  BayesianProposer asked_often(space, 3, options), asked_once(space, 3, options);
  for (int64_t number = 0; number < 47; ++number) {
    const DesignPoint point = asked_often.propose(number)->point;
    for (BayesianProposer* proposer : {&asked_often, &asked_once}) proposer->tell(measured(number, point));
  }
  const auto often = asked_often.propose(47), once = asked_once.propose(47);
  EXPECT_EQ(often->point, once->point);
  EXPECT_EQ(often->opinion->log_acquisition, once->opinion->log_acquisition);
}

// With the first choice a quiet slope, with the others two levels in no order.
double rough_error(const DesignPoint& p) {
  if (p[2] == 0) return 0.1 + 0.001 * p[1];
  return Rng(static_cast<uint64_t>(p[0]), static_cast<uint64_t>(p[1])).chance(0.3) ? 0.05 : 0.9;
}

double smooth_error(const DesignPoint& p) {
  return 0.02 * std::exp(std::pow((p[0] - 30.0) / 15.0, 2) + 0.02 * p[1]);
}

// Of four searches: proposals that a forest expects most of, of 54 after 40 results.
std::vector<int> forests(double (*error)(const DesignPoint&)) {
  const Grid space(40);
  std::vector<int> counts(4);
  for (uint64_t seed = 0; seed < counts.size(); ++seed) {
    BayesianProposer proposer(space, seed, kSmall);
    for (int64_t number = 0; number < 100; ++number) {
      const DesignProposal proposal = *proposer.propose(number);
      counts[seed] += proposal.source == "forest";
      proposer.tell({number, proposal.point, ObjectiveVector{error(proposal.point)}});
    }
  }
  return counts;
}

TEST(BayesianProposer, LetsAForestSpeakOfARoughFunctionAndTheModelOfASmoothOne) {
  for (const int count : forests(rough_error)) EXPECT_GE(count, 20);
  for (const int count : forests(smooth_error)) EXPECT_LE(count, 1);
}

TEST(BayesianProposer, OfAForestProposesTheSameHoweverOftenItWasAskedBefore) {
  const Grid space(40);
  BayesianProposer asked_often(space, 0, kSmall), asked_once(space, 0, kSmall);
  std::vector<DesignPoint> pending;
  for (int64_t number = 0; number < 70; ++number) {
    const DesignPoint point = asked_often.propose(number)->point;
    for (BayesianProposer* proposer : {&asked_often, &asked_once})
      proposer->tell({number, point, ObjectiveVector{rough_error(point)}});
  }
  for (int64_t number = 70; number < 73; ++number) {
    const auto often = asked_often.propose(number, pending), once = asked_once.propose(number, pending);
    EXPECT_EQ(once->source, "forest");
    EXPECT_EQ(often->point, once->point);
    EXPECT_EQ(often->opinion->log_acquisition, once->opinion->log_acquisition);
    pending.push_back(once->point);
  }
}

}  // namespace
}  // namespace bitwright

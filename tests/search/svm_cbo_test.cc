// SPDX-License-Identifier: Apache-2.0
#include "search/svm_cbo.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "tests/search/grid.h"

namespace bitwright {
namespace {

constexpr SvmCboOptions kSmall = {.initial_points = 8, .boundary_points = 12, .pool = {.points = 60, .mutants = 3}};

// Evaluations fail where the first number is below seven or the third is the first choice: 28 % succeed.
bool fails(const DesignPoint& p) {
  return p[0] < 7 || p[2] == 0;
}

struct Count {
  int proposals = 0, failures = 0;
};

// By source, over ten searches.
std::map<std::string, Count> search(const SvmCboOptions& options, bool with_failures) {
  const Unknown space;
  std::map<std::string, Count> counts;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    SvmCbo proposer(space, seed, options);
    for (int64_t number = 0; number < 40; ++number) {
      const DesignProposal proposal = *proposer.propose(number, {});
      DesignResult result = result_of(number, proposal.point);
      if (with_failures && fails(proposal.point)) result.measured.reset();
      ++counts[proposal.source].proposals;
      counts[proposal.source].failures += !result.measured;
      proposer.tell(result);
    }
  }
  return counts;
}

double failing(const Count& count) {
  return double(count.failures) / count.proposals;
}

TEST(AugmentedTchebycheff, IsTheGreatestTermAndATwentiethOfTheirSum) {
  EXPECT_DOUBLE_EQ(augmented_tchebycheff({0.5, 0.2}, {0.25, 0.75}), 0.15 + 0.05 * 0.275);
  EXPECT_DOUBLE_EQ(augmented_tchebycheff({0.5}, {1.0}), 0.525);
}

TEST(SvmCbo, LearnsWhereEvaluationsFailThenSearchesWhereTheyDoNot) {
  const auto counts = search(kSmall, true);
  EXPECT_GE(counts.at("boundary").proposals, 100);
  EXPECT_GE(counts.at("model").proposals, 180);
  EXPECT_GT(failing(counts.at("first population")), 0.6);
  EXPECT_LT(failing(counts.at("model")), 0.2);
}

TEST(SvmCbo, HasNoPhaseOfBoundariesWhileNothingFails) {
  const auto counts = search(kSmall, false);
  EXPECT_EQ(counts.at("first population").proposals, 80);
  EXPECT_EQ(counts.at("model").proposals, 320);
}

// On average over ten seeds, of points whose evaluations fail where the first number is below seven.
TEST(SvmCbo, ProposesNearerToTheBoundaryThanRandomPointsAre) {
  const Unknown space;
  double distance = 0.0;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    SvmCbo proposer(space, seed, {.initial_points = 40});
    for (int64_t number = 0; number < 40; ++number) {
      DesignResult result = result_of(number, proposer.propose(number, {})->point);
      if (result.point[0] < 7) result.measured.reset();
      proposer.tell(result);
    }
    const DesignProposal proposal = *proposer.propose(40, {});
    EXPECT_EQ(proposal.source, "boundary");
    distance += std::abs(proposal.point[0] - 6.5) / 10;
  }
  EXPECT_LT(distance, 2.5);  // of random points 3.1
}

TEST(SvmCbo, GoesOnWhereEverythingFails) {
  const Grid space(3);
  SvmCbo proposer(space, 1, kSmall);
  for (int64_t number = 0; number < space.size(); ++number)
    proposer.tell({number, proposer.propose(number, {})->point, std::nullopt});
  EXPECT_FALSE(proposer.propose(space.size(), {}).has_value());
}

TEST(SvmCbo, AResultThatExceedsAMeasuredLimitIsAFailure) {
  const Unknown space;
  SvmCbo proposer(space, 1, {.initial_points = 2, .boundary_points = 0, .most_error = 0.5});
  proposer.tell({0, {0, 0, 0}, ObjectiveVector{0.1}, {0.2}});
  proposer.tell({1, {1, 0, 0}, ObjectiveVector{0.6}, {-0.2}});
  proposer.tell({2, {2, 0, 0}, ObjectiveVector{0.1}, {-0.2}});
  EXPECT_EQ(proposer.propose(3, {})->source, "boundary");
  EXPECT_EQ(proposer.propose(4, {})->source, "first population");
  proposer.tell({3, {3, 0, 0}, ObjectiveVector{0.1}, {-0.2}});
  EXPECT_EQ(proposer.propose(4, {})->source, "model");
}

TEST(SvmCbo, FindsABetterFrontThanRandomInTheMedianOfTenSeeds) {
  const double searched = median_of_ten(
      [](const DesignSpace& space, uint64_t seed) { return std::make_unique<SvmCbo>(space, seed, kSmall); });
  EXPECT_GT(searched, random_median_of_ten());
}

}  // namespace
}  // namespace bitwright

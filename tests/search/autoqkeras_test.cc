// SPDX-License-Identifier: Apache-2.0
#include "search/autoqkeras.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "tests/search/grid.h"

namespace bitwright {
namespace {

constexpr AutoQKerasOptions kSmall = {.initial_points = 8, .pool = {.points = 60, .mutants = 3}};

TEST(ForgivingDelta, IsEightPercentForHalfTheSizeAndMinusEightForTwice) {
  EXPECT_DOUBLE_EQ(forgiving_delta(50, 100), 0.08);
  EXPECT_DOUBLE_EQ(forgiving_delta(25, 100), 0.16);
  EXPECT_DOUBLE_EQ(forgiving_delta(100, 100), 0.0);
  EXPECT_DOUBLE_EQ(forgiving_delta(200, 100), -0.08);
  EXPECT_DOUBLE_EQ(forgiving_delta(200, 100, {.delta_p = 0.1, .delta_n = 0.2, .rate = 4.0}), -0.1);
  EXPECT_DOUBLE_EQ(forgiving_delta(25, 100, {.delta_p = 0.1, .delta_n = 0.2, .rate = 4.0}), 0.1);
}

TEST(ForgivingDelta, IsFiniteForNoSizeAndNothingForNoReference) {
  EXPECT_NEAR(forgiving_delta(0, 100), 0.08 * std::log2(1000.0), 1e-12);
  EXPECT_EQ(forgiving_delta(10, 0), 0.0);
}

// Costs are 1 + the first number: the median is 4.
TEST(AutoQKeras, ScoresAgainstTheMedianCostOfTheFirstResults) {
  const Grid space;
  AutoQKeras proposer(space, 1, {.initial_points = 3});
  for (const double first : {1, 3, 9})
    proposer.tell({static_cast<int64_t>(first), {first, 0, 0}, ObjectiveVector{0.5}});
  EXPECT_DOUBLE_EQ(proposer.score({0.25, 2.0}), 0.75 * 1.08);
  EXPECT_DOUBLE_EQ(proposer.score({0.25, 8.0}), 0.75 * 0.92);
  proposer.tell({20, {11, 0, 0}, ObjectiveVector{0.5}});  // none of the first
  EXPECT_DOUBLE_EQ(proposer.score({0.25, 4.0}), 0.75);
}

TEST(AutoQKeras, TakesMeasuredCostsWhereNoneIsKnownAndTheMeanOfTheirFactors) {
  const Unknown space;
  AutoQKeras proposer(space, 1, {.initial_points = 2});
  proposer.tell({0, {0, 0, 0}, ObjectiveVector{0.5, 10, 100}});
  proposer.tell({1, {1, 0, 0}, std::nullopt});                       // failed
  proposer.tell({2, {2, 0, 0}, ObjectiveVector{0.5, 1, 1}, {0.1}});  // likewise
  proposer.tell({3, {3, 0, 0}, ObjectiveVector{0.5, 20, 200}});
  EXPECT_DOUBLE_EQ(proposer.score({0.0, 5, 200}), 1.0);  // half of 10, twice 100
  EXPECT_DOUBLE_EQ(proposer.score({0.0, 5, 100}), 1.04);
}

TEST(AutoQKeras, TakesErrorsThatAreNoSharesRelativeToTheFirstResults) {
  const Unknown space;
  AutoQKeras proposer(space, 1, {.initial_points = 2});
  proposer.tell({0, {0, 0, 0}, ObjectiveVector{-300.0}});
  proposer.tell({1, {1, 0, 0}, ObjectiveVector{100.0}});
  EXPECT_DOUBLE_EQ(proposer.score({-200.0}), 0.75);
}

TEST(AutoQKeras, AFailureScoresAsTheWorstOfTheFirstResults) {
  const Unknown space;
  AutoQKeras proposer(space, 1, {.initial_points = 2});
  proposer.tell({0, {0, 0, 0}, ObjectiveVector{0.25}});
  proposer.tell({1, {1, 0, 0}, std::nullopt});
  proposer.tell({2, {2, 0, 0}, ObjectiveVector{0.5}});
  proposer.tell({3, {3, 0, 0}, ObjectiveVector{0.75}});  // none of the first
  EXPECT_DOUBLE_EQ(proposer.score({}), 0.5);
}

TEST(AutoQKeras, OfTooGreatAnErrorAtTooGreatACostTheScoreIsNothing) {
  const Unknown space;
  AutoQKeras proposer(space, 1, {.initial_points = 2});
  proposer.tell({0, {0, 0, 0}, ObjectiveVector{-300.0, 1.0}});
  proposer.tell({1, {1, 0, 0}, ObjectiveVector{100.0, 1.0}});
  EXPECT_EQ(proposer.score({5000.0, 1e6}), 0.0);
}

double best_score(Proposer& proposer) {
  double best = 0.0;
  for (int64_t number = 0; number < 40; ++number) {
    const DesignPoint point = proposer.propose(number, {})->point;
    proposer.tell(result_of(number, point));
    best = std::max(best, (1.0 - error_of(point)) * (1.0 + forgiving_delta(1.0 + point[0], 6.0)));
  }
  return best;
}

template <class Make>
double median_best_score(const Make& make) {
  const Grid space;
  std::vector<double> scores;
  for (uint64_t seed = 1; seed <= 10; ++seed) scores.push_back(best_score(*make(space, seed)));
  std::ranges::sort(scores);
  return (scores[4] + scores[5]) / 2;
}

TEST(AutoQKeras, FindsABetterScoreThanRandomInTheMedianOfTenSeeds) {
  const double searched = median_best_score(
      [](const Grid& space, uint64_t seed) { return std::make_unique<AutoQKeras>(space, seed, kSmall); });
  const double random =
      median_best_score([](const Grid& space, uint64_t seed) { return std::make_unique<RandomProposer>(space, seed); });
  EXPECT_GT(searched, random + 0.005);
  EXPECT_NEAR(searched, 0.964 * (1.0 + forgiving_delta(7.0, 6.0)), 1e-9);  // the best there is, at {6, 3, 2}
}

TEST(AutoQKeras, DrawsAtRandomUntilEnoughCameOut) {
  const Grid space;
  AutoQKeras proposer(space, 1, kSmall);
  for (int64_t number = 0; number < 30; ++number) {
    const DesignProposal proposal = *proposer.propose(number, {});
    EXPECT_EQ(proposal.source, number < 16 ? "first population" : "model");
    DesignResult result = result_of(number, proposal.point);
    if (number % 2 == 0) result.measured.reset();
    proposer.tell(result);
  }
}

}  // namespace
}  // namespace bitwright

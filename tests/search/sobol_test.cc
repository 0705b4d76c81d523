// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "search/sobol_proposer.h"
#include "tests/search/grid.h"

namespace bitwright {
namespace {

using Points = std::vector<std::vector<double>>;

Points first_points(SobolSequence sequence, size_t count) {
  Points points;
  for (size_t i = 0; i < count; ++i) points.push_back(sequence.point(i));
  return points;
}

Points random_points(uint64_t seed, size_t dimensions, size_t count) {
  Rng rng(seed);
  Points points(count, std::vector<double>(dimensions));
  for (auto& point : points)
    for (double& value : point) value = rng.uniform();
  return points;
}

// Squared L2 star discrepancy. Source: Warnock, "Computational Investigations of Low-Discrepancy Point Sets", 1972.
double discrepancy(const Points& points) {
  const auto n = static_cast<double>(points.size());
  double sum = std::pow(3.0, -static_cast<double>(points[0].size()));
  for (const auto& a : points) {
    double volume = 2.0 / n;
    for (const double value : a) volume *= (1.0 - value * value) / 2.0;
    sum -= volume;
    for (const auto& b : points) {
      double common = 1.0 / (n * n);
      for (size_t k = 0; k < a.size(); ++k) common *= 1.0 - std::max(a[k], b[k]);
      sum += common;
    }
  }
  return sum;
}

TEST(SobolSequence, UnshiftedItIsThePublishedOne) {
  EXPECT_EQ(first_points(SobolSequence(3), 8), (Points{{0, 0, 0},
                                                       {0.5, 0.5, 0.5},
                                                       {0.75, 0.25, 0.25},
                                                       {0.25, 0.75, 0.75},
                                                       {0.375, 0.375, 0.625},
                                                       {0.875, 0.875, 0.125},
                                                       {0.625, 0.125, 0.875},
                                                       {0.125, 0.625, 0.375}}));
}

TEST(SobolSequence, ShiftedItHasAPointInEveryPartOfEveryAxis) {
  const Points points = first_points(SobolSequence(40, 7), 64);
  for (size_t k = 0; k < 40; ++k) {
    std::set<double> parts;
    for (const auto& point : points) parts.insert(std::floor(point[k] * 64));
    EXPECT_EQ(parts.size(), 64u) << k;
    EXPECT_EQ(*parts.rbegin(), 63.0) << k;
  }
}

TEST(SobolSequence, IsMoreEvenThanRandomForEverySeedAndAnotherForEach) {
  std::set<double> firsts;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const Points points = first_points(SobolSequence(5, seed), 128);
    firsts.insert(points[0][0]);
    EXPECT_LT(discrepancy(points), discrepancy(random_points(seed, 5, 128)));
  }
  EXPECT_EQ(firsts.size(), 10u);
}

TEST(SobolSequence, GivesThePointsInAnyOrder) {
  SobolSequence sequence(4, 1);
  const Points points = first_points(SobolSequence(4, 1), 10);
  for (const size_t i : {9, 0, 3, 3, 8, 9}) EXPECT_EQ(sequence.point(i), points[i]);
}

TEST(SobolProposer, ProposesTheSequenceWithoutWhatBreaksALimit) {
  const Grid space(kLevels, true);
  SobolProposer proposer(space, 5);
  SobolSequence sequence(3, 5);
  int64_t number = 0;
  for (uint64_t index = 0; index < 200; ++index) {
    const DesignPoint expected = space.decode_unit(sequence.point(index));
    if (!space.known_outcome(expected).broken.empty()) continue;
    const DesignProposal proposal = *proposer.propose(number, {});
    EXPECT_EQ(proposal.point, expected);
    EXPECT_EQ(proposal.source, "sobol");
    ++number;
  }
  EXPECT_GT(number, 50);
}

TEST(SobolProposer, GoesOnToTheNextPointWhereOneIsTakenOrUnderWay) {
  const Grid space;
  SobolProposer proposer(space, 5);
  const DesignPoint first = proposer.propose(0, {})->point, second = proposer.propose(1, {})->point;
  EXPECT_EQ(proposer.propose(0, {first})->point, second);
  proposer.tell(result_of(0, second));
  EXPECT_EQ(proposer.propose(1, {first})->point, proposer.propose(2, {})->point);
  EXPECT_EQ(proposer.propose(0, {})->point, first);
}

TEST(SobolProposer, FindsEveryPointOfASmallSpace) {
  const Grid space(2, true);
  SobolProposer proposer(space, 1);
  std::set<std::string> keys;
  int64_t number = 0;
  while (const auto proposal = proposer.propose(number, {})) {
    EXPECT_TRUE(keys.insert(space.key(proposal->point)).second);
    proposer.tell(result_of(number++, proposal->point));
  }
  EXPECT_EQ(number, 6);  // of ten, the sums of the others being odd
}

}  // namespace
}  // namespace bitwright

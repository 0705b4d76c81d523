// SPDX-License-Identifier: Apache-2.0
#include "search/nsga2.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>

#include "tests/search/grid.h"

namespace bitwright {
namespace {

using Numbers = std::set<int64_t>;

// Of a point of its own, of nothing but what is measured.
DesignResult measured(int64_t number, ObjectiveVector objectives, double limit = -1.0) {
  return {
      number, {static_cast<double>(number % kLevels), static_cast<double>(number / kLevels), 0}, objectives, {limit}};
}

DesignResult failed(int64_t number) {
  DesignResult result = measured(number, {});
  result.measured.reset();
  return result;
}

Nsga2 told(const DesignSpace& space, int population, const std::vector<DesignResult>& results) {
  Nsga2 nsga2(space, 3, {.population = population});
  for (const DesignResult& result : results) nsga2.tell(result);
  return nsga2;
}

// First parents of many proposals, each of which has a stream of its own.
std::vector<int64_t> parents_of(Nsga2& nsga2) {
  std::vector<int64_t> parents;
  for (int64_t number = 100; number < 2100; ++number) parents.push_back(nsga2.propose(number, {})->parents.at(0));
  return parents;
}

// The least fit of all wins no tournament.
Numbers survivors_but_the_least(Nsga2& nsga2) {
  const std::vector<int64_t> parents = parents_of(nsga2);
  return {parents.begin(), parents.end()};
}

TEST(Nsga2, DrawsItsFirstPopulationAtRandomAndCrossesAfterwards) {
  const Grid space;
  Nsga2 nsga2(space, 3, {.population = 8});
  int crossed = 0;
  for (int64_t number = 0; number < 60; ++number) {
    const DesignProposal proposal = *nsga2.propose(number, {});
    EXPECT_EQ(proposal.source, number < 8 ? "first population" : "nsga2");
    crossed += proposal.parents.size() == 2;
    nsga2.tell(result_of(number, proposal.point));
  }
  EXPECT_GE(crossed, 30);  // of 52 nine in ten, but for those of one parent drawn twice
  EXPECT_LT(crossed, 52);
}

TEST(Nsga2, KeepsTheNonDominatedHoweverOld) {
  const Unknown space;
  std::vector<DesignResult> results = {measured(0, {0.1, 0.9}), measured(1, {0.5, 0.5}), measured(2, {0.9, 0.1})};
  for (int64_t number = 3; number < 20; ++number) results.push_back(measured(number, {0.9, 0.9 + 0.001 * number}));
  Nsga2 nsga2 = told(space, 4, results);
  EXPECT_EQ(survivors_but_the_least(nsga2), (Numbers{0, 1, 2}));
}

// 1 has the nearest neighbours, and when it is gone 2.
TEST(Nsga2, OfOneFrontDropsTheMostCrowded) {
  const Unknown space;
  Nsga2 nsga2 = told(space, 5,
                     {measured(0, {0.0, 1.0}), measured(1, {0.1, 0.9}), measured(2, {0.2, 0.8}),
                      measured(3, {0.7, 0.3}), measured(4, {1.0, 0.0})});
  EXPECT_EQ(survivors_but_the_least(nsga2), (Numbers{0, 2, 3, 4}));
  nsga2.tell(measured(5, {0.45, 0.55}));
  EXPECT_EQ(survivors_but_the_least(nsga2), (Numbers{0, 3, 4, 5}));
}

TEST(Nsga2, PrefersKeptLimitsThenSmallerViolationsThenFailures) {
  const Unknown space;
  Nsga2 nsga2 = told(space, 4,
                     {failed(0), measured(1, {0.0, 0.0}, 2.0), measured(2, {0.1, 0.1}, 0.5), failed(3),
                      measured(4, {0.9, 0.9}), measured(5, {0.8, 0.95})});
  EXPECT_EQ(survivors_but_the_least(nsga2), (Numbers{2, 4, 5}));
}

// The best of four is drawn into half of the tournaments and wins these; the worst wins none.
TEST(Nsga2, TheFitterOfTwoSurvivorsIsTheParent) {
  const Unknown space;
  Nsga2 nsga2 = told(space, 4, {measured(0, {0.4}), measured(1, {0.1}), measured(2, {0.3}), measured(3, {0.2})});
  const std::vector<int64_t> parents = parents_of(nsga2);
  const auto share = [&](int64_t number) { return double(std::ranges::count(parents, number)) / 2000.0; };
  EXPECT_NEAR(share(1), 1.0 / 2, 0.04);
  EXPECT_NEAR(share(3), 1.0 / 3, 0.04);
  EXPECT_NEAR(share(2), 1.0 / 6, 0.04);
  EXPECT_EQ(share(0), 0.0);
}

TEST(Nsga2, WithoutMutationAChildHasItsValuesFromBothParents) {
  const Unknown space;
  Nsga2 nsga2(space, 3, {.population = 2, .crossover_share = 1.0, .mutation_share = 0.0});
  nsga2.tell({0, {1, 2, 0}, ObjectiveVector{0.1, 0.2}});
  nsga2.tell({1, {7, 9, 2}, ObjectiveVector{0.2, 0.1}});
  std::set<DesignPoint> children;
  for (int64_t number = 2; number < 200; ++number) {
    const DesignProposal proposal = *nsga2.propose(number, {});
    EXPECT_EQ(Numbers(proposal.parents.begin(), proposal.parents.end()), (Numbers{0, 1}));
    children.insert(proposal.point);
  }
  EXPECT_EQ(children, (std::set<DesignPoint>{{1, 2, 2}, {1, 9, 0}, {1, 9, 2}, {7, 2, 0}, {7, 2, 2}, {7, 9, 0}}));
}

TEST(Nsga2, DrawsFromTheWholeSpaceWhereEveryChildIsThereAlready) {
  const Grid space(2);  // ten points
  Nsga2 nsga2(space, 1, {.population = 4});
  std::set<std::string> keys;
  for (int64_t number = 0; number < space.size(); ++number) {
    const DesignProposal proposal = *nsga2.propose(number, {});
    EXPECT_TRUE(keys.insert(space.key(proposal.point)).second);
    nsga2.tell(result_of(number, proposal.point));
  }
  EXPECT_FALSE(nsga2.propose(space.size(), {}).has_value());
}

TEST(Nsga2, FindsABetterFrontThanRandomInTheMedianOfTenSeeds) {
  const double bred = median_of_ten([](const DesignSpace& space, uint64_t seed) {
    return std::make_unique<Nsga2>(space, seed, Nsga2Options{.population = 10});
  });
  EXPECT_GT(bred, random_median_of_ten());
}

}  // namespace
}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "search/evolution.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>

#include "tests/search/grid.h"

namespace bitwright {
namespace {

constexpr EvolutionOptions kEight = {.population = 8, .tournament = 3};

// As many as the population, all different; the measured error of each is errors[i], a failure where it is negative.
template <class Errors>
void tell_all(AgingEvolution& evolution, const Errors& errors) {
  for (size_t i = 0; i < errors.size(); ++i) {
    DesignResult result{static_cast<int64_t>(i), {static_cast<double>(i), 0, 0}, std::nullopt};
    if (errors[i] >= 0) result.measured = ObjectiveVector{errors[i]};
    evolution.tell(result);
  }
}

// Of many proposals, each with a stream of its own.
std::vector<int64_t> parents_of(AgingEvolution& evolution, int count) {
  std::vector<int64_t> parents;
  for (int64_t number = 100; number < 100 + count; ++number)
    parents.push_back(evolution.propose(number, {})->parents.at(0));
  return parents;
}

TEST(AgingEvolution, DrawsItsFirstPopulationAtRandomAndMutatesAfterwards) {
  const Grid space;
  AgingEvolution evolution(space, 3, kEight);
  for (int64_t number = 0; number < 20; ++number) {
    const DesignProposal proposal = *evolution.propose(number, {});
    EXPECT_EQ(proposal.source, number < 8 ? "first population" : "evolution");
    EXPECT_EQ(proposal.parents.size(), number < 8 ? 0u : 1u);
    evolution.tell(result_of(number, proposal.point));
  }
}

// With four of eight in each tournament the three worst win none.
TEST(AgingEvolution, CrossesTheWinnersOfTwoTournamentsAndMutatesTheChild) {
  const Unknown space;
  AgingEvolution evolution(space, 3, {.population = 8, .tournament = 4, .crossover_share = 0.7});
  tell_all(evolution, std::vector<double>{0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0});
  int crossed = 0;
  for (int64_t number = 100; number < 1100; ++number) {
    const DesignProposal proposal = *evolution.propose(number, {});
    EXPECT_GE(std::ranges::min(proposal.parents), 3);
    crossed += proposal.parents.size() == 2;
  }
  EXPECT_NEAR(crossed / 1000.0, 0.7 * (1.0 - 0.36), 0.06);  // 0.36: both tournaments have the same winner
}

// Of nothing but the error, the first is the best of all and the oldest of nine.
TEST(AgingEvolution, LetsTheOldestDieHoweverGood) {
  const Unknown space;
  AgingEvolution evolution(space, 3, kEight);
  tell_all(evolution, std::vector<double>{0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8});
  const std::vector<int64_t> parents = parents_of(evolution, 500);
  EXPECT_EQ(std::ranges::min(parents), 1);
  EXPECT_EQ(std::ranges::max(parents), 6);  // the two worst of eight never win a tournament of three
}

TEST(AgingEvolution, TakesAFailureForParentOnlyWhereAllEntrantsHaveFailed) {
  const Unknown space;
  AgingEvolution evolution(space, 3, kEight);
  tell_all(evolution, std::vector<double>{-1, -1, -1, -1, -1, -1, 0.5, 0.4});
  constexpr int kAsks = 2000;
  const auto failures = std::ranges::count_if(parents_of(evolution, kAsks), [](int64_t number) { return number < 6; });
  EXPECT_NEAR(double(failures) / kAsks, 5.0 / 14.0, 0.05);  // C(6, 3) / C(8, 3)
}

// With the whole population in the tournament the fittest is the parent.
TEST(AgingEvolution, AboveMostErrorTheMoreAccurateIsTheBetterParentThoughItCostsMost) {
  const Grid space;
  AgingEvolution evolution(space, 3, {.population = 8, .tournament = 8, .most_error = 0.1});
  tell_all(evolution, std::vector<double>{0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.11, -1});
  EXPECT_EQ(parents_of(evolution, 20), std::vector<int64_t>(20, 6));
  evolution.tell({8, {11, 0, 0}, ObjectiveVector{0.1}});
  EXPECT_EQ(parents_of(evolution, 20), std::vector<int64_t>(20, 8));
}

TEST(AgingEvolution, DrawsFromTheWholeSpaceWhereEveryMutantIsThereAlready) {
  const Grid space(2);  // ten points
  AgingEvolution evolution(space, 1, {.population = 4, .tournament = 2});
  std::set<std::string> keys;
  for (int64_t number = 0; number < space.size(); ++number) {
    const DesignProposal proposal = *evolution.propose(number, {});
    EXPECT_TRUE(keys.insert(space.key(proposal.point)).second);
    evolution.tell(result_of(number, proposal.point));
  }
  EXPECT_FALSE(evolution.propose(space.size(), {}).has_value());
}

class EveryFitness : public testing::TestWithParam<EvolutionFitness> {};

TEST_P(EveryFitness, FindsABetterFrontThanRandomInTheMedianOfTenSeeds) {
  const double evolved = median_of_ten([](const DesignSpace& space, uint64_t seed) {
    return std::make_unique<AgingEvolution>(space, seed,
                                            EvolutionOptions{.population = 10, .tournament = 4, .fitness = GetParam()});
  });
  EXPECT_GT(evolved, random_median_of_ten());
}

INSTANTIATE_TEST_SUITE_P(AgingEvolution, EveryFitness,
                         testing::Values(EvolutionFitness::kPareto, EvolutionFitness::kRandomScalar));

}  // namespace
}  // namespace bitwright

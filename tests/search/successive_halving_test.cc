// SPDX-License-Identifier: Apache-2.0
#include "search/successive_halving.h"

#include <gtest/gtest.h>

namespace bitwright {
namespace {

const HalvingOptions kTwoWhole = {.trust = {.rungs = {0.1, 0.3, 1.0}, .whole_trainings = 2}, .reduction = 3};

// Trainings 0 and 1 through all rungs, with these errors at each of the first two rungs and the last.
void train_first(SuccessiveHalving& halving, const std::vector<std::vector<double>>& errors) {
  for (int64_t number = 0; number < 2; ++number) {
    const std::vector<double>& mine = errors[static_cast<size_t>(number)];
    halving.add(number, 0, {mine[0], 1.0});
    for (int rung = 1; rung <= 2; ++rung) {
      const std::optional<Promotion> promotion = halving.next();
      ASSERT_TRUE(promotion.has_value());
      EXPECT_EQ(promotion->number, number);
      EXPECT_EQ(promotion->rung, rung);
      halving.add(number, rung, {mine[static_cast<size_t>(rung)], 1.0});
    }
  }
}

// Charles Spearman, 1904; one pair of six is the wrong way round: 1 - 6 * 2 / (n (n^2 - 1)).
TEST(RankCorrelation, IsSpearmans) {
  EXPECT_NEAR(rank_correlation({1, 2, 3, 4, 5, 6}, {10, 30, 20, 40, 50, 60}), 1.0 - 12.0 / 210.0, 1e-12);
  EXPECT_NEAR(rank_correlation({1, 2, 3}, {3, 2, 1}), -1.0, 1e-12);
  EXPECT_NEAR(rank_correlation({1, 1, 2}, {5, 5, 9}), 1.0, 1e-12);
  EXPECT_EQ(rank_correlation({1, 2, 3}, {7, 7, 7}), 0.0);
}

TEST(SuccessiveHalving, TheFirstTrainingsGoThroughAllRungs) {
  SuccessiveHalving halving(kTwoWhole);
  train_first(halving, {{0.9, 0.8, 0.7}, {0.5, 0.4, 0.3}});
  EXPECT_FALSE(halving.next().has_value());
  EXPECT_DOUBLE_EQ(*halving.trust().correlation(0), 1.0);
}

// Of six at a rung two go on: the fittest, which is not told by the error alone.
TEST(SuccessiveHalving, TheFittestThirdOfARungGoesOnEachOnce) {
  SuccessiveHalving halving(kTwoWhole);
  train_first(halving, {{0.9, 0.8, 0.7}, {0.95, 0.9, 0.8}});
  halving.add(2, 0, {0.5, 0.5});
  EXPECT_EQ(halving.next().value_or(Promotion{}).number, 2);  // one of three
  halving.add(3, 0, {0.6, 0.9});                              // dominated
  halving.add(4, 0, {0.4, 2.0});
  EXPECT_FALSE(halving.next().has_value());  // one of five
  halving.add(5, 0, {0.3, 3.0});
  const std::optional<Promotion> next = halving.next();  // two of six: the ends of the front
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->number, 5);
  EXPECT_EQ(next->rung, 1);
  EXPECT_FALSE(halving.next().has_value());
}

TEST(SuccessiveHalving, HigherRungsGoFirst) {
  SuccessiveHalving halving({.trust = {.rungs = {0.1, 0.3, 1.0}, .whole_trainings = 2}, .reduction = 2});
  train_first(halving, {{0.9, 0.8, 0.7}, {0.95, 0.9, 0.8}});
  for (int64_t number = 2; number < 6; ++number) halving.add(number, 0, {0.1 * double(number), 1.0});
  halving.add(6, 1, {0.01, 1.0});
  halving.add(7, 1, {0.02, 1.0});
  EXPECT_EQ(halving.next()->rung, 2);
  EXPECT_EQ(halving.next()->rung, 2);
  EXPECT_EQ(halving.next()->rung, 1);
}

TEST(SuccessiveHalving, ARungThatOrdersTrainingsOtherwiseIsGivenUp) {
  SuccessiveHalving halving(kTwoWhole);
  EXPECT_FALSE(halving.trust().given_up(0));
  train_first(halving, {{0.9, 0.3, 0.2}, {0.5, 0.7, 0.6}});
  EXPECT_TRUE(halving.trust().given_up(0));
  EXPECT_FALSE(halving.trust().given_up(1));
  EXPECT_EQ(halving.trust().rung_after(-1), 1);
  for (int64_t number = 2; number < 4; ++number) halving.add(number, 0, {0.1, 1.0});
  EXPECT_EQ(halving.next()->rung, 1);  // what waits there goes on all the same
}

TEST(SuccessiveHalving, WhatFailedGoesNowhere) {
  SuccessiveHalving halving(kTwoWhole);
  halving.add(0, 0, {0.5, 1.0});
  halving.drop(0);
  EXPECT_FALSE(halving.next().has_value());
}

TEST(SuccessiveHalving, OneRungIsTheWholeTraining) {
  SuccessiveHalving halving({.trust = {.rungs = {1.0}}});
  EXPECT_EQ(halving.trust().rung_after(-1), 0);
  halving.add(0, 0, {0.5});
  EXPECT_FALSE(halving.next().has_value());
}

}  // namespace
}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "search/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/rng.h"

namespace bitwright {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;

Trial complete(int64_t number, double accuracy, int64_t flash_bytes) {
  Trial trial;
  trial.number = number;
  trial.state = TrialState::kComplete;
  trial.metrics.accuracy = accuracy;
  trial.estimates.flash_bytes = flash_bytes;
  trial.started_us = 1'000'000 * (number + 1);
  trial.ended_us = trial.started_us + 4'500'000;
  trial.train_seconds = 2.5;
  return trial;
}

Study limited(int64_t flash_bytes) {
  Study study;
  study.objectives = {"flash"};
  study.limits.flash_bytes = flash_bytes;
  study.board.flash_bytes = 1 << 20;
  return study;
}

constexpr int64_t kStart = 1'000'000;  // of trial 0

// Of a box of 1 x 1100: 0.5 x 0.6, then 0.25 x 0.2 beside it, then 0.5 x 0.8 which covers both but 0.25 x 0.2.
TEST(History, IsTheShareOfTheBoxThatTheFrontDominates) {
  const std::vector<HistoryRow> rows =
      study_history({complete(1, 0.5, 440), complete(0, 0.75, 880), complete(2, 0.25, 990), complete(3, 0.5, 220)},
                    limited(1000), kStart);
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_NEAR(rows[0].hypervolume, 0.3, 1e-12);
  EXPECT_NEAR(rows[1].hypervolume, 0.3 + 0.25 * 0.2, 1e-12);
  EXPECT_EQ(rows[2].hypervolume, rows[1].hypervolume);
  EXPECT_NEAR(rows[3].hypervolume, 0.4 + 0.25 * 0.2, 1e-12);
  EXPECT_EQ(rows[1].number, 0);
  EXPECT_EQ(rows[1].sequence, 1);
  EXPECT_EQ(rows[1].front_size, 2);
  EXPECT_EQ(rows[2].front_size, 2);
  EXPECT_EQ(rows[0].best_accuracy, 0.5);
  EXPECT_EQ(rows[3].best_accuracy, 0.75);
  EXPECT_EQ(rows[0].elapsed_seconds, 5.5);  // trial 0 began a second before
  EXPECT_EQ(rows[3].train_seconds, 10.0);
}

TEST(History, CountsWhatIsNotCompleteAsTimeAlone) {
  Trial failed = complete(0, 0.0, 1);
  failed.state = TrialState::kFailed;
  const std::vector<HistoryRow> rows = study_history({failed, complete(1, 0.5, 550)}, limited(1000), kStart);
  EXPECT_EQ(rows[0].state, TrialState::kFailed);
  EXPECT_EQ(rows[0].best_accuracy, std::nullopt);
  EXPECT_EQ(rows[0].front_size, 0);
  EXPECT_EQ(rows[0].hypervolume, 0.0);
  EXPECT_NEAR(rows[1].hypervolume, 0.25, 1e-12);
  EXPECT_EQ(rows[1].train_seconds, 5.0);
  EXPECT_TRUE(study_history({}, limited(1000), 0).empty());
}

TEST(History, TheReferenceIsATenthBeyondTheLimitOrTheMostOfTheFirstTen) {
  std::vector<Trial> finished = {complete(0, 0.5, 300), complete(1, 0.5, 700)};
  EXPECT_THAT(history_reference(finished, limited(1000)), ElementsAre(1.0, DoubleEq(1100.0)));
  EXPECT_THAT(history_reference(finished, limited(1 << 20)),
              ElementsAre(1.0, DoubleEq(770.0)));  // the whole board is no limit
  EXPECT_THAT(history_reference(finished, limited(0)), ElementsAre(1.0, DoubleEq(770.0)));
  Study study = limited(0);
  study.accuracy_floor = 0.75;
  EXPECT_THAT(history_reference(finished, study), ElementsAre(0.25, DoubleEq(770.0)));
  EXPECT_TRUE(history_reference({}, study).empty());
}

// So that a row, once printed, is printed so for good.
TEST(History, OfMoreTrialsBeginsWithThatOfFewer) {
  Rng rng(5);
  std::vector<Trial> finished;
  std::vector<std::vector<HistoryRow>> histories;
  for (int64_t i = 0; i < 40; ++i) {
    finished.push_back(complete(i, rng.uniform(), static_cast<int64_t>(100 + rng.below(1000))));
    histories.push_back(study_history(finished, limited(0), kStart));
  }
  for (size_t i = kReferenceTrials - 1; i < histories.size(); ++i)
    for (size_t k = 0; k <= i; ++k) EXPECT_EQ(histories[i][k].hypervolume, histories.back()[k].hypervolume);
}

// Below a soft limit all cost alike; what they tell apart is the error.
TEST(History, GrowsWhereAllTrialsCostTheSame) {
  const std::vector<HistoryRow> rows =
      study_history({complete(0, 0.5, 700), complete(1, 0.75, 700)}, limited(0), kStart);
  EXPECT_GT(rows[0].hypervolume, 0.0);
  EXPECT_GT(rows[1].hypervolume, rows[0].hypervolume);
}

TEST(History, NeverFalls) {
  Rng rng(6);
  std::vector<Trial> finished;
  for (int64_t i = 0; i < 60; ++i)
    finished.push_back(complete(i, rng.uniform(), static_cast<int64_t>(100 + rng.below(1000))));
  const std::vector<HistoryRow> rows = study_history(finished, limited(900), kStart);
  for (size_t i = 1; i < rows.size(); ++i) EXPECT_GE(rows[i].hypervolume, rows[i - 1].hypervolume);
  EXPECT_GT(rows.back().hypervolume, 0.5);
  EXPECT_LE(rows.back().hypervolume, 1.0);
}

}  // namespace
}  // namespace bitwright

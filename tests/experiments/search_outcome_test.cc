// SPDX-License-Identifier: Apache-2.0
#include "experiments/search_outcome.h"

#include <gtest/gtest.h>

namespace bitwright {
namespace {

Study study_with_floor(double accuracy) {
  Study study;
  study.accuracy_floor = accuracy;
  return study;
}

// Of ten trials the fourth is the best.
StudyOutcome ended(StopReason reason, double best_accuracy) {
  StudyOutcome outcome{reason, {}};
  outcome.progress.complete = 10;
  outcome.progress.best = 3;
  outcome.progress.best_accuracy = best_accuracy;
  return outcome;
}

TEST(SearchOutcome, WithoutAFloorATrainedCandidateIsEnough) {
  for (StopReason reason : {StopReason::kTrialsDone, StopReason::kBudgetSpent, StopReason::kEnergySpent,
                            StopReason::kNothingToGain, StopReason::kSpaceExhausted})
    EXPECT_EQ(exit_code({}, ended(reason, 0.1)), ExitCode::kDone);
  EXPECT_EQ(exit_code({}, ended(StopReason::kStopped, 0.1)), ExitCode::kResumable);
  EXPECT_FALSE(misses_floor({}, ended(StopReason::kTrialsDone, 0.0).progress));
}

TEST(SearchOutcome, AFloorThatNothingReachesEndsWithCodeThree) {
  const Study study = study_with_floor(0.95);
  const StudyOutcome outcome = ended(StopReason::kTrialsDone, 0.9);
  EXPECT_EQ(static_cast<int>(exit_code(study, outcome)), 3);
  EXPECT_EQ(floor_text(study, outcome),
            "no trained candidate reaches limits.accuracy of 95.00 %: the best, trial #3, has 90.00 %");
  EXPECT_EQ(exit_code(study, ended(StopReason::kTrialsDone, 0.95)), ExitCode::kDone);
}

TEST(SearchOutcome, WhereTheSearchGoesOnTheFloorIsMissedSoFar) {
  const Study study = study_with_floor(0.95);
  const StudyOutcome stopped = ended(StopReason::kStopped, 0.9), spent = ended(StopReason::kBudgetSpent, 0.9);
  EXPECT_EQ(exit_code(study, stopped), ExitCode::kResumable);
  EXPECT_EQ(exit_code(study, spent), ExitCode::kNothingFits);
  for (const StudyOutcome& outcome : {stopped, spent})
    EXPECT_EQ(floor_text(study, outcome),
              "so far no trained candidate reaches limits.accuracy of 95.00 %: the best, trial #3, has 90.00 %");
}

TEST(SearchOutcome, ABudgetThatIsOverBeforeAnyTrainingIsResumable) {
  EXPECT_EQ(exit_code({}, {StopReason::kBudgetSpent, {}}), ExitCode::kResumable);
  StudyOutcome failed{StopReason::kBudgetSpent, {}};
  failed.progress.failed = 2;
  EXPECT_EQ(exit_code({}, failed), ExitCode::kFailed);
}

TEST(SearchOutcome, WhereNothingFitsAsMeasuredTheCodeIsThree) {
  StudyOutcome outcome{StopReason::kTrialsDone, {}};
  outcome.progress.infeasible = 2;
  outcome.progress.failed = 1;
  EXPECT_EQ(exit_code({}, outcome), ExitCode::kNothingFits);
  outcome = ended(StopReason::kTrialsDone, 0.9);
  outcome.progress.infeasible = 2;
  EXPECT_EQ(exit_code({}, outcome), ExitCode::kDone);
  EXPECT_EQ(
      floor_text(study_with_floor(0.95), outcome),
      "no trained candidate that keeps the limits as measured reaches limits.accuracy of 95.00 %: the best, trial "
      "#3, has 90.00 %");
}

TEST(SearchOutcome, WhereNothingFitsAsMeasuredTheNearestIsNamed) {
  std::vector<Trial> trials(4);
  for (int64_t i = 0; i < 4; ++i) trials[static_cast<size_t>(i)].number = i;
  trials[0].state = TrialState::kFailed;
  trials[1].violations = {{"flash", 200.0, 100.0, "flash 200 B exceeds the limit of 100 B by 100 B"}};
  trials[2].violations = {{"flash", 113.0, 100.0, "flash 113 B exceeds the limit of 100 B by 13 B"},
                          {"ram", 11.0, 10.0, "ram 11 B exceeds the limit of 10 B by 1 B"}};
  trials[3].violations = {{"ram", 13.0, 10.0, "ram 13 B exceeds the limit of 10 B by 3 B"}};
  StudyOutcome outcome{StopReason::kTrialsDone, {}};
  outcome.progress.infeasible = 3;
  EXPECT_TRUE(nothing_fits_as_measured(outcome.progress));
  EXPECT_EQ(nothing_fits_text(outcome, nearest_as_measured(trials)),
            "no trained network keeps the limits as measured: the nearest, trial #2: flash 113 B exceeds the limit of "
            "100 B by 13 B; ram 11 B exceeds the limit of 10 B by 1 B");
  outcome.progress.complete = 1;
  EXPECT_FALSE(nothing_fits_as_measured(outcome.progress));
}

TEST(SearchOutcome, SaysWhatEndedItAndWhetherTheFrontIsFinal) {
  EXPECT_EQ(reason_text(StopReason::kEnergySpent),
            "energy budget spent; with a larger search.energy_budget it goes on");
  EXPECT_EQ(reason_text(StopReason::kBudgetSpent), "time budget spent; the same command goes on");
  EXPECT_EQ(reason_text(StopReason::kBudgetSpent, true), "time budget spent; the front is scored on the test set");
  EXPECT_EQ(reason_text(StopReason::kNothingToGain),
            "the model expects less than search.least_gain of any further candidate");
  EXPECT_TRUE(is_final(StopReason::kEnergySpent));
  EXPECT_TRUE(is_final(StopReason::kNothingToGain));
  EXPECT_FALSE(is_final(StopReason::kBudgetSpent));
  EXPECT_FALSE(is_final(StopReason::kStopped));
  EXPECT_FALSE(is_final(StopReason::kNothingFits));
}

TEST(BelowFloor, IsSaidOfTrainedTrialsOnly) {
  Trial trial;
  trial.number = 3;
  trial.state = TrialState::kComplete;
  trial.metrics.accuracy = 0.9;
  EXPECT_EQ(below_floor_text(study_with_floor(0.95), trial),
            "trial #3 has a validation accuracy of 90.00 %, below limits.accuracy of 95.00 %: it is no point of the "
            "front");
  EXPECT_EQ(below_floor_text(study_with_floor(0.9), trial), "");
  EXPECT_EQ(below_floor_text({}, trial), "");
  trial.state = TrialState::kFailed;
  EXPECT_EQ(below_floor_text(study_with_floor(0.95), trial), "");
}

}  // namespace
}  // namespace bitwright

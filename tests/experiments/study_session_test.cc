// SPDX-License-Identifier: Apache-2.0
#include "experiments/study_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

FrontPoint point(int64_t number, double accuracy, int64_t flash_bytes, int64_t ram_bytes) {
  FrontPoint p;
  p.trial.number = number;
  p.trial.metrics.accuracy = accuracy;
  p.trial.estimates.flash_bytes = flash_bytes;
  p.trial.estimates.ram_bytes = ram_bytes;
  return p;
}

const std::vector<FrontPoint> kFront = {point(3, 0.99, 9000, 900), point(5, 0.97, 4096, 800),
                                        point(1, 0.80, 2000, 2048)};

// A board whose every figure is known, and a duty cycle.
Study known_study() {
  Study study;
  study.board.name = "known";
  study.board.clock_hz = 1'000'000;
  study.board.supply_v = 3;
  study.board.current_ua_per_mhz = 100;
  study.board.sleep_current_ua = 1;
  study.duty_cycle.inferences_per_hour = 60;
  return study;
}

Trial picked(const std::vector<FrontPoint>& front, const std::string& pick) {
  return pick_trial(front, pick, known_study());
}

TEST(PickTrial, TakesTheMostAccurateWithoutACondition) {
  EXPECT_EQ(picked(kFront, "").number, 3);
}

TEST(PickTrial, ABoundIsMetAtItsValue) {
  EXPECT_EQ(picked(kFront, "flash<=4KiB").number, 5);
}

TEST(PickTrial, AllConditionsMustHold) {
  EXPECT_EQ(picked(kFront, "flash<=4KiB,ram>=2KiB").number, 1);
  EXPECT_EQ(picked(kFront, " flash <= 4 KiB, ram >= 2 KiB ").number, 1);
}

TEST(PickTrial, JudgesByWhatWasMeasuredWhereItWas) {
  std::vector<FrontPoint> front = kFront;
  front[1].trial.measured["flash"]["known"] = {4096.0, 4100.0};
  EXPECT_EQ(picked(front, "flash<=4KiB").number, 1);
  EXPECT_EQ(picked(front, "flash<=4100B").number, 5);
  Study study = known_study();
  study.further_boards.push_back({.name = "other"});
  front[1].trial.measured["flash"]["known"] = {3000.0, 3100.0};  // what it takes on the other is estimated
  EXPECT_EQ(pick_trial(front, "flash<=4095B", study).number, 1);
  front[1].trial.measured["flash"]["other"] = {4096.0, 4090.0};
  EXPECT_EQ(pick_trial(front, "flash<=4095B", study).number, 5);
}

TEST(PickTrial, AccuracyIsAPercentage) {
  EXPECT_THROW(picked(kFront, "accuracy>=99.5%"), ConfigError);
  EXPECT_EQ(picked(kFront, "accuracy>=97%,ram<=850B").number, 5);
}

TEST(PickTrial, WhatCannotBeReadIsAConfigurationError) {
  for (const char* pick : {"flash", "flash=4KiB", "flash<=4", "size<=4KiB", "accuracy>=x%", "accuracy>=97abc%",
                           "accuracy>=nan%", "accuracy>=9700%", "latency<=3KiB"})
    EXPECT_THROW(picked(kFront, pick), ConfigError) << pick;
}

TEST(PickTrial, WhatABoardLeavesUnknownIsOneClearError) {
  const auto error = [](const Study& study, const std::string& pick) {
    return error_of<ConfigError>([&] { pick_trial(kFront, pick, study); });
  };
  Study study = known_study();
  study.further_boards.push_back({.name = "silent"});
  EXPECT_EQ(error(study, "flash<=4KiB,energy<=5uJ"),
            "--pick: energy<=5uJ: not known, since the file of silent gives no supply, current");
  EXPECT_EQ(error(study, "average_power<=5uW"),
            "--pick: average_power<=5uW: not known, since the file of silent gives no supply, current, sleep_current");
  study.duty_cycle = {};
  EXPECT_EQ(error(study, "average_power<=5uW"),
            "--pick: average_power<=5uW: not known, since the study has no duty_cycle");
  EXPECT_EQ(error(study, "latency<=5ms"), "");
}

TEST(PickTrial, AnEmptyFrontSaysWhatEmptiesIt) {
  const auto error = [](const Study& study) { return error_of<ConfigError>([&] { pick_trial({}, "", study); }); };
  Study study;
  EXPECT_EQ(error(study), "the study has no finished trial to pick from");
  EXPECT_THAT(render_front({}, study), testing::Not(testing::HasSubstr("limits.accuracy")));
  study.accuracy_floor = 0.95;
  EXPECT_EQ(error(study),
            "no finished trial reaches limits.accuracy of 95.00 %; --trial takes one below it, where there is one");
  EXPECT_THAT(render_front({}, study), testing::HasSubstr("\nno trial reaches limits.accuracy of 95.00 %\n"));
}

TEST(ResultWarnings, ARandomSplitOfRecordingsSaysThatItLeaks) {
  Study study;
  study.data.kind = "recordings";
  study.data.protocol = "random";
  EXPECT_EQ(result_warnings(study).size(), 1u);
  EXPECT_THAT(render_front({}, study), testing::HasSubstr("warning: the split is random"));
  study.data.protocol = "time";
  EXPECT_TRUE(result_warnings(study).empty());
}

TEST(PickTrial, KnowsEveryQuantity) {
  std::vector<FrontPoint> front = kFront;
  front[1].trial.estimates.parameters = 900;
  front[0].trial.estimates.parameters = 2000;
  front[1].trial.estimates.average_power_uw = 40;
  front[0].trial.estimates.average_power_uw = 90;
  EXPECT_EQ(picked(front, "params<=1k").number, 5);
  EXPECT_EQ(picked(front, "average_power<=50uW").number, 5);
}

}  // namespace
}  // namespace bitwright

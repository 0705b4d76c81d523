// SPDX-License-Identifier: Apache-2.0
#include "experiments/study_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

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

TEST(PickTrial, TakesTheMostAccurateWithoutACondition) {
  EXPECT_EQ(pick_trial(kFront, "").number, 3);
}

TEST(PickTrial, ABoundIsMetAtItsValue) {
  EXPECT_EQ(pick_trial(kFront, "flash<=4KiB").number, 5);
}

TEST(PickTrial, AllConditionsMustHold) {
  EXPECT_EQ(pick_trial(kFront, "flash<=4KiB,ram>=2KiB").number, 1);
  EXPECT_EQ(pick_trial(kFront, " flash <= 4 KiB, ram >= 2 KiB ").number, 1);
}

TEST(PickTrial, AccuracyIsAPercentage) {
  EXPECT_THROW(pick_trial(kFront, "accuracy>=99.5%"), ConfigError);
  EXPECT_EQ(pick_trial(kFront, "accuracy>=97%,ram<=850B").number, 5);
}

TEST(PickTrial, WhatCannotBeReadIsAConfigurationError) {
  for (const char* pick : {"flash", "flash=4KiB", "flash<=4", "size<=4KiB", "accuracy>=x%", "accuracy>=97abc%",
                           "accuracy>=nan%", "accuracy>=9700%", "latency<=3KiB"})
    EXPECT_THROW(pick_trial(kFront, pick), ConfigError) << pick;
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
  EXPECT_EQ(pick_trial(front, "params<=1k").number, 5);
  EXPECT_EQ(pick_trial(front, "average_power<=50uW").number, 5);
}

}  // namespace
}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "search/expected_gain.h"

#include <gtest/gtest.h>

#include <cmath>

namespace bitwright {
namespace {

Trial proposed(double gain, int64_t seen, const std::string& source = "model") {
  Trial trial;
  trial.ask_watermark = seen;
  trial.provenance.source = source;
  trial.provenance.opinion = Opinion{.log_acquisition = std::log(gain * 40.0), .hypervolume = 40.0};
  return trial;
}

void add(GainWatch& watch, const Trial& trial, int times = 1) {
  for (int i = 0; i < times; ++i) watch.add(trial);
}

TEST(ExpectedGain, IsAShareOfTheFrontsHypervolume) {
  EXPECT_NEAR(*expected_gain(proposed(0.01, 0).provenance), 0.01, 1e-15);
  Trial none = proposed(0.01, 0);
  none.provenance.opinion->log_acquisition = -INFINITY;
  EXPECT_EQ(expected_gain(none.provenance), 0.0);
  none.provenance.opinion->hypervolume = 0.0;  // nothing keeps all limits yet: a probability was weighed
  EXPECT_EQ(expected_gain(none.provenance), std::nullopt);
  EXPECT_EQ(expected_gain({}), std::nullopt);
}

TEST(GainWatch, IsOverAfterTwentyLowGainsInARow) {
  GainWatch watch(0.001);
  add(watch, proposed(0.0009, 60), 19);
  EXPECT_FALSE(watch.over());
  add(watch, proposed(0.0011, 61));  // begins anew
  add(watch, proposed(0.0009, 62), 19);
  EXPECT_FALSE(watch.over());
  add(watch, proposed(0.0009, 63));
  EXPECT_TRUE(watch.over());
}

TEST(GainWatch, IsNotOverBeforeFiftyResults) {
  GainWatch watch(0.001);
  add(watch, proposed(0.0, 49), 30);
  EXPECT_FALSE(watch.over());
  add(watch, proposed(0.0, 50));
  EXPECT_TRUE(watch.over());
}

TEST(GainWatch, PassesOverWhatWasNotChosenForItsGain) {
  GainWatch watch(0.001);
  add(watch, proposed(0.0, 60, "evolution"), 30);
  EXPECT_FALSE(watch.over());
  add(watch, proposed(0.0, 60), 19);
  add(watch, proposed(0.5, 60, "evolution"));
  add(watch, proposed(0.0, 60));
  EXPECT_TRUE(watch.over());
}

TEST(GainWatch, CountsWhatAForestExpectsMostOf) {
  GainWatch watch(0.001);
  add(watch, proposed(0.0, 60), 10);
  add(watch, proposed(0.0, 60, "forest"), 10);
  EXPECT_TRUE(watch.over());
}

TEST(GainWatch, WithoutALeastGainIsNeverOver) {
  GainWatch watch(0.0);
  add(watch, proposed(0.0, 60), 100);
  EXPECT_FALSE(watch.over());
}

}  // namespace
}  // namespace bitwright

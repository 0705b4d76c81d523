// SPDX-License-Identifier: Apache-2.0
#include "trainer/schedule.h"

#include <gtest/gtest.h>

namespace bitwright {
namespace {

TEST(LearningRate, RisesLinearlyThenFallsToItsEnd) {
  const Recipe recipe{.final_learning_rate = 1e-4, .warmup_fraction = 0.1};
  for (int step = 0; step < 10; ++step)
    EXPECT_NEAR(learning_rate_at(step, 100, 1e-2, recipe), 1e-3 * (step + 1), 1e-12);
  for (int step = 10; step < 100; ++step)
    EXPECT_LT(learning_rate_at(step, 100, 1e-2, recipe), learning_rate_at(step - 1, 100, 1e-2, recipe));
  EXPECT_NEAR(learning_rate_at(54, 100, 1e-2, recipe), 0.5 * (1e-2 + 1e-4), 1e-12);  // half of the cosine
  EXPECT_NEAR(learning_rate_at(99, 100, 1e-2, recipe), 1e-4, 1e-12);
}

TEST(LearningRate, OfASingleStepIsItsEnd) {
  EXPECT_NEAR(learning_rate_at(0, 1, 1e-2, {.warmup_fraction = 0.9}), 1e-5, 1e-12);
}

TEST(PeakLearningRate, FollowsTheNarrowestWeights) {
  Network network;
  append(network, {.name = "a", .op = Conv2d{1}, .weights = Format::kFloat32});
  EXPECT_EQ(peak_learning_rate(network, {}), 2e-3);
  append(network, {.name = "b", .op = Conv2d{1}, .weights = Format::kInt8});
  EXPECT_EQ(peak_learning_rate(network, {}), 4e-3);
  append(network, {.name = "c", .op = Conv2d{1}, .weights = Format::kTernary});
  append(network, {.name = "d", .op = MaxPool2d{}, .weights = Format::kBinary});
  EXPECT_EQ(peak_learning_rate(network, {}), 1e-2);
  EXPECT_EQ(peak_learning_rate(network, {.learning_rate = 0.5}), 0.5);
}

}  // namespace
}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "trainer/loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/rng.h"

namespace bitwright {
namespace {

TEST(CrossEntropy, OfEqualLogitsIsTheLogOfTheClasses) {
  std::vector<float> gradient(8);
  const std::vector<int32_t> labels = {0, 3};
  EXPECT_NEAR(cross_entropy(std::vector<float>(8, 2.5f), labels, 0.0, gradient), std::log(4.0), 1e-12);
  EXPECT_NEAR(cross_entropy(std::vector<float>(8, 2.5f), labels, 0.3, gradient), std::log(4.0), 1e-12);
}

TEST(CrossEntropy, SurvivesLogitsThatOverflowTheExponential) {
  std::vector<float> gradient(2);
  EXPECT_NEAR(cross_entropy(std::vector<float>{5000, 4000}, std::vector<int32_t>{1}, 0.0, gradient), 1000.0, 1e-9);
}

TEST(CrossEntropy, GradientIsItsDerivative) {
  Rng rng(2);
  std::vector<float> logits(15), gradient(15), ignored(15);
  const std::vector<int32_t> labels = {4, 0, 2};
  for (float& z : logits) z = static_cast<float>(2.0 * rng.normal());
  for (double smoothing : {0.0, 0.2}) {
    cross_entropy(logits, labels, smoothing, gradient);
    for (size_t i = 0; i < logits.size(); ++i) {
      auto up = logits, down = logits;
      up[i] += 0.01f, down[i] -= 0.01f;
      const double slope =
          (cross_entropy(up, labels, smoothing, ignored) - cross_entropy(down, labels, smoothing, ignored)) /
          (static_cast<double>(up[i]) - down[i]);
      EXPECT_NEAR(gradient[i], slope, 1e-5);
    }
  }
}

TEST(CountCorrect, TakesTheFirstOfEquals) {
  EXPECT_EQ(count_correct(std::vector<float>{1, 1, 0, 2, 2, 2}, std::vector<int32_t>{0, 1}), 1);
}

}  // namespace
}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "trainer/loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "core/rng.h"

namespace bitwright {
namespace {

std::vector<float> normals(size_t n, double spread, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> v(n);
  for (float& x : v) x = static_cast<float>(spread * rng.normal());
  return v;
}

// Of a loss of `outputs`, against central differences.
using Loss = std::function<double(const std::vector<float>& outputs, std::vector<float>& gradient)>;
void expect_gradient(const std::vector<float>& outputs, const Loss& loss) {
  std::vector<float> gradient(outputs.size()), ignored(outputs.size());
  loss(outputs, gradient);
  for (size_t i = 0; i < outputs.size(); ++i) {
    auto up = outputs, down = outputs;
    up[i] += 0.01f, down[i] -= 0.01f;
    const double slope = (loss(up, ignored) - loss(down, ignored)) / (static_cast<double>(up[i]) - down[i]);
    EXPECT_NEAR(gradient[i], slope, 2e-5) << i;
  }
}

TEST(ClassTargets, ShareTheSmoothingAmongAllClasses) {
  const auto t = class_targets(std::vector<int32_t>{1, 0}, 4, 0.2);
  const std::vector<float> expected = {0.05f, 0.85f, 0.05f, 0.05f, 0.85f, 0.05f, 0.05f, 0.05f};
  for (size_t i = 0; i < t.size(); ++i) EXPECT_FLOAT_EQ(t[i], expected[i]);
}

TEST(CrossEntropy, OfEqualLogitsIsTheLogOfTheClasses) {
  std::vector<float> gradient(8);
  const std::vector<int32_t> labels = {0, 3};
  for (double smoothing : {0.0, 0.3})
    EXPECT_NEAR(cross_entropy(std::vector<float>(8, 2.5f), class_targets(labels, 4, smoothing), 4, {}, gradient),
                std::log(4.0), 1e-7);
}

TEST(CrossEntropy, SurvivesLogitsThatOverflowTheExponential) {
  std::vector<float> gradient(2);
  EXPECT_NEAR(cross_entropy(std::vector<float>{5000, 4000}, std::vector<float>{0, 1}, 2, {}, gradient), 1000.0, 1e-9);
}

TEST(CrossEntropy, GradientIsItsDerivative) {
  const std::vector<float> weights = {0.5f, 2.0f, 1.0f};
  for (double smoothing : {0.0, 0.2})
    expect_gradient(normals(15, 2.0, 2), [&](const auto& logits, auto& gradient) {
      return cross_entropy(logits, class_targets(std::vector<int32_t>{4, 0, 2}, 5, smoothing), 5, weights, gradient);
    });
}

TEST(CrossEntropy, CountsAnExampleAsOftenAsItsWeight) {
  std::vector<float> gradient(6), twice(6);
  const std::vector<float> one = {1, 0, 0}, two = {0, 1, 0}, logits = {0.3f, -1, 2};
  const auto row = [&](const std::vector<float>& targets) {
    std::vector<float> g(3);
    return cross_entropy(logits, targets, 3, {}, g);
  };
  std::vector<float> both = logits, targets = one;
  both.insert(both.end(), logits.begin(), logits.end());
  targets.insert(targets.end(), two.begin(), two.end());
  EXPECT_NEAR(cross_entropy(both, targets, 3, std::vector<float>{1.5f, 0.5f}, gradient),
              (1.5 * row(one) + 0.5 * row(two)) / 2.0, 1e-9);
}

TEST(Distillation, IsZeroWhereBothAgreeAndPositiveElsewhere) {
  const auto logits = normals(12, 2.0, 3), teacher = normals(12, 2.0, 4);
  std::vector<float> gradient(12);
  EXPECT_NEAR(distillation(teacher, teacher, 4, 3.0, gradient), 0.0, 1e-12);
  for (float g : gradient) EXPECT_NEAR(g, 0.0f, 1e-7f);
  EXPECT_GT(distillation(logits, teacher, 4, 3.0, gradient), 0.0);
}

TEST(Distillation, GradientIsItsDerivative) {
  const auto teacher = normals(12, 2.0, 4);
  for (double temperature : {1.0, 2.0, 5.0})
    expect_gradient(normals(12, 2.0, 3), [&](const auto& logits, auto& gradient) {
      return distillation(logits, teacher, 4, temperature, gradient);
    });
}

TEST(MeanSquaredError, GradientIsItsDerivative) {
  const auto targets = normals(10, 1.0, 5);
  std::vector<float> gradient(2);
  EXPECT_DOUBLE_EQ(mean_squared_error(std::vector<float>{1, 3}, std::vector<float>{0, 5}, gradient), 2.5);
  expect_gradient(normals(10, 1.0, 6),
                  [&](const auto& outputs, auto& g) { return mean_squared_error(outputs, targets, g); });
}

}  // namespace
}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "trainer/batch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace bitwright {
namespace {

Dataset counting(Shape shape, int count) {
  Dataset data;
  data.front_end.output = shape;
  data.classes = {"a", "b"};
  for (int64_t i = 0; i < count * shape.elements(); ++i) data.codes.push_back(static_cast<int16_t>(i));
  for (int i = 0; i < count; ++i) data.labels.push_back(i % 2);
  return data;
}

TEST(Gather, TurnsHwcIntoChw) {
  Batch batch;
  gather(counting({2, 1, 3}, 2), std::vector<int64_t>{1}, true, batch);
  EXPECT_EQ(batch.codes, (std::vector<float>{6, 9, 7, 10, 8, 11}));
  EXPECT_EQ(batch.labels, std::vector<int32_t>{1});
  EXPECT_EQ(batch.targets, (std::vector<float>{0, 1}));
}

TEST(Gather, KeepsTheOrderAsked) {
  Batch batch;
  gather(counting({1, 1, 1}, 5), std::vector<int64_t>{3, 0, 3}, false, batch);
  EXPECT_EQ(batch.codes, (std::vector<float>{3, 0, 3}));
  EXPECT_EQ(batch.labels, (std::vector<int32_t>{1, 0, 1}));
}

TEST(Gather, RotatesWholeRowsByEveryAmount) {
  Batch batch;
  Rng rng(1);
  std::set<float> first;
  for (int i = 0; i < 100; ++i) {
    gather_augmented(counting({4, 2, 1}, 1), std::vector<int64_t>{0}, {.circular_shift = true}, rng, batch);
    first.insert(batch.codes[0]);
    for (size_t k = 0; k < 8; k += 2) {
      EXPECT_EQ(batch.codes[k + 1], batch.codes[k] + 1);
      EXPECT_EQ(batch.codes[(k + 2) % 8], static_cast<int>(batch.codes[k] + 2) % 8);
    }
  }
  EXPECT_EQ(first, (std::set<float>{0, 2, 4, 6}));
}

TEST(Gather, OfAnAnomalyDetectorAsksForTheInputAgain) {
  Dataset data = counting({2, 1, 3}, 2);
  data.task = Task::kAnomaly;
  data.front_end.input_scale = 0.5;
  Batch batch;
  gather(data, std::vector<int64_t>{1}, true, batch);
  EXPECT_EQ(batch.targets, (std::vector<float>{3, 3.5f, 4, 4.5f, 5, 5.5f}));  // HWC
}

TEST(Gather, OfARegressionTakesItsTargets) {
  Dataset data = counting({1, 1, 1}, 3);
  data.task = Task::kRegression;
  data.target_names = {"x", "y"};
  data.targets = {1, 2, 3, 4, 5, 6};
  Batch batch;
  gather(data, std::vector<int64_t>{2, 0}, true, batch);
  EXPECT_EQ(batch.targets, (std::vector<float>{5, 6, 1, 2}));
}

Dataset constant(int16_t code, int64_t length) {
  Dataset data = counting({static_cast<int>(length), 1, 1}, 1);
  data.codes.assign(static_cast<size_t>(length), code);
  data.front_end.input_scale = 0.02;
  return data;
}

TEST(Augmentation, JitterHasItsDeviationInUnitsOfTheInput) {
  Batch batch;
  Rng rng(4);
  gather_augmented(constant(10, 40000), std::vector<int64_t>{0}, {.jitter = 0.2}, rng, batch);
  double sum = 0.0, squares = 0.0;
  for (float code : batch.codes) sum += code, squares += (code - 10.0) * (code - 10.0);
  EXPECT_NEAR(sum / 40000, 10.0, 4 * 10.0 / std::sqrt(40000.0));
  EXPECT_NEAR(std::sqrt(squares / 40000), 0.2 / 0.02, 0.2);
}

TEST(Augmentation, KeepsCodesWholeAndInTheirFormat) {
  Batch batch;
  Rng rng(5);
  gather_augmented(constant(120, 1000), std::vector<int64_t>{0}, {.jitter = 0.5, .scaling = 0.3, .mixup = 0.4}, rng,
                   batch);
  for (float code : batch.codes) {
    EXPECT_EQ(code, std::floor(code));
    EXPECT_LE(code, 127.0f);
    EXPECT_GE(code, -128.0f);
  }
}

TEST(Augmentation, ScalingIsOneFactorForTheWholeExample) {
  Batch batch;
  Rng rng(6);
  gather_augmented(constant(50, 100), std::vector<int64_t>{0, 0, 0}, {.scaling = 0.3}, rng, batch);
  std::set<float> factors;
  for (int i = 0; i < 3; ++i) {
    factors.insert(batch.codes[i * 100]);
    for (int t = 0; t < 100; ++t) EXPECT_EQ(batch.codes[i * 100 + t], batch.codes[i * 100]);
  }
  EXPECT_EQ(factors.size(), 3u);
}

TEST(Augmentation, MixupMixesInputsAndTargetsAlike) {
  Dataset data = counting({1, 1, 1}, 2);
  data.codes = {0, 100};
  Rng rng(7);
  Batch batch;
  bool mixed = false;
  for (int i = 0; i < 50; ++i) {
    gather_augmented(data, std::vector<int64_t>{0, 1}, {.mixup = 1.0}, rng, batch);
    for (size_t e = 0; e < 2; ++e) {
      EXPECT_NEAR(batch.targets[2 * e] + batch.targets[2 * e + 1], 1.0f, 1e-6f);
      EXPECT_NEAR(batch.codes[e], 100.0f * batch.targets[2 * e + 1], 0.51f);
      mixed |= batch.targets[2 * e] > 0.2f && batch.targets[2 * e] < 0.8f;
    }
  }
  EXPECT_TRUE(mixed);
}

// Mean 1/2 and variance 1 / (4 (2 alpha + 1)).
TEST(SymmetricBeta, HasTheMomentsOfTheDistribution) {
  for (double alpha : {0.2, 1.0, 4.0}) {
    Rng rng(8);
    double sum = 0.0, squares = 0.0;
    const int n = 20000;
    for (int i = 0; i < n; ++i) {
      const double x = symmetric_beta(alpha, rng);
      sum += x, squares += (x - 0.5) * (x - 0.5);
    }
    EXPECT_NEAR(sum / n, 0.5, 0.012);
    EXPECT_NEAR(squares / n, 1.0 / (4.0 * (2.0 * alpha + 1.0)), 0.004);
  }
}

}  // namespace
}  // namespace bitwright

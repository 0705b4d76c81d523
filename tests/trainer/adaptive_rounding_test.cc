// SPDX-License-Identifier: Apache-2.0
#include "trainer/adaptive_rounding.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/rng.h"

namespace bitwright {
namespace {

struct Problem {
  std::vector<float> weights, steps;  // [outputs][taps], [outputs]
  RoundingRows rows;
};

// Inputs with a mean and neighbours that resemble each other, as after a relu; targets of the unrounded weights.
Problem correlated_problem(int64_t count, int64_t taps, int64_t outputs, bool depthwise, uint64_t seed) {
  Rng rng(seed);
  Problem p{.rows = {.count = count, .taps = taps, .outputs = outputs, .depthwise = depthwise}};
  for (int64_t o = 0; o < outputs; ++o) p.steps.push_back(static_cast<float>(rng.uniform(0.05, 0.2)));
  for (int64_t i = 0; i < outputs * taps; ++i) p.weights.push_back(static_cast<float>(0.5 * rng.normal()));
  for (int64_t i = 0; i < count; ++i) {
    const double common = rng.normal();
    for (int64_t k = 0; k < taps * (depthwise ? outputs : 1); ++k)
      p.rows.inputs.push_back(static_cast<float>(std::max(0.0, common + 0.7 * rng.normal())));
  }
  for (int64_t i = 0; i < count; ++i)
    for (int64_t o = 0; o < outputs; ++o) {
      double sum = 0.0;
      for (int64_t k = 0; k < taps; ++k)
        sum += p.weights[o * taps + k] *
               (depthwise ? p.rows.inputs[(i * taps + k) * outputs + o] : p.rows.inputs[i * taps + k]);
      p.rows.targets.push_back(static_cast<float>(sum));
    }
  return p;
}

std::vector<int8_t> nearest_codes(const Problem& p) {
  std::vector<int8_t> codes;
  for (size_t i = 0; i < p.weights.size(); ++i)
    codes.push_back(static_cast<int8_t>(
        std::clamp(std::round(p.weights[i] / p.steps[i / static_cast<size_t>(p.rows.taps)]), -127.0f, 127.0f)));
  return codes;
}

double total(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

TEST(AdaptiveRounding, HalvesTheErrorOfNearestRoundingOnCorrelatedInputs) {
  for (bool depthwise : {false, true})
    for (uint64_t seed : {1, 2, 3}) {
      const Problem p = correlated_problem(256, 24, 8, depthwise, seed);
      const auto codes = learn_rounding(p.weights, p.steps, p.rows, {.seed = seed});
      EXPECT_LT(total(reconstruction_error(codes, p.steps, p.rows)),
                0.5 * total(reconstruction_error(nearest_codes(p), p.steps, p.rows)));
    }
}

TEST(AdaptiveRounding, NeverLeavesFloorAndCeiling) {
  const Problem p = correlated_problem(64, 40, 6, false, 4);
  const auto codes = learn_rounding(p.weights, p.steps, p.rows, {.iterations = 300});
  int moved = 0;
  const auto nearest = nearest_codes(p);
  for (size_t i = 0; i < codes.size(); ++i) {
    const float exact = p.weights[i] / p.steps[i / 40];
    EXPECT_TRUE(codes[i] == std::floor(exact) || codes[i] == std::ceil(exact)) << codes[i] << " for " << exact;
    moved += codes[i] != nearest[i];
  }
  EXPECT_GT(moved, 0);
}

TEST(AdaptiveRounding, IsNeverWorseThanNearestRoundingOnAnyOutput) {
  for (int iterations : {1, 50}) {  // far too few to learn
    const Problem p = correlated_problem(64, 40, 6, false, 5);
    const auto codes = learn_rounding(p.weights, p.steps, p.rows, {.iterations = iterations, .learning_rate = 0.5});
    const auto learnt = reconstruction_error(codes, p.steps, p.rows);
    const auto nearest = reconstruction_error(nearest_codes(p), p.steps, p.rows);
    for (size_t o = 0; o < learnt.size(); ++o) EXPECT_LE(learnt[o], nearest[o]);
  }
}

// All 2^10 roundings of every output tried.
TEST(AdaptiveRounding, ComesCloserToTheBestOfAllRoundingsThanToNearest) {
  const int64_t taps = 10, outputs = 4;
  const Problem p = correlated_problem(200, taps, outputs, false, 6);
  std::vector<double> best(outputs, std::numeric_limits<double>::infinity());
  for (int choice = 0; choice < 1 << taps; ++choice) {
    std::vector<int8_t> codes;
    for (size_t i = 0; i < p.weights.size(); ++i)
      codes.push_back(static_cast<int8_t>(std::floor(p.weights[i] / p.steps[i / taps]) + (choice >> (i % taps) & 1)));
    const auto error = reconstruction_error(codes, p.steps, p.rows);
    for (int64_t o = 0; o < outputs; ++o) best[o] = std::min(best[o], error[o]);
  }
  const auto learnt = reconstruction_error(learn_rounding(p.weights, p.steps, p.rows, {}), p.steps, p.rows);
  const auto nearest = reconstruction_error(nearest_codes(p), p.steps, p.rows);
  EXPECT_GE(total(learnt), total(best));
  EXPECT_LT(total(learnt), 0.5 * (total(best) + total(nearest)));
}

TEST(AdaptiveRounding, LeavesWholeCodesAndWeightsBeyondTheRangeAlone) {
  Problem p = correlated_problem(32, 4, 1, false, 7);
  p.steps = {0.5f};
  p.weights = {0.0f, -1.5f, 1000.0f, -1000.0f};
  EXPECT_EQ(learn_rounding(p.weights, p.steps, p.rows, {.iterations = 20}), (std::vector<int8_t>{0, -3, 127, -127}));
}

TEST(AdaptiveRounding, GivesTheSameCodesForTheSameSeed) {
  const Problem p = correlated_problem(128, 12, 3, false, 8);
  const RoundingOptions options{.iterations = 100, .seed = 9};
  EXPECT_EQ(learn_rounding(p.weights, p.steps, p.rows, options), learn_rounding(p.weights, p.steps, p.rows, options));
}

}  // namespace
}  // namespace bitwright

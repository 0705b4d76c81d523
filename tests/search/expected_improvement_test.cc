// SPDX-License-Identifier: Apache-2.0
#include "search/expected_improvement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/rng.h"
#include "search/hypervolume.h"

namespace bitwright {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// {mean, its standard error}
struct MonteCarlo {
  double sum = 0, squares = 0;
  int draws = 0;
  void add(double value) {
    sum += value;
    squares += value * value;
    ++draws;
  }
  double mean() const { return sum / draws; }
  double error() const { return std::sqrt((squares / draws - mean() * mean()) / draws); }
};

double draw(const ErrorBelief& belief, Rng& rng) {
  const double value = belief.mean + belief.deviation * rng.normal();
  return belief.of_logarithm ? std::exp(value) : value;
}

std::vector<ObjectiveVector> random_points(size_t count, size_t objectives, Rng& rng) {
  std::vector<ObjectiveVector> points(count, ObjectiveVector(objectives));
  for (auto& point : points)
    for (double& v : point) v = rng.uniform(0.05, 1.1);  // some beyond the reference
  return points;
}

double gain(std::vector<ObjectiveVector> front, const ObjectiveVector& point, const ObjectiveVector& reference) {
  const double before = hypervolume(front, reference);
  front.push_back(point);
  return hypervolume(front, reference) - before;
}

// The front's error at known objectives u, by its definition.
double front_error(const std::vector<ObjectiveVector>& front, const ObjectiveVector& u, double reference) {
  double least = reference;
  for (const ObjectiveVector& point : front) {
    bool no_worse = true;
    for (size_t k = 0; k < u.size(); ++k) no_worse &= point[k + 1] <= u[k];
    if (no_worse) least = std::min(least, point[0]);
  }
  return least;
}

TEST(ExpectedImprovement, AgreesWithMonteCarlo) {
  Rng rng(3);
  for (const ErrorBelief& belief : {ErrorBelief{0.3, 0.2, false}, ErrorBelief{1.0, 0.6, false},
                                    ErrorBelief{-1.2, 0.4, true}, ErrorBelief{0.2, 1.5, true}}) {
    MonteCarlo drawn;
    for (int i = 0; i < 1'000'000; ++i) drawn.add(std::max(0.0, 0.4 - draw(belief, rng)));
    EXPECT_NEAR(std::exp(log_expected_improvement(belief, 0.4)), drawn.mean(), 4.5 * drawn.error());
  }
}

// d/dbest E[max(0, best - Y)] = P(Y < best) holds for the logarithm in the farthest tail: values are compared with
// their integral over best, for beliefs from nearly sure to vague.
TEST(ExpectedImprovement, GrowsWithItsProbabilityIntoTheFarTail) {
  for (const bool of_logarithm : {false, true})
    for (const double deviation : {1e-4, 1e-2, 0.3, 2.0})
      for (const double z : {-30.0, -12.0, -5.001, -4.999, -2.0, 0.0, 0.999, 1.001, 3.0}) {
        const ErrorBelief belief{-1.0, deviation, of_logarithm};
        const double at = belief.mean + z * deviation;  // of Y or of log(Y)
        if (of_logarithm && at < -600) continue;
        const double step = 1e-4 * deviation;
        const auto log_gain = [&](double v) {
          return log_expected_improvement(belief, of_logarithm ? std::exp(v) : v);
        };
        const double slope = (log_gain(at + step) - log_gain(at - step)) / (2 * step);
        // Against log P(Y < best), whose tail is that of erfc; beyond it the slope is -z / deviation and a little.
        const double log_probability =
            z > -12.5 ? std::log(0.5 * std::erfc(-z / std::sqrt(2.0)))
                      : -0.5 * z * z - std::log(-z * std::sqrt(2 * std::numbers::pi)) - 1 / (z * z);
        const double jacobian = of_logarithm ? at : 0.0;  // d best / d log(best) = best
        const double wanted = std::exp(log_probability + jacobian - log_gain(at));
        EXPECT_NEAR(slope / wanted, 1.0, 1e-4) << of_logarithm << " " << deviation << " " << z;
      }
}

TEST(ExpectedImprovement, IsFiniteWhereTheExpectationUnderflows) {
  const double far = log_expected_improvement({0.0, 0.01, true}, 0.5);  // 69 deviations
  const double farther = log_expected_improvement({0.0, 0.01, true}, 0.4);
  EXPECT_TRUE(std::isfinite(far));
  EXPECT_LT(far, -2000);
  EXPECT_LT(farther, far);
}

TEST(ExpectedImprovement, OfASureOutcomeIsTheDifference) {
  EXPECT_DOUBLE_EQ(log_expected_improvement({std::log(0.1), 0.0, true}, 0.4), std::log(0.4 - 0.1));
  EXPECT_DOUBLE_EQ(log_expected_improvement({0.1, 0.0, false}, 0.4), std::log(0.4 - 0.1));
  EXPECT_EQ(log_expected_improvement({0.5, 0.0, false}, 0.4), -kInfinity);
  EXPECT_NEAR(log_expected_improvement({std::log(0.1), 1e-9, true}, 0.4), std::log(0.3), 1e-8);
  EXPECT_NEAR(log_expected_improvement({std::log(0.1), 1e-9, true}, 0.1),
              std::log(1e-10 / std::sqrt(2 * std::numbers::pi)), 1e-6);
}

TEST(LogError, OfNoWindowWrongIsThatOfHalfAWindow) {
  EXPECT_DOUBLE_EQ(log_error(0.0, 0.001), std::log(0.0005));
  EXPECT_DOUBLE_EQ(log_error(1e-9, 0.001), std::log(0.0005));
  EXPECT_DOUBLE_EQ(log_error(0.001, 0.001), std::log(0.001));
  EXPECT_DOUBLE_EQ(log_error(0.9, 0.001), std::log(0.9));
}

TEST(SuccessProbability, IsThatOfANormalAndNeverNought) {
  EXPECT_NEAR(log_success_probability(0.5, 0.3), std::log(0.5), 1e-12);
  EXPECT_NEAR(log_success_probability(0.8, 0.3), std::log(0.841344746068543), 1e-12);
  EXPECT_DOUBLE_EQ(log_success_probability(-9.0, 0.1), std::log(1e-3));
  EXPECT_EQ(log_success_probability(1.0, 0.0), 0.0);
}

// Known outcomes gain what the hypervolume says, for one, two and three known objectives.
TEST(KnownCostImprovement, OfASureOutcomeIsTheHypervolumeGained) {
  Rng rng(5);
  for (size_t objectives = 2; objectives <= 4; ++objectives)
    for (int round = 0; round < 60; ++round) {
      const ObjectiveVector reference(objectives, 1.0);
      const auto front = random_points(rng.below(14), objectives, rng);
      const ObjectiveVector point = random_points(1, objectives, rng)[0];
      const KnownCostImprovement improvement(front, reference);
      const double log_gain = improvement.log_improvement({point[0], 0.0, false}, {point.begin() + 1, point.end()});
      EXPECT_NEAR(std::exp(log_gain), gain(front, point, reference), 1e-12);
    }
}

// Known objectives drawn from what the candidate is no worse than, errors from the belief.
TEST(KnownCostImprovement, AgreesWithMonteCarlo) {
  Rng rng(7);
  for (size_t objectives = 2; objectives <= 4; ++objectives)
    for (const ErrorBelief& belief : {ErrorBelief{0.3, 0.2, false}, ErrorBelief{-1.2, 0.5, true}}) {
      const ObjectiveVector reference(objectives, 1.0), known(objectives - 1, 0.2);
      const auto front = random_points(8, objectives, rng);
      const double volume = std::pow(0.8, static_cast<double>(objectives - 1));
      MonteCarlo drawn;
      ObjectiveVector u(objectives - 1);
      for (int i = 0; i < 1'000'000; ++i) {
        for (double& v : u) v = rng.uniform(0.2, 1.0);
        drawn.add(volume * std::max(0.0, front_error(front, u, 1.0) - draw(belief, rng)));
      }
      const double value = std::exp(KnownCostImprovement(front, reference).log_improvement(belief, known));
      EXPECT_NEAR(value, drawn.mean(), 4.5 * drawn.error()) << objectives;
    }
}

TEST(KnownCostImprovement, OfAnEmptyFrontIsThatOfTheWholeBox) {
  const ErrorBelief belief{-1.0, 0.3, true};
  const KnownCostImprovement improvement({}, {0.8, 2.0, 3.0});
  EXPECT_NEAR(improvement.log_improvement(belief, {1.5, 1.0}),
              std::log(0.5 * 2.0) + log_expected_improvement(belief, 0.8), 1e-12);
}

TEST(KnownCostImprovement, IsNothingBeyondTheReferenceOrForASureLoss) {
  const KnownCostImprovement improvement({{0.2, 0.5}}, {1.0, 1.0});
  EXPECT_EQ(improvement.log_improvement({-1.0, 0.3, true}, {1.0}), -kInfinity);
  EXPECT_EQ(improvement.log_improvement({0.3, 0.0, false}, {0.6}), -kInfinity);
  // Dominated in its known objective and most likely in error: small, not nothing.
  EXPECT_LT(improvement.log_improvement({0.9, 0.05, false}, {0.6}), -50);
}

// A net that makes no error leaves the cheaper ones to be improved.
TEST(KnownCostImprovement, TakesAFrontWithoutError) {
  const ErrorBelief belief{log_error(0.0, 0.001), 0.3, true};
  const KnownCostImprovement improvement({{0.0, 0.5}}, {1.0, 1.0});
  EXPECT_EQ(improvement.log_improvement(belief, {0.6}), -kInfinity);
  EXPECT_NEAR(improvement.log_improvement(belief, {0.4}), std::log(0.1) + log_expected_improvement(belief, 1.0), 1e-12);
}

TEST(KnownCostImprovement, TakesCopiesDominatedPointsAndEqualCosts) {
  const ErrorBelief belief{-1.0, 0.7, true};
  const std::vector<ObjectiveVector> front = {{0.2, 0.5, 0.4}, {0.4, 0.1, 0.4}};
  std::vector<ObjectiveVector> more = front;
  more.insert(more.end(), {{0.2, 0.5, 0.4}, {0.3, 0.5, 0.4}, {0.4, 0.1, 0.4}, {0.9, 0.9, 0.9}, {0.2, 0.6, 0.4}});
  for (const ObjectiveVector& known : {ObjectiveVector{0.0, 0.0}, {0.1, 0.4}, {0.5, 0.4}, {0.05, 0.9}})
    EXPECT_NEAR(KnownCostImprovement(more, {1, 1, 1}).log_improvement(belief, known),
                KnownCostImprovement(front, {1, 1, 1}).log_improvement(belief, known), 1e-12);
}

// F(t) = 1/2 + t / (2 sqrt(2 + t^2)).
TEST(LogKeptProbability, IsThatOfStudentsDistributionWithTwoDegreesOfFreedom) {
  for (const double t : {-8.0, -1.0, 0.0, 0.5, 3.0})
    EXPECT_NEAR(std::exp(log_kept_probability(-0.2 * t, 0.2)), 0.5 + t / (2 * std::sqrt(2 + t * t)), 1e-12) << t;
  EXPECT_NEAR(log_kept_probability(1e9, 1.0), std::log(0.5) - 2 * std::log(1e9), 1e-6);
  EXPECT_NEAR(log_kept_probability(-1e9, 1.0), 0.0, 1e-12);
}

}  // namespace
}  // namespace bitwright

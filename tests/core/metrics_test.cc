// SPDX-License-Identifier: Apache-2.0
#include "core/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/rng.h"

namespace bitwright {
namespace {

using testing::ElementsAre;

Dataset labelled(std::vector<std::string> classes, std::vector<int32_t> labels) {
  Dataset data;
  data.classes = std::move(classes);
  data.labels = std::move(labels);
  return data;
}

// Outputs that decide `decided`.
std::vector<float> one_hot(const std::vector<int>& decided, int classes) {
  std::vector<float> outputs;
  for (int d : decided)
    for (int c = 0; c < classes; ++c) outputs.push_back(c == d ? 1.0f : 0.0f);
  return outputs;
}

// ---- classification ----

// By hand: a is named right 3 of 4 times, b 1 of 2, c 1 of 2; a decided 4 times, b 2, c 2.
TEST(ScoreOutputs, MatchesAConfusionMatrixByHand) {
  const Dataset data = labelled({"a", "b", "c"}, {0, 0, 0, 0, 1, 1, 2, 2});
  const Metrics m = score_outputs(data, one_hot({0, 0, 0, 1, 1, 2, 2, 0}, 3));
  EXPECT_THAT(m.confusion, ElementsAre(3, 1, 0, 0, 1, 1, 1, 0, 1));
  EXPECT_EQ(m.windows, 8);
  EXPECT_DOUBLE_EQ(m.accuracy, 5.0 / 8);
  EXPECT_DOUBLE_EQ(m.balanced_accuracy, (3.0 / 4 + 1.0 / 2 + 1.0 / 2) / 3);
  EXPECT_DOUBLE_EQ(m.macro_f1, (6.0 / 8 + 2.0 / 4 + 2.0 / 4) / 3);
}

TEST(ScoreOutputs, LeavesOutClassesThatDoNotOccur) {
  const Dataset data = labelled({"a", "b", "c"}, {0, 0, 1, 1});
  const Metrics m = score_outputs(data, one_hot({0, 2, 1, 1}, 3));
  EXPECT_DOUBLE_EQ(m.balanced_accuracy, 0.75);
  EXPECT_DOUBLE_EQ(m.macro_f1, (2.0 / 3 + 1.0) / 2);
  EXPECT_TRUE(std::isnan(recalls(m.confusion, 3)[2]));
}

TEST(ScoreOutputs, AlwaysTheLargestClassHasBalancedAccuracyOneOverClasses) {
  std::vector<int32_t> labels(90, 0);
  for (size_t i = 0; i < 10; ++i) labels.push_back(1);
  const Metrics m = score_outputs(labelled({"a", "b"}, labels), one_hot(std::vector<int>(100, 0), 2));
  EXPECT_DOUBLE_EQ(m.accuracy, 0.9);
  EXPECT_DOUBLE_EQ(m.balanced_accuracy, 0.5);
  EXPECT_DOUBLE_EQ(m.auc, 0.5);
}

// With two classes both halves of the mean are the AUC of the difference of the outputs.
TEST(ScoreOutputs, AucOfTwoClassesIsThatOfTheDifference) {
  Rng rng(3);
  Dataset data = labelled({"a", "b"}, {});
  std::vector<float> outputs;
  std::vector<double> differences;
  std::vector<bool> second;
  for (int i = 0; i < 200; ++i) {
    data.labels.push_back(static_cast<int32_t>(rng.below(2)));
    for (int k = 0; k < 2; ++k) outputs.push_back(static_cast<float>(rng.uniform()));
    outputs.back() += 0.3f * static_cast<float>(data.labels.back());
    differences.push_back(double{outputs[outputs.size() - 1]} - outputs[outputs.size() - 2]);
    second.push_back(data.labels.back() == 1);
  }
  EXPECT_NEAR(score_outputs(data, outputs).auc, area_under_roc(differences, second), 1e-12);
}

TEST(ScoreOutputs, AnEmptyDataSetGivesZeros) {
  const Metrics m = score_outputs(labelled({"a", "b"}, {}), {});
  EXPECT_EQ(m.windows, 0);
  EXPECT_EQ(m.accuracy, 0.0);
  EXPECT_EQ(m.auc, 0.0);
}

TEST(Decisions, TheFirstOfEqualOutputsDecides) {
  const Dataset data = labelled({"a", "b", "c"}, {0, 0});
  EXPECT_THAT(decisions(data, std::vector<float>{1, 2, 2, 0, 0, 0}), ElementsAre(1, 0));
}

// ---- area under the ROC curve ----

double pairs_won(const std::vector<double>& scores, const std::vector<bool>& positive) {
  double won = 0.0, pairs = 0.0;
  for (size_t p = 0; p < scores.size(); ++p)
    for (size_t n = 0; n < scores.size(); ++n) {
      if (!positive[p] || positive[n]) continue;
      won += scores[p] > scores[n] ? 1.0 : scores[p] == scores[n] ? 0.5 : 0.0;
      pairs += 1.0;
    }
  return won / pairs;
}

TEST(AreaUnderRoc, IsTheShareOfPairsThatThePositiveWins) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Rng rng(seed);
    std::vector<double> scores;
    std::vector<bool> positive = {true, false};
    for (int i = 0; i < 60; ++i) scores.push_back(static_cast<double>(rng.below(1 + seed)));  // few values: many ties
    while (positive.size() < scores.size()) positive.push_back(rng.below(3) == 0);
    EXPECT_NEAR(area_under_roc(scores, positive), pairs_won(scores, positive), 1e-12) << seed;
  }
}

TEST(AreaUnderRoc, IsHalfWithoutAPositiveOrANegative) {
  const std::vector<double> scores = {1, 2, 3};
  EXPECT_EQ(area_under_roc(scores, {true, true, true}), 0.5);
  EXPECT_EQ(area_under_roc(scores, {false, false, false}), 0.5);
  EXPECT_EQ(area_under_roc({}, {}), 0.5);
}

// ---- regression ----

Dataset two_targets() {
  Dataset data;
  data.task = Task::kRegression;
  data.target_names = {"torque", "speed"};
  data.target_mean = {100.0, 0.0};
  data.target_deviation = {10.0, 2.0};
  data.targets = {-1, 0, 0, 1, 1, -1};
  data.labels = {0, 0, 0};
  return data;
}

TEST(ScoreOutputs, RegressionErrorsAreInTheTargetsUnits) {
  const Dataset data = two_targets();
  std::vector<float> outputs = data.targets;
  outputs[0] += 0.5f;  // 5 units of torque
  outputs[3] -= 0.5f;  // 1 unit of speed
  const Metrics m = score_outputs(data, outputs);
  EXPECT_DOUBLE_EQ(m.rmse, std::sqrt((25.0 + 1.0) / 6));
  EXPECT_DOUBLE_EQ(m.mae, 1.0);
  EXPECT_DOUBLE_EQ(m.accuracy, 1.0 - 0.5 / 4.0);  // residual 0.5, each target's sum about its mean 2
  EXPECT_THAT(decisions(data, outputs), ElementsAre(0, 0, 0));
}

TEST(ScoreOutputs, PredictingTheMeanExplainsNothingAndWorseIsNoLess) {
  const Dataset data = two_targets();
  EXPECT_EQ(score_outputs(data, std::vector<float>(6, 0.0f)).accuracy, 0.0);
  EXPECT_EQ(score_outputs(data, std::vector<float>(6, 9.0f)).accuracy, 0.0);
  EXPECT_EQ(score_outputs(data, data.targets).accuracy, 1.0);
}

// ---- anomalies ----

// Examples of two samples; the network repeats them but for `error` in each sample.
struct Reconstruction {
  Dataset data;
  std::vector<float> outputs;
};

Reconstruction reconstruction(const std::vector<double>& error, std::vector<int32_t> labels) {
  Reconstruction r;
  r.data.task = Task::kAnomaly;
  r.data.classes = {"normal", "fault", "other fault"};
  r.data.labels = std::move(labels);
  r.data.front_end.output = {2, 1, 1};
  r.data.front_end.input_scale = 0.25;
  for (size_t i = 0; i < error.size(); ++i)
    for (int16_t code : {int16_t{-8}, static_cast<int16_t>(i)}) {
      r.data.codes.push_back(code);
      r.outputs.push_back(static_cast<float>(code * 0.25 + error[i]));
    }
  return r;
}

TEST(ReconstructionErrors, AreMeanSquaresInNetworkUnits) {
  const Reconstruction r = reconstruction({0.5, -2.0, 0.0}, {0, 0, 1});
  EXPECT_THAT(reconstruction_errors(r.data, r.outputs), ElementsAre(0.25, 4.0, 0.0));
}

TEST(ScoreOutputs, AnomaliesAreErrorsAboveTheThreshold) {
  const Reconstruction r = reconstruction({0.5, 1.5, 1.0, 2.0, 0.25}, {0, 0, 1, 2, 2});
  const Metrics m = score_outputs(r.data, r.outputs, 1.0);
  EXPECT_THAT(decisions(r.data, r.outputs, 1.0), ElementsAre(0, 1, 0, 1, 0));  // an error of exactly 1 is not above
  EXPECT_DOUBLE_EQ(m.f1, 2.0 / (2.0 + 1.0 + 2.0));
  EXPECT_DOUBLE_EQ(m.auc, 3.0 / 6);  // pairs won: (1.0, 0.5), (2.0, 0.5), (2.0, 1.5)
  EXPECT_EQ(m.accuracy, m.auc);
  EXPECT_EQ(m.threshold, 1.0);
  EXPECT_EQ(m.windows, 5);
}

// Nearest rank: the ceil(0.99 n)-th smallest of the normal errors.
TEST(AnomalyThreshold, IsTheNearestRankOfNormalErrors) {
  std::vector<double> error;
  std::vector<int32_t> labels;
  for (int i = 1; i <= 200; ++i) {
    error.push_back(0.125 * (201 - i));
    labels.push_back(0);
  }
  error.push_back(1000.0);
  labels.push_back(1);
  const Reconstruction r = reconstruction(error, labels);
  EXPECT_DOUBLE_EQ(anomaly_threshold(r.data, r.outputs), std::pow(0.125 * 198, 2));
  const Reconstruction one = reconstruction({0.5}, {0});
  EXPECT_DOUBLE_EQ(anomaly_threshold(one.data, one.outputs), 0.25);
}

TEST(TaskOutput, IsWhatTheTaskNeeds) {
  EXPECT_EQ(task_output(labelled({"a", "b", "c"}, {})), (Shape{1, 1, 3}));
  EXPECT_EQ(task_output(two_targets()), (Shape{1, 1, 2}));
  EXPECT_EQ(task_output(reconstruction({}, {}).data), (Shape{2, 1, 1}));
}

// ---- several runs ----

// n values of deviation sqrt(n), whose half width is the quantile itself.
double half_width_of(int n) {
  std::vector<double> values(static_cast<size_t>(n), 0.0);
  const double d = std::sqrt(0.5 * n * (n - 1));
  values[0] = d;
  values[1] = -d;
  return summarize(values).half_width;
}

// Student's t, 97.5 %, as printed tables have it (Fisher and Yates, table III; NIST handbook 1.3.6.7.2).
TEST(Summarize, HalfWidthsMatchThePrintedTableOfStudentsT) {
  const std::pair<int, double> table[] = {{2, 12.706}, {3, 4.303},  {4, 3.182},  {5, 2.776},
                                          {6, 2.571},  {10, 2.262}, {11, 2.228}, {21, 2.086},
                                          {30, 2.045}, {31, 2.042}, {61, 2.000}, {121, 1.980}};
  for (const auto& [n, quantile] : table) EXPECT_NEAR(half_width_of(n), quantile, 0.00051) << n;
}

// One degree of freedom is the Cauchy distribution: tan(0.475 pi). Two: x / sqrt(2 + x^2) = 0.95.
TEST(Summarize, HalfWidthsOfTwoAndThreeMatchTheClosedForms) {
  EXPECT_NEAR(half_width_of(2), std::tan(0.475 * std::acos(-1.0)), 1e-9);
  EXPECT_NEAR(half_width_of(3), std::sqrt(2 * 0.95 * 0.95 / (1 - 0.95 * 0.95)), 1e-12);
}

TEST(Summarize, MatchesFiveValuesByHand) {
  const std::vector<double> values = {2, 4, 4, 6, 9};
  const Summary s = summarize(values);
  EXPECT_EQ(s.n, 5);
  EXPECT_DOUBLE_EQ(s.mean, 5.0);
  EXPECT_DOUBLE_EQ(s.deviation, std::sqrt(28.0 / 4));
  EXPECT_EQ(s.min, 2.0);
  EXPECT_EQ(s.max, 9.0);
}

TEST(Summarize, OneValueHasNoSpread) {
  const Summary s = summarize(std::vector<double>{0.7});
  EXPECT_EQ(s.mean, 0.7);
  EXPECT_EQ(s.deviation, 0.0);
  EXPECT_EQ(s.half_width, 0.0);
  EXPECT_EQ(summarize({}).n, 0);
}

}  // namespace
}  // namespace bitwright

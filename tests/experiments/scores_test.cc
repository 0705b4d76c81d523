// SPDX-License-Identifier: Apache-2.0
#include "experiments/scores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bitwright {
namespace {

using testing::HasSubstr;

Metrics run(double accuracy, std::vector<int64_t> confusion) {
  Metrics metrics;
  metrics.accuracy = metrics.balanced_accuracy = metrics.macro_f1 = metrics.auc = accuracy;
  metrics.fake_quantized_accuracy = accuracy + 0.01;
  metrics.windows = 10;
  metrics.differing = 1;
  metrics.confusion = std::move(confusion);
  return metrics;
}

ScoredSet three_runs() {
  return {"validation",
          Task::kClassification,
          {"good", "bad"},
          {run(0.96, {5, 0, 1, 4}), run(0.97, {4, 1, 0, 5}), run(0.98, {5, 0, 0, 5})}};
}

// Student's t with 2 degrees of freedom: 4.3027; 4.3027 x 1 / sqrt(3) = 2.4841 points.
TEST(Scores, TheIntervalIsThatOfStudent) {
  const std::string text = render_scores(three_runs());
  EXPECT_THAT(text, HasSubstr("\naccuracy           97.00 %     1.00 %   94.52 % .. 99.48 %   96.00 % .. 98.00 %\n"));
  EXPECT_NEAR(scores_json(three_runs())["accuracy"]["half_width"].get<double>(), 0.024841, 1e-6);
}

// The recalls are 1, 0.8 and 1: their interval would end at 122 %.
TEST(Scores, NoIntervalOfAShareEndsBeyondAllOfThem) {
  EXPECT_THAT(render_scores(three_runs()), HasSubstr("64.65 % .. 100.00 %"));
}

TEST(Scores, ConfusionIsSummedOverTheRuns) {
  const auto json = scores_json(three_runs());
  EXPECT_EQ(json["confusion"], (nlohmann::json{14, 1, 1, 14}));
  EXPECT_EQ(json["recall"]["good"]["mean"], (1.0 + 0.8 + 1.0) / 3.0);
}

TEST(Scores, TheGapToFakeQuantizationIsSaid) {
  EXPECT_THAT(render_scores(three_runs()),
              HasSubstr("integer - fake-quantized: -1.00 points; 3 of 30 windows decided differently\n"));
}

TEST(Scores, OneRunHasNoInterval) {
  ScoredSet set = three_runs();
  set.runs.resize(1);
  EXPECT_THAT(render_scores(set),
              HasSubstr("\naccuracy            96.00 %     0.00 %              -    96.00 % .. 96.00 %\n"));
}

TEST(Scores, AClassWithoutExamplesHasNoRecall) {
  ScoredSet set = three_runs();
  set.runs = {run(1.0, {10, 0, 0, 0})};
  EXPECT_FALSE(scores_json(set)["recall"].contains("bad"));
}

// A search sees R2 from 0 up; people see it as it is.
TEST(Scores, EveryTaskLeadsWithWhatASearchMaximises) {
  for (Task task : {Task::kClassification, Task::kAnomaly})
    EXPECT_EQ(scores_of(task).front().value, &Metrics::accuracy);
  EXPECT_EQ(scores_of(Task::kRegression).front().value, &Metrics::r2);
}

TEST(Scores, AMeanOfOneHasNoDeviation) {
  EXPECT_EQ(format_mean({0.5}), "50.00 %");
  EXPECT_EQ(format_mean({0.96, 0.97, 0.98}), "97.00 +- 1.00 %");
  EXPECT_EQ(format_mean({}), "-");
}

}  // namespace
}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "experiments/why_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace bitwright {
namespace {

Trial complete(int64_t number, double accuracy) {
  Trial trial;
  trial.number = number;
  trial.state = TrialState::kComplete;
  trial.metrics.accuracy = accuracy;
  trial.metrics.windows = 1000;
  return trial;
}

// An error of 4 % was expected, of 8 % and 2 % within one deviation.
Trial modelled(double accuracy) {
  Trial trial = complete(31, accuracy);
  trial.ask_watermark = 28;
  trial.provenance = {.source = "model",
                      .parents = {12},
                      .opinion = Opinion{std::log(0.04), std::log(2.0), std::log(0.98), std::log(0.5), 200.0},
                      .rejected = {{"duplicate", 2}, {"flash", 40}},
                      .code = "0.1.0 1f0c9a52"};
  return trial;
}

TEST(Why, TellsWhatWasExpectedAndWhatCameOut) {
  EXPECT_EQ(why_text(modelled(0.98), {.parents = {complete(12, 0.952)}}),
            "trial #31, proposed when 28 results were known, by bitwright 0.1.0 1f0c9a52\n"
            "model: what the model expects most of\n"
            "made by mutation, perhaps in several steps, of\n"
            "  #12  accuracy 95.20 %\n"
            "expected: error 4 %, within one deviation 2 .. 8 %; success 98 %; 0.25 % more hypervolume\n"
            "came out: error 2 %, 1.0 deviations below what was expected\n"
            "passed over on the way: duplicate 2, flash 40\n");
}

TEST(Why, OfWhatBrokeALimitAsMeasuredTellsTheErrorAndTheLimit) {
  Trial trial = modelled(0.98);
  trial.state = TrialState::kInfeasible;
  trial.violations = {{"flash", 13.0, 12.0, "flash 13 B exceeds the limit of 12 B by 1 B, as measured"}};
  EXPECT_DOUBLE_EQ(surprise(trial).value(), surprise(modelled(0.98)).value());
  Trial child = complete(40, 0.9);
  child.provenance = {.source = "evolution", .parents = {31}};
  EXPECT_NE(why_text(child, {.parents = {trial}})
                .find("#31  accuracy 98.00 %, INFEASIBLE: flash 13 B exceeds the limit of 12 B by 1 B, as measured\n"),
            std::string::npos);
}

TEST(Why, TellsWhyATrainingWentOnAndWhereItStopped) {
  Trial trial = modelled(0.9);
  trial.state = TrialState::kStopped;
  trial.fidelity = 0.3;
  trial.provenance = {.source = "random"};
  const WhyContext context = {
      .continuations = {
          {.trial = 31,
           .fidelity = 0.3,
           .next_trial = 40,
           .ask_watermark = 35,
           .provenance = {.source = "rung", .opinion = Opinion{std::log(0.04), std::log(2.0), 0.0, 0.0, 0.0}}}}};
  EXPECT_EQ(why_text(trial, context),
            "trial #31, proposed when 28 results were known\n"
            "random: drawn at random\n"
            "went on to 30 % of the epochs when 35 results were known\n"
            "rung: what the model expects most of by the epochs left\n"
            "expected: error 4 %, within one deviation 2 .. 8 %; success 100 %\n"
            "came out: accuracy 90.00 % after 30 % of the epochs, where it stopped\n"
            "passed over on the way: none\n");
  const nlohmann::json json = why_json(trial, context);
  EXPECT_EQ(json["continuations"][0]["fidelity"], 0.3);
  EXPECT_NEAR(json["continuations"][0]["expected"]["error"], 0.04, 1e-12);
}

TEST(Why, TellsAForestFromTheModel) {
  Trial trial = modelled(0.98);
  trial.provenance.source = "forest";
  EXPECT_NE(
      why_text(trial, {}).find("\nforest: what a forest expects most of, which lately foretold errors better than "
                               "the model\nexpected: error 4 %"),
      std::string::npos);
}

TEST(Why, TellsADrawFromACrossover) {
  Trial trial = complete(3, 0.9);
  trial.provenance.source = "random";
  EXPECT_EQ(why_text(trial, {}),
            "trial #3, proposed when 0 results were known\n"
            "random: drawn at random\n"
            "came out: accuracy 90.00 %\n"
            "passed over on the way: none\n");
  trial.state = TrialState::kFailed;
  trial.provenance = {.source = "offspring", .parents = {1, 2}};
  EXPECT_EQ(why_text(trial, {.parents = {complete(1, 0.5), complete(2, 0.75)}}),
            "trial #3, proposed when 0 results were known\n"
            "offspring\n"
            "made by crossover of\n"
            "  #1  accuracy 50.00 %\n"
            "  #2  accuracy 75.00 %\n"
            "came out: FAIL\n"
            "passed over on the way: none\n");
}

TEST(Why, OfAnEarlierVersionIsItsLine) {
  Trial trial = complete(3, 0.9);
  trial.source = "mutation of 7";
  EXPECT_EQ(why_text(trial, {}),
            "trial #3, proposed when 0 results were known\n"
            "mutation of 7\n"
            "nothing more was stored: an earlier version proposed it\n");
}

// A net without a wrong window is no proof of one without error: it counts as half a window.
TEST(Why, NoErrorIsAsFarBelowAsHalfAWindow) {
  EXPECT_NEAR(*surprise(modelled(1.0)), std::log2(0.0005 / 0.04), 1e-12);
  EXPECT_NEAR(*surprise(modelled(0.84)), 2.0, 1e-12);
  EXPECT_EQ(surprise(complete(1, 0.9)), std::nullopt);
}

TEST(Why, HasTheSameAsJson) {
  const nlohmann::json json = why_json(modelled(0.98), {.parents = {complete(12, 0.952)}});
  EXPECT_EQ(json["source"], "model");
  EXPECT_EQ(json["results_seen"], 28);
  EXPECT_EQ(json["parents"][0]["trial"], 12);
  EXPECT_NEAR(json["expected"]["error_high"], 0.08, 1e-12);
  EXPECT_NEAR(json["expected"]["hypervolume_gain"], 0.0025, 1e-12);
  EXPECT_NEAR(json["deviations"], -1.0, 1e-12);
  EXPECT_EQ(json["rejected"]["flash"], 40);
}

}  // namespace
}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "experiments/trial_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "deploy/process.h"

namespace bitwright {
namespace {

Network small_network() {
  Network network{.name = "small", .input = {16, 1, 1}};
  append(network, {.name = "conv1",
                   .op = Conv2d{.out_channels = 4, .kernel = {.h = 3}},
                   .weights = Format::kBinary,
                   .batch_norm = true,
                   .activations = Format::kBinary});
  append(network, {.name = "flat", .op = Flatten{}});
  append(network, {.name = "head", .op = Dense{.units = 2}, .bias = true});
  return network;
}

TEST(TrialProtocol, ASpecRoundTrips) {
  const TrialSpec spec{
      .config_json = R"({"name":"x"})", .number = 7, .attempt = 2, .seed = UINT64_MAX, .network = small_network()};
  const TrialSpec back = parse_spec(spec_text(spec));
  EXPECT_EQ(back.config_json, spec.config_json);
  EXPECT_EQ(back.number, 7);
  EXPECT_EQ(back.attempt, 2);
  EXPECT_EQ(back.seed, UINT64_MAX);
  EXPECT_EQ(back.network, spec.network);
}

TEST(TrialProtocol, WhatASpecAsksBeyondTrainingRoundTrips) {
  TrialSpec spec{.config_json = "{}", .network = small_network()};
  spec.score_test = spec.may_go_on = true;
  spec.stages = {2, 6};
  spec.keep_parameters = "a.json";
  spec.checkpoint = "trial-7";
  spec.checkpoint_seconds = 0.5;
  spec.parent = "c.json";
  spec.post_training = PostTrainingOptions{.activations = RangeRule::kMse, .correct_bias = true, .seed = 9};
  EXPECT_EQ(spec_text(parse_spec(spec_text(spec))), spec_text(spec));
  EXPECT_EQ(parse_spec(spec_text(spec)).post_training->activations, RangeRule::kMse);
}

TEST(TrialProtocol, ATestScoreIsThereOnlyWhereItWasAskedFor) {
  TrialReport report;
  EXPECT_FALSE(parse_report(report_text(report)).test);
  report.test = Metrics{.accuracy = 0.25};
  EXPECT_EQ(parse_report(report_text(report)).test->accuracy, 0.25);
}

TEST(TrialProtocol, ATrainedNetworkRoundTrips) {
  Parent trained{small_network(), {}};
  trained.parameters.layers.resize(3);
  trained.parameters.layers[0].weights = {0.1f, -0.2f};
  trained.parameters.layers[2].weight_steps = {0.03f};
  trained.parameters.layers[0].activation_step = 0.7f;
  const Parent back = parse_trained(trained_text(trained), "parent.json");
  EXPECT_EQ(back.network, trained.network);
  EXPECT_EQ(back.parameters, trained.parameters);
}

TEST(TrialProtocol, AReportOfAFailureNeedsNoModel) {
  const TrialReport back = parse_report(report_text({.number = 3, .failure = "loss is not finite at epoch 2"}));
  EXPECT_EQ(back.failure, "loss is not finite at epoch 2");
  EXPECT_FALSE(back.model);
}

TEST(TrialProtocol, AReportNamesItsExecutionAndHost) {
  const TrialReport report = parse_report(report_text({.execution = "0123abcd", .host = "node7"}));
  EXPECT_EQ(report.execution, "0123abcd");
  EXPECT_EQ(report.host, "node7");
  nlohmann::json earlier = nlohmann::json::parse(report_text({}));
  earlier.erase("execution"), earlier.erase("host");  // as a job wrote it that an earlier version had sent
  EXPECT_EQ(parse_report(earlier.dump()).host, "");
}

TEST(TrialProtocol, AForeignFileIsRefused) {
  EXPECT_THROW(parse_spec("not json"), StoreError);
  EXPECT_THROW(parse_report(R"({"schema": 2})"), StoreError);
}

TEST(Publish, TheFirstResultIsNeverReplaced) {
  const TemporaryDirectory folder;
  EXPECT_TRUE(publish(folder.path(), "result.json", "first"));
  EXPECT_FALSE(publish(folder.path(), "result.json", "second"));
  EXPECT_EQ(read_file(folder.path() + "/result.json"), "first");
}

TEST(ReplaceFile, TheLatestContentStaysAlone) {
  const TemporaryDirectory folder;
  replace_file(folder.path() + "/state", "first");
  replace_file(folder.path() + "/state", "second");
  EXPECT_EQ(read_file(folder.path() + "/state"), "second");
  const auto files = std::filesystem::directory_iterator(folder.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST(Publish, LeavesNoTemporaryFileBehind) {
  const TemporaryDirectory folder;
  publish(folder.path(), "result.json", "first");
  publish(folder.path(), "result.json", "second");
  const auto files = std::filesystem::directory_iterator(folder.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST(Publish, NamesThePathThatCannotBeWritten) {
  try {
    publish("/nowhere/at/all", "result.json", "x");
    FAIL() << "no error";
  } catch (const StoreError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("/nowhere/at/all/result.json"));
  }
}

}  // namespace
}  // namespace bitwright

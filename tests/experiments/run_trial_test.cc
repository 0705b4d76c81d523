// Real trainings of a tiny network on the simulator, whole, cut off and gone on with.
// SPDX-License-Identifier: Apache-2.0
#include "experiments/run_trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/hash.h"
#include "core/io/load_study.h"
#include "core/io/model_json.h"
#include "experiments/local_executor.h"
#include "tests/experiments/tiny_study.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string config(const std::vector<std::string>& overrides = {}) {
  return study_from_yaml(kTinyStudy + "training: {epochs: 6}\n", "tiny.yaml", overrides).config_json;
}

Network tiny_network() {
  Network network{.name = "tiny", .input = {600, 1, 1}};
  append(network, {.name = "conv1",
                   .op = Conv2d{.out_channels = 8, .kernel = {.h = 16, .stride_h = 8}},
                   .weights = Format::kInt4,
                   .batch_norm = true,
                   .activations = Format::kUint2});
  append(network, {.name = "pool", .op = GlobalAvgPool{}, .activations = Format::kInt8, .range_log2 = 1});
  append(network, {.name = "head", .op = Dense{.units = 4}, .bias = true});
  return network;
}

TrialSpec tiny_spec(const std::vector<std::string>& overrides = {}) {
  return {.config_json = config(overrides), .number = 1, .seed = 3, .network = tiny_network()};
}

std::string hash(const QuantizedModel& model) {
  return sha256_hex(nlohmann::json(model).dump());
}

struct Told {
  std::vector<int> epochs;
  std::vector<std::string> warnings;
  TrialHooks hooks() {
    return {.on_epoch = [this](const EpochRecord& e) { epochs.push_back(e.epoch); },
            .on_warning = [this](const std::string& line) { warnings.push_back(line); }};
  }
};

class RunTrial : public testing::Test {
 protected:
  TempFolder folder_;
  DataCache cache_;
};

TEST_F(RunTrial, TheTestSetIsScoredOnlyWhereItIsAskedFor) {
  TrialSpec spec = tiny_spec({"training.epochs=1"});
  EXPECT_FALSE(run_trial(spec, cache_, {}).test);
  spec.score_test = true;
  const TrialReport report = run_trial(spec, cache_, {});
  ASSERT_TRUE(report.test);
  EXPECT_GT(report.test->windows, 0);
  EXPECT_EQ(report.test->confusion.size(), 16u);
}

class StagedTraining : public RunTrial {
 protected:
  StagedTraining() {
    spec_ = tiny_spec();
    spec_.checkpoint = folder_.path() + "/trial-1";
    spec_.stages = {2};
    spec_.may_go_on = true;
  }
  // The next stage.
  void go_on(int epochs) {
    spec_.stages.push_back(epochs);
    spec_.may_go_on = false;
  }
  std::string end() const { return end_file(spec_.checkpoint, 2); }
  std::string under_way() const { return under_way_file(spec_.checkpoint, 6); }

  TrialSpec spec_;
  Told told_;
};

TEST_F(StagedTraining, GoesOnWhereTheStageBeforeEnded) {
  ASSERT_EQ(run_trial(spec_, cache_, {}).failure, "");
  go_on(6);
  const TrialReport report = run_trial(spec_, cache_, told_.hooks());
  EXPECT_EQ(report.failure, "");
  EXPECT_THAT(told_.epochs, ElementsAre(3, 4, 5, 6));
  EXPECT_EQ(report.epochs.size(), 6u);
  EXPECT_THAT(told_.warnings, ElementsAre());
}

TEST_F(StagedTraining, WhatIsGoneIsTrainedAgainToTheSameBytes) {
  const TrialReport rung = run_trial(spec_, cache_, {});
  go_on(6);
  const TrialReport expected = run_trial(spec_, cache_, {});
  EXPECT_NE(hash(*expected.model), hash(*rung.model));
  std::filesystem::remove(end());
  EXPECT_EQ(hash(*run_trial(spec_, cache_, told_.hooks()).model), hash(*expected.model));
  EXPECT_THAT(told_.epochs, ElementsAre(1, 2, 3, 4, 5, 6));
  spec_.checkpoint.clear();
  EXPECT_EQ(hash(*run_trial(spec_, cache_, {}).model), hash(*expected.model));
  spec_.stages = {6};
  EXPECT_NE(hash(*run_trial(spec_, cache_, {}).model), hash(*expected.model));  // one schedule, not two
}

TEST_F(StagedTraining, AStateUnderWayIsTakenBeforeTheEndOfAnEarlierStage) {
  run_trial(spec_, cache_, {});
  go_on(6);
  spec_.checkpoint_seconds = 0.0;
  const TrialReport expected = run_trial(spec_, cache_, {});  // leaves the state after epoch 6
  EXPECT_EQ(hash(*run_trial(spec_, cache_, told_.hooks()).model), hash(*expected.model));
  EXPECT_THAT(told_.epochs, ElementsAre());
}

TEST_F(StagedTraining, ADamagedStateIsSaidOnceAndTrainedAgain) {
  run_trial(spec_, cache_, {});
  go_on(6);
  const TrialReport expected = run_trial(spec_, cache_, {});
  folder_.write("trial-1-e6.part", "BWCKPT\n and then nonsense");
  EXPECT_EQ(hash(*run_trial(spec_, cache_, told_.hooks()).model), hash(*expected.model));
  EXPECT_THAT(told_.warnings, ElementsAre(testing::AllOf(HasSubstr(under_way()), HasSubstr("; it is trained again"))));
  EXPECT_THAT(told_.epochs, ElementsAre(3, 4, 5, 6));
}

TEST_F(StagedTraining, TheStateOfAnotherTrainingIsNoStart) {
  run_trial(spec_, cache_, {});
  go_on(6);
  ++spec_.seed;
  EXPECT_EQ(run_trial(spec_, cache_, told_.hooks()).failure, "");
  EXPECT_EQ(told_.warnings.size(), 1u);
  EXPECT_THAT(told_.epochs, ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(RunTrial, ACheckpointThatTheDiskRefusesIsNoFailureOfTheCandidate) {
  TrialSpec spec = tiny_spec({"training.epochs=2"});
  spec.checkpoint = folder_.path() + "/no/such/folder/trial-1";
  spec.checkpoint_seconds = 0.0;
  EXPECT_THROW(run_trial(spec, cache_, {}), StoreError);
}

TEST_F(RunTrial, AFloatTwinIsTrainedOnceAndQuantizedFromItsFile) {
  TrialSpec spec = tiny_spec({"training.epochs=3"});
  spec.network = float_twin(tiny_network());
  spec.keep_parameters = folder_.path() + "/float.json";
  const TrialReport trained = run_trial(spec, cache_, {});
  ASSERT_EQ(trained.failure, "");
  spec.keep_parameters.clear();
  spec.parent = folder_.path() + "/float.json";
  spec.post_training = PostTrainingOptions{};
  Told told;
  const TrialReport quantized = run_trial(spec, cache_, told.hooks());
  ASSERT_EQ(quantized.failure, "");
  EXPECT_THAT(told.epochs, ElementsAre());
  EXPECT_EQ(quantized.model->network.layers[0].weights, Format::kInt8);
  EXPECT_NEAR(quantized.metrics.accuracy, trained.metrics.accuracy, 0.1);
}

TEST_F(RunTrial, ChildrenStartFromWhatTheirParentLearnt) {
  TrialSpec spec = tiny_spec({"training.epochs=4"});
  spec.keep_parameters = folder_.path() + "/parent.json";
  run_trial(spec, cache_, {});
  TrialSpec child = tiny_spec({"training.epochs=1"});
  const TrialReport alone = run_trial(child, cache_, {});
  child.parent = spec.keep_parameters;
  EXPECT_LT(run_trial(child, cache_, {}).epochs[0].train_loss, alone.epochs[0].train_loss);
}

// ---- the program bitwright-trial, killed

Trial tiny_trial(int attempt) {
  Trial trial;
  trial.number = 1;
  trial.attempt = attempt;
  trial.seed = 3;
  trial.candidate.network = tiny_network();
  return trial;
}

TrialResult wait(LocalExecutor& executor) {
  for (int i = 0; i < 600; ++i)
    if (auto result = executor.wait(0.2)) return *result;
  ADD_FAILURE() << "no result in two minutes";
  return {};
}

TEST_F(RunTrial, ATrainingKilledInTheMiddleEndsAsIfItHadNotBeen) {
  const std::vector<std::string> overrides = {"training.epochs=40"};
  TrialSpec undisturbed = tiny_spec(overrides);
  const std::string expected = nlohmann::json(*run_trial(undisturbed, cache_, {}).model).dump();
  LocalExecutor executor({.program = BITWRIGHT_BINARY_DIR "/bitwright-trial",
                          .work_folder = folder_.path() + "/work",
                          .checkpoint_folder = folder_.path() + "/checkpoints",
                          .config_json = config(overrides),
                          .recipe = study_from_json(config(overrides)).recipe,
                          .spec = {.checkpoint_seconds = 0.0}});
  executor.submit(tiny_trial(1));
  while (!std::filesystem::exists(folder_.path() + "/checkpoints/trial-1-e40.part")) ASSERT_FALSE(executor.wait(0.005));
  ::kill(executor.worker_pids().at(0), SIGKILL);
  EXPECT_THAT(wait(executor).failure, HasSubstr("killed by signal 9"));
  executor.take_epochs();
  executor.submit(tiny_trial(2));
  const TrialResult result = wait(executor);
  EXPECT_EQ(result.failure, "");
  EXPECT_EQ(result.epochs.size(), 40u);
  EXPECT_GT(executor.take_epochs().front().record.epoch, 1);  // it went on
  ASSERT_EQ(result.artifacts.size(), 1u);
  EXPECT_EQ(sha256_hex(result.artifacts[0].content), sha256_hex(expected));
}

}  // namespace
}  // namespace bitwright

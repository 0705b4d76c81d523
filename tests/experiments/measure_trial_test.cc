// Packages of a study's networks, compiled and emulated: what the search hears of them.
// SPDX-License-Identifier: Apache-2.0
#include "experiments/measure_trial.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/load_study.h"
#include "core/io/model_json.h"
#include "deploy/cross_target.h"
#include "experiments/calibrate/drawn_weights.h"
#include "experiments/profile_tiers.h"
#include "experiments/store_replay.h"
#include "experiments/study_session.h"
#include "experiments/training_request.h"
#include "search/pareto.h"
#include "tests/experiments/tiny_study.h"
#include "tests/search/small_space.h"

namespace bitwright {
namespace {

using testing::HasSubstr;

const std::string kSpace =
    "space:\n"
    "  block: {channels: [2, 4, 8, 16], kernel: [4, 8], stride: [2, 4], weights: [binary, int4, int8],\n"
    "          activations: [binary, uint4]}\n"
    "  head: [global_pool_dense]\n";

Study study_of(const std::vector<std::string>& overrides) {
  return study_from_yaml(kTinyHead + kSpace, "tiny.yaml", overrides);
}

Trial trial_of(const Network& network) {
  Trial trial;
  trial.candidate.network = network;
  return trial;
}

std::vector<Artifact> trained(const Network& network) {
  return {{"model", nlohmann::json(with_random_weights(network, 3)).dump()}};
}

TEST(MeasureTrial, SaysWhatProfileSaysOfTheSameModelOnEveryBoard) {
  const Study study = study_of({"search.measure=emulated", "board=[nucleo-f411re, nucleo-g071rb]"});
  const Network network = network_argument("bearing_small");
  const Measurement measurement = measure_trial(study, trial_of(network), trained(network));
  EXPECT_EQ(measurement.failure, "");
  ASSERT_EQ(measurement.boards.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    ProfileInput input;
    input.network = network;
    input.model = with_random_weights(network, 3);
    const Board board = boards_of(study)[i];
    const NetworkProfile p = profile_network(input, {.board = board, .tier = Tier::kEmulated});
    const BoardCosts& taken = measurement.boards[i];
    EXPECT_EQ(taken.board, board.name);
    EXPECT_EQ(taken.costs.at("flash"), static_cast<double>(p.flash_bytes()));
    EXPECT_EQ(taken.costs.at("ram"), static_cast<double>(p.ram_bytes()));
    EXPECT_EQ(taken.costs.at("latency"), p.latency_us);
    EXPECT_EQ(taken.costs.contains("energy"), p.energy_uj > 0.0);  // of a board whose file gives the current
    if (p.energy_uj > 0.0) {
      EXPECT_EQ(taken.costs.at("energy"), p.energy_uj);
    }
    EXPECT_FALSE(taken.costs.contains("average_power"));  // without a duty cycle
  }
}

TEST(MeasureTrial, OfALinkedPackageKnowsBytesAlone) {
  const Study study = study_of({"search.measure=linked"});
  const Network network = network_argument("bearing_small");
  const Measurement measurement = measure_trial(study, trial_of(network), trained(network));
  ASSERT_EQ(measurement.boards.size(), 1u);
  EXPECT_EQ(measurement.boards[0].costs.size(), 2u);
  EXPECT_GT(measurement.boards[0].costs.at("flash"), 1000.0);
}

TEST(MeasureTrial, WhatCannotBeMeasuredIsTheTrialsFailureInALine) {
  const Study study = study_of({"search.measure=linked"});
  const Trial trial = trial_of(network_argument("bearing_small"));
  EXPECT_EQ(measure_trial(study, trial, {}).failure, "its package could not be measured: there is no trained model");
  EXPECT_THAT(measure_trial(study, trial, {{"model", "{}"}}).failure,
              testing::StartsWith("its package could not be measured: trial 0 of tiny: "));
}

// PATH without the programs.
class Toolless {
 public:
  Toolless() : path_(std::getenv("PATH")) { setenv("PATH", "/nowhere", 1); }
  ~Toolless() { setenv("PATH", path_.c_str(), 1); }

 private:
  std::string path_;
};

TEST(MeasureTrial, AMissingProgramIsAnErrorBeforeTheSearch) {
  EXPECT_NO_THROW(check_can_measure(study_of({"search.measure=emulated"})));
  const Toolless toolless;
  EXPECT_NO_THROW(check_can_measure(study_of({})));
  try {
    check_can_measure(study_of({"search.measure=linked"}));
    ADD_FAILURE() << "no error";
  } catch (const ToolError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::StartsWith("search.measure = linked: arm-none-eabi-gcc"),
                                             HasSubstr("gcc-arm-none-eabi")));
  }
}

TEST(MeasureTrial, ACoreWithoutCompilerAndEmulatorIsAnErrorOfTheStudy) {
  try {
    check_can_measure(study_of({"search.measure=linked", "board=nucleo-f031k6"}));
    ADD_FAILURE() << "no error";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "tiny.yaml: search.measure = linked: there is no compiler and emulator for cortex-m0, the core "
                 "of nucleo-f031k6");
  }
}

// Trains nothing: weights are drawn.
class DrawingExecutor : public ToyExecutor {
 protected:
  TrialResult result_of(const Trial& trial) override {
    TrialResult result = ToyExecutor::result_of(trial);
    result.artifacts = trained(trial.candidate.network);
    return result;
  }
};

TEST(MeasureTrial, ASearchKeepsToWhatItsPackagesTakeAndIsReplayed) {
  const Study study = study_of({"search.measure=emulated", "search.trials=12", "search.sampler=evolution",
                                "search.population=4", "search.tournament=2", "limits.latency=2 ms"});
  const TemporaryFolder folder;
  const std::string path = folder.file("tiny.db");
  const SearchSpace space(study.space, {600, 1, 1}, Format::kInt8, 4, study.name);
  {
    const CandidateRules rules = rules_of(study);
    const auto sampler = make_sampler(study.search, space, goals_of(study), rules, 100);
    TrialStore store = TrialStore::create_or_open(path, study_record(study, {}));
    DrawingExecutor executor;
    StudyHooks hooks;
    hooks.measure = [&](const Trial& trial, const auto& artifacts) { return measure_trial(study, trial, artifacts); };
    run_study(study, space, *sampler, executor, store, rules, hooks);
  }
  const TrialStore store = TrialStore::open_read_only(path);
  int measured = 0;
  for (const Trial& trial : store.trials()) {
    if (trial.measured.empty()) continue;
    ++measured;
    EXPECT_THAT(trial.state, testing::AnyOf(TrialState::kComplete, TrialState::kInfeasible));
    const MeasuredCost& flash = trial.measured.at("flash");
    EXPECT_EQ(flash.board, study.board.name);
    EXPECT_EQ(flash.estimated, static_cast<double>(trial.estimates.flash_bytes));
    EXPECT_NEAR(flash.measured / flash.estimated, 1.0, 0.02);
    EXPECT_EQ(trial.measured.at("latency").measured > 2000.0, trial.state == TrialState::kInfeasible) << trial.number;
  }
  EXPECT_GT(measured, 0);
  for (const FrontPoint& point : front_of(store)) EXPECT_FALSE(point.trial.measured.empty());
  EXPECT_EQ(replay_text(replay_store(store)), "12 of 12 proposals equal\n");
}

}  // namespace
}  // namespace bitwright

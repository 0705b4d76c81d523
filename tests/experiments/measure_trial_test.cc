// Packages of a study's networks, compiled and emulated: what the search hears of them.
// SPDX-License-Identifier: Apache-2.0
#include "experiments/measure_trial.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/error.h"
#include "core/io/load_study.h"
#include "core/io/model_json.h"
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

// ---- where the machine is at fault ----

class Variable {
 public:
  Variable(std::string name, const std::string& value) : name_(std::move(name)) {
    if (const char* before = std::getenv(name_.c_str())) before_ = before;
    setenv(name_.c_str(), value.c_str(), 1);
  }
  ~Variable() { before_ ? setenv(name_.c_str(), before_->c_str(), 1) : unsetenv(name_.c_str()); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  std::string name_;
  std::optional<std::string> before_;
};

// A folder of links to the Arm compiler and what comes with it, to be the PATH.
class CompilerAlone {
 public:
  CompilerAlone() {
    for (const auto& file : std::filesystem::directory_iterator("/usr/bin"))
      if (const std::string name = file.path().filename(); name.starts_with("arm-none-eabi-"))
        std::filesystem::create_symlink(file.path(), folder_.file(name));
  }
  std::string path() const { return folder_.file(""); }
  // A compiler that says this and fails.
  void replace_compiler(const std::string& text) const {
    const std::string compiler = folder_.file("arm-none-eabi-gcc");
    std::filesystem::remove(compiler);
    std::ofstream(compiler) << "#!/bin/sh\nprintf '" << text << "' >&2\nexit 1\n";
    std::filesystem::permissions(compiler, std::filesystem::perms::owner_all);
  }

 private:
  TemporaryFolder folder_;
};

std::string config_error(const Study& study) {
  try {
    check_can_measure(study);
    return "no error";
  } catch (const ConfigError& error) {
    return error.what();
  }
}

TEST(MeasureTrial, AMissingProgramIsAnErrorBeforeTheSearch) {
  EXPECT_NO_THROW(check_can_measure(study_of({"search.measure=emulated"})));
  const Variable toolless("PATH", "/nowhere");
  EXPECT_NO_THROW(check_can_measure(study_of({})));
  EXPECT_EQ(config_error(study_of({"search.measure=linked"})),
            "tiny.yaml: search.measure = linked: arm-none-eabi-gcc is not installed: it is in the Debian package "
            "gcc-arm-none-eabi");
}

TEST(MeasureTrial, LinkedPackagesTakeNoEmulator) {
  const CompilerAlone tools;
  const Variable path("PATH", tools.path());
  const Study study = study_of({"search.measure=linked"});
  EXPECT_EQ(config_error(study), "no error");
  const Network network = network_argument("bearing_small");
  EXPECT_EQ(measure_trial(study, trial_of(network), trained(network)).failure, "");
  EXPECT_THAT(config_error(study_of({"search.measure=emulated"})),
              testing::StartsWith("tiny.yaml: search.measure = emulated: qemu-system-arm is not installed"));
}

TEST(MeasureTrial, WhatPackagesCannotBeBuiltOrRunWithIsAnErrorBeforeTheSearch) {
  const TemporaryFolder folder;
  const Study emulated = study_of({"search.measure=emulated"});
  {
    const Variable cache("XDG_CACHE_HOME", "/dev/null/cache");
    EXPECT_THAT(config_error(emulated), testing::AllOf(testing::StartsWith("tiny.yaml: search.measure = emulated: "),
                                                       HasSubstr("/dev/null/cache")));
  }
  {
    const CompilerAlone tools;
    std::filesystem::create_symlink("/usr/bin/qemu-system-arm", tools.path() + "qemu-system-arm");
    const Variable cache("XDG_CACHE_HOME", folder.file("cache")), path("PATH", tools.path());
    EXPECT_EQ(config_error(emulated),
              "tiny.yaml: search.measure = emulated: cc is not installed: it is in the Debian package gcc");
  }
  {
    const Variable temporary("TMPDIR", "/nowhere");
    EXPECT_THAT(config_error(emulated), HasSubstr("/nowhere"));
  }
  const CompilerAlone tools;
  tools.replace_compiler("In file included from tiny.c:1:\\ntiny.c:7: error: no licence\\ncompilation ended\\n");
  const Variable path("PATH", tools.path());
  EXPECT_EQ(config_error(study_of({"search.measure=linked"})),
            "tiny.yaml: search.measure = linked: arm-none-eabi-gcc: failed: tiny.c:7: error: no licence");
}

TEST(MeasureTrial, AFaultOfTheMachineEndsTheSearchAndNotTheTrial) {
  const Network network = network_argument("bearing_small");
  const Study study = study_of({"search.measure=linked"});
  const Variable temporary("TMPDIR", "/nowhere");
  try {
    measure_trial(study, trial_of(network), trained(network));
    ADD_FAILURE() << "no error";
  } catch (const StoreError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::StartsWith("search.measure = linked: "), HasSubstr("/nowhere"),
                                             HasSubstr("trial 0 is RUNNING still, and the same command goes on")));
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
  int refused = 0;
  for (const Trial& trial : store.trials()) {
    if (trial.measured.empty()) continue;
    refused += trial.state == TrialState::kInfeasible;
    EXPECT_THAT(trial.state, testing::AnyOf(TrialState::kComplete, TrialState::kInfeasible));
    const MeasuredCost& flash = trial.measured.at("flash").at(study.board.name);
    EXPECT_EQ(flash.estimated, static_cast<double>(trial.estimates.flash_bytes));
    EXPECT_NEAR(flash.measured / flash.estimated, 1.0, 0.02);
    EXPECT_EQ(trial.measured.at("latency").at(study.board.name).measured > 2000.0,
              trial.state == TrialState::kInfeasible)
        << trial.number;
  }
  EXPECT_GT(refused, 0);
  EXPECT_FALSE(front_of(store).empty());
  for (const FrontPoint& point : front_of(store)) EXPECT_FALSE(point.trial.measured.empty());
  EXPECT_EQ(replay_text(replay_store(store)), "12 of 12 proposals equal\n");
}

}  // namespace
}  // namespace bitwright

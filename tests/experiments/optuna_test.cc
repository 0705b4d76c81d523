// What Optuna makes of a store, and of the log that the program writes for it: the same study.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "deploy/process.h"
#include "experiments/trial_list.h"
#include "search/hypervolume.h"
#include "tests/experiments/trained_study.h"

namespace bitwright {
namespace {

const ObjectiveVector kReference = {0.4, 30'000.0};  // error, bytes of flash

class Optuna : public testing::Test {
 protected:
  void SetUp() override {
    if (!run_process({"/usr/bin/python3", "-c", "import optuna"}).ok())
      GTEST_SKIP() << "no Optuna: apt-get install python3-optuna";
  }

  // The store of a study while its search holds it: one trial runs, one failed, one stopped at a rung.
  static TrialStore& searched(TrainedStudy& study) {
    TrialStore& store = study.writable();
    const SearchSpace space(wide_study({}).space, {600, 1, 1}, Format::kInt8, 4, "tiny");
    Rng rng(99);
    for (const TrialState state : {TrialState::kFailed, TrialState::kStopped, TrialState::kRunning}) {
      Trial trial;
      do trial.candidate = space.sample(rng);
      while (store.contains(trial.candidate.hash));
      trial.fidelity = state == TrialState::kStopped ? 0.1 : 1.0;
      trial = store.begin(std::move(trial));
      if (state == TrialState::kRunning) break;
      trial.state = state;
      trial.failure = state == TrialState::kFailed ? "loss is not finite at epoch 3" : "";
      trial.metrics.accuracy = 0.99;
      store.finish(trial);
    }
    return store;
  }

  static nlohmann::json read(const std::string& url) {
    const ProcessResult run = run_process({BITWRIGHT_SOURCE_DIR "/tests/experiments/read_by_optuna.py", url,
                                           fmt::format("{}", kReference[0]), fmt::format("{}", kReference[1])});
    EXPECT_TRUE(run.ok()) << run.errors;
    return nlohmann::json::parse(run.output);
  }

  static void expect_the_study(const nlohmann::json& seen, const TrialStore& store) {
    const Goals goals = goals_of(wide_study({}));
    EXPECT_EQ(seen["name"], "tiny");
    EXPECT_EQ(seen["directions"], (nlohmann::json{"MINIMIZE", "MINIMIZE"}));
    const std::map<TrialState, std::string> states = {{TrialState::kComplete, "COMPLETE"},
                                                      {TrialState::kStopped, "PRUNED"},
                                                      {TrialState::kFailed, "FAIL"},
                                                      {TrialState::kRunning, "RUNNING"}};
    const std::vector<Trial> trials = store.trials();
    ASSERT_EQ(seen["states"].size(), trials.size());
    for (const Trial& trial : trials) {
      const std::string number = std::to_string(trial.number);
      EXPECT_EQ(seen["states"][number], states.at(trial.state));
      EXPECT_EQ(seen["parameters"][number], nlohmann::json(trial.candidate.parameters));
      EXPECT_EQ(seen["epochs"][number], trial.epochs.size());
      if (trial.state == TrialState::kComplete) {
        EXPECT_EQ(seen["values"][number], nlohmann::json(objective_values(trial, goals)));
      } else {
        EXPECT_FALSE(seen["values"].contains(number));
      }
    }
    std::vector<int64_t> front;
    std::vector<ObjectiveVector> points;
    for (const size_t i : pareto_front(trials, goals)) {
      front.push_back(trials[i].number);
      points.push_back(objective_values(trials[i], goals));
    }
    std::ranges::sort(front);
    EXPECT_GE(front.size(), 3u);
    EXPECT_EQ(seen["front"], nlohmann::json(front));
    const double ours = hypervolume(points, kReference);
    EXPECT_NEAR(seen["hypervolume"], ours, 1e-9 * ours);
    EXPECT_EQ(seen["attributes"]["estimate.flash_bytes"], trials[0].estimates.flash_bytes);
    EXPECT_NEAR(seen["attributes"]["validation.accuracy"], trials[0].metrics.accuracy, 1e-12);
  }
};

TEST_F(Optuna, ReadsAStoreWhileItsSearchHoldsItAndLeavesItAsItIs) {
  TrainedStudy study({});
  TrialStore& store = searched(study);
  expect_the_study(read("sqlite:///" + study.path()), store);
  EXPECT_EQ(store.integrity(), "");
  TrialStore::open_read_only(study.path());  // its tables are ours and no others
}

// The flash of a network follows from its parameters, so that these explain it, whichever way Optuna came by them.
TEST_F(Optuna, WeighsTheParametersOfAStudy) {
  TrainedStudy study({});
  study.folder().write("tiny.log", trials_optuna_journal(study.store().trials(), wide_study({})));
  const nlohmann::json weights = read("sqlite:///" + study.path())["importances"];
  if (weights.is_null()) GTEST_SKIP() << "no scikit-learn: apt-get install python3-sklearn";
  double sum = 0.0;
  for (const auto& [name, weight] : weights.items()) {
    EXPECT_TRUE(study.store().trial(0).candidate.parameters.contains(name)) << name;
    sum += weight.get<double>();
  }
  EXPECT_NEAR(sum, 1.0, 1e-9);
  EXPECT_GT(weights["head"].get<double>(), weights["block1.kernel"].get<double>());
  EXPECT_EQ(read("journal:" + study.folder().path() + "/tiny.log")["importances"], weights);
}

TEST_F(Optuna, ReadsTheLogOfAStudy) {
  TrainedStudy study({});
  const TrialStore& store = searched(study);
  const std::string log = study.folder().path() + "/tiny.log";
  study.folder().write("tiny.log", trials_optuna_journal(store.trials(), wide_study({})));
  expect_the_study(read("journal:" + log), store);
}

}  // namespace
}  // namespace bitwright

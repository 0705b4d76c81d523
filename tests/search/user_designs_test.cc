// SPDX-License-Identifier: Apache-2.0
#include "search/user_designs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "search/replay.h"
#include "tests/io/temp_folder.h"
#include "tests/search/small_space.h"

namespace bitwright {
namespace {

using testing::ElementsAre;

constexpr int64_t kMaxFlash = 500;

using Design = std::map<std::string, std::string>;

Design design_of(const std::string& channels, const std::string& weights = "int4") {
  return {{"blocks", "1"},
          {"block1.kind", "conv"},
          {"block1.channels", channels},
          {"block1.kernel", "5"},
          {"block1.stride", "1"},
          {"block1.pool", "1"},
          {"block1.weights", weights},
          {"block1.activations", "int8"},
          {"head", "global_pool_dense"},
          {"head_weights", "int8"}};
}

TEST(UserDesigns, PassesOverWhatBreaksALimitAndWhatIsThereAlready) {
  const SearchSpace space = space_of(large_spec());
  const UserDesigns user = user_designs({design_of("8"), design_of("64", "int8"), design_of("8"), design_of("4")},
                                        space, toy_rules(kMaxFlash));
  ASSERT_EQ(user.candidates.size(), 2u);
  EXPECT_EQ(user.candidates[0].parameters, design_of("8"));
  EXPECT_EQ(user.candidates[1].parameters, design_of("4"));
  EXPECT_THAT(user.warnings, ElementsAre("search.designs[1] is passed over: flash too large",
                                         "search.designs[2] is passed over: the network of search.designs[0]"));
}

TEST(UserDesigns, NeedAValueForWhateverIsActive) {
  Design design = design_of("8");
  design.erase("block1.kernel");
  EXPECT_EQ(error_of<ConfigError>([&] { user_designs({design}, space_of(large_spec()), toy_rules()); }),
            "block1.kernel: has no value");
}

class EverySamplersUserDesigns : public testing::TestWithParam<const char*> {
 protected:
  Study study() const {
    Study study = toy_study(14, GetParam(), 3);
    study.search.designs = {design_of("8"), design_of("64", "int8"), design_of("16", "ternary"), design_of("2")};
    return study;
  }
  std::unique_ptr<Sampler> sampler() const {
    return make_sampler(study().search, space_of(large_spec()), goals_of(study()), toy_rules(kMaxFlash));
  }
  void run(TrialStore& store, int lanes, const StudyHooks& hooks = {}) const {
    ToyExecutor executor(lanes);
    const auto fresh = sampler();
    run_study(study(), space_of(large_spec()), *fresh, executor, store, toy_rules(kMaxFlash), hooks);
  }
};

TEST_P(EverySamplersUserDesigns, AreProposedFirstInOrderAndOnce) {
  const TemporaryFolder folder;
  TrialStore store = TrialStore::create_or_open(folder.file("study.db"), toy_record(study()));
  run(store, 1);
  const std::vector<Trial> trials = store.trials();
  ASSERT_EQ(trials.size(), 14u);
  EXPECT_EQ(trials[0].candidate.parameters, design_of("8"));
  EXPECT_EQ(trials[1].candidate.parameters, design_of("16", "ternary"));
  EXPECT_EQ(trials[2].candidate.parameters, design_of("2"));
  for (size_t i = 0; i < trials.size(); ++i) EXPECT_EQ(trials[i].provenance.source == "user", i < 3) << i;
}

// Of which the first is measured to take half more, so that margins alone would forbid the second.
TEST_P(EverySamplersUserDesigns, AreProposedWhateverMarginsHaveGrownTo) {
  Study study = this->study();
  study.search.trials = 4;
  study.search.designs = {design_of("8"), design_of("16", "ternary")};
  const int64_t flash = toy_estimates(space_of(large_spec()).decode(design_of("16", "ternary")).network).flash_bytes;
  CandidateRules rules = toy_rules(flash + flash / 4);
  rules.margins = std::make_shared<CostMargins>();
  StudyHooks hooks;
  hooks.measure = [](const Trial& trial, const auto&) {
    return Measurement{{{"toy", {{"flash", 1.5 * static_cast<double>(trial.estimates.flash_bytes)}}}}, ""};
  };
  const TemporaryFolder folder;
  TrialStore store = TrialStore::create_or_open(folder.file("study.db"), toy_record(study));
  const auto fresh = [&] { return make_sampler(study.search, space_of(large_spec()), goals_of(study), rules); };
  ToyExecutor executor;
  run_study(study, space_of(large_spec()), *fresh(), executor, store, rules, hooks);
  const std::vector<Trial> trials = store.trials();
  ASSERT_GE(trials.size(), 2u);
  EXPECT_EQ(trials[1].candidate.parameters, design_of("16", "ternary"));
  EXPECT_EQ(trials[1].source, "user");
  rules.margins = std::make_shared<CostMargins>();
  EXPECT_EQ(replay_study(*fresh(), rules, store).equal(), store.size());
}

// Stopped with two of them under way, and taken up.
TEST_P(EverySamplersUserDesigns, AreReplayedWithTwoUnderWay) {
  const TemporaryFolder folder;
  TrialStore store = TrialStore::create_or_open(folder.file("study.db"), toy_record(study()));
  int64_t started = 0;
  StudyHooks hooks;
  hooks.on_start = [&](const Trial&) { ++started; };
  hooks.stop_request = [&] { return started == 2 ? StopRequest::kNow : StopRequest::kNone; };
  run(store, 2, hooks);
  ASSERT_EQ(store.size(), 2);
  run(store, 2);
  EXPECT_EQ(store.trial(2).provenance.source, "user");
  EXPECT_EQ(replay_study(*sampler(), toy_rules(kMaxFlash), store).equal(), 14);
}

INSTANTIATE_TEST_SUITE_P(Samplers, EverySamplersUserDesigns, testing::ValuesIn(kSamplers),
                         [](const auto& tested) { return std::string(tested.param); });

}  // namespace
}  // namespace bitwright

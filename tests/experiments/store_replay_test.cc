// SPDX-License-Identifier: Apache-2.0
#include "experiments/store_replay.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/io/load_data.h"
#include "core/io/load_study.h"
#include "experiments/earlier_studies.h"
#include "experiments/study_session.h"
#include "experiments/version.h"
#include "tests/experiments/tiny_study.h"
#include "tests/io/temp_folder.h"
#include "tests/search/small_space.h"

namespace bitwright {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// The study is a real one, its boards, limits and space; only its trainings are toys.
TEST(StoreReplay, NeedsNothingButTheStore) {
  const TemporaryFolder folder;
  const Study study = study_from_yaml(
      kTinyHead +
          "limits: {flash: 12 KiB}\n"
          "space:\n"
          "  block: {channels: [2, 4, 8, 16], kernel: [4, 8], stride: [1, 4], weights: [binary, int4, int8],\n"
          "          activations: [binary, int4]}\n"
          "search: {sampler: bayesian, trials: 14, seed: 3}\n",
      "tiny.yaml");
  const TrainingData data = load_training_data(study);
  {
    const SearchSpace space = space_of(study, data.train);
    const CandidateRules rules = rules_of(study);
    const auto sampler = make_sampler(study.search, space, goals_of(study), rules, data.validation.size());
    TrialStore store = TrialStore::create_or_open(folder.file("tiny.db"), study_record(study, data));
    ToyExecutor executor(4, data.validation.size());
    run_study(study, space, *sampler, executor, store, rules);
  }
  const TrialStore store = TrialStore::open_read_only(folder.file("tiny.db"));
  EXPECT_EQ(replay_text(replay_store(store)), "14 of 14 proposals equal\n");
  EXPECT_THAT(replay_notes(store.study(), store.trials(), build_provenance()), IsEmpty());
  EXPECT_EQ(store.trials().back().provenance.source, "model");
}

// The same space for half of the flash, begun with what the first study found; its file then goes.
TEST(StoreReplay, NeedsNoFileOfAnEarlierStudy) {
  const TemporaryFolder folder;
  const auto study_of = [&](const std::string& name, const std::string& limits, const std::string& search) {
    return study_from_yaml(kTinyHead + "limits: " + limits +
                               "\nspace:\n"
                               "  block: {channels: [2, 4, 8, 16], kernel: [4, 8], stride: [1, 4],\n"
                               "          weights: [binary, int4, int8], activations: [binary, int4]}\n"
                               "search: " +
                               search + "\n",
                           folder.file(name));
  };
  const auto run = [&](const Study& study, const std::string& path) {
    const TrainingData data = load_training_data(study);
    const SearchSpace space = space_of(study, data.train);
    TrialStore store = TrialStore::create_or_open(path, study_record(study, data));
    store.set_earlier(earlier_studies(study, space));
    const auto sampler =
        make_sampler(study.search, space, goals_of(study), rules_of(study), data.validation.size(), store.earlier());
    ToyExecutor executor(4, data.validation.size());
    run_study(study, space, *sampler, executor, store, rules_of(study));
  };
  run(study_of("first.yaml", "{flash: 24 KiB}", "{sampler: random, trials: 20}"), folder.file("first.bw.db"));
  const Study second =
      study_of("second.yaml", "{flash: 12 KiB}", "{sampler: bayesian, trials: 14, seed: 3, warm_start: first.bw.db}");
  run(second, folder.file("second.bw.db"));
  EXPECT_TRUE(std::filesystem::remove(folder.file("first.bw.db")));
  const TrialStore store = TrialStore::open_read_only(folder.file("second.bw.db"));
  EXPECT_EQ(store.trial(0).provenance.source, "earlier");
  EXPECT_EQ(store.earlier().at(0).results.size(), 20u);
  EXPECT_EQ(replay_text(replay_store(store)), "14 of 14 proposals equal\n");
  EXPECT_EQ(error_of<ConfigError>([&] { earlier_studies(second, space_of(second, store.trial(0).candidate.network)); }),
            fmt::format("{}: search.warm_start = {}: there is no such store", folder.file("second.yaml"),
                        folder.file("first.bw.db")));
}

TEST(EarlierWarnings, NameWhatIsOfNoUse) {
  Study study;
  study.search.sampler = "sobol";
  EXPECT_THAT(earlier_warnings(study, {}), IsEmpty());
  EXPECT_THAT(earlier_warnings(study, {{"a.bw.db", "uuid", "a", {}}}),
              ElementsAre("search.warm_start: search.sampler = sobol takes no notice of it",
                          "search.warm_start = a.bw.db: no complete trial is a point of this space"));
}

TEST(ReplayText, CountsInThousandsAndNamesTheFirstTenThatDiffer) {
  EXPECT_EQ(replay_text({.proposals = 1'234'567}), "1,234,567 of 1,234,567 proposals equal\n");
  EXPECT_EQ(replay_text({}), "0 of 0 proposals equal\n");
  Replay replay{.proposals = 1012};
  for (int64_t i = 0; i < 12; ++i) replay.differences.push_back({i, "source a is stored, b is proposed"});
  EXPECT_THAT(replay_text(replay), testing::StartsWith("1,000 of 1,012 proposals equal\n"
                                                       "#0: source a is stored, b is proposed\n"));
  EXPECT_THAT(replay_text(replay), testing::EndsWith("#9: source a is stored, b is proposed\nand 2 more\n"));
}

TEST(ReplayNotes, SayWhatElseMayMakeADifference) {
  StudyRecord study;
  study.provenance = {{"cpu", "one"}};
  Trial old, current;
  old.provenance.code = "0.1.0 aaa";
  current.provenance.code = "0.2.0 bbb";
  const std::map<std::string, std::string> here = {{"version", "0.2.0"}, {"git_commit", "bbb"}, {"cpu", "one"}};
  EXPECT_THAT(replay_notes(study, {current, Trial{}}, here), IsEmpty());
  EXPECT_THAT(replay_notes(study, {old, current}, here),
              ElementsAre("proposed by bitwright 0.1.0 aaa; this is 0.2.0 bbb, which may propose otherwise"));
  study.provenance["cpu"] = "another";
  EXPECT_THAT(replay_notes(study, {current}, here),
              ElementsAre("proposed on another; this is one, whose logarithms may round otherwise"));
}

}  // namespace
}  // namespace bitwright

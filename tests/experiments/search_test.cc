// Whole searches by the built program on the simulator: real training, real kills.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/io/load_data.h"
#include "core/io/load_study.h"
#include "core/io/model_json.h"
#include "core/metrics.h"
#include "core/rng.h"
#include "core/store/trial_store.h"
#include "deploy/process.h"
#include "deploy/reference.h"
#include "tests/experiments/tiny_study.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

const std::string kStudy =
    kTinyHead +
    "limits: {flash: 32 KiB, ram: 16 KiB}\n"
    "space:\n"
    "  min_blocks: 1\n"
    "  max_blocks: 2\n"
    "  block: {channels: [4, 8], kernel: [8], stride: [4, 8], weights: [binary, ternary, int4], activations: [binary, "
    "uint2, uint4]}\n"
    "  head: [global_pool_dense]\n"
    "search: {trials: 6, jobs: 1, population: 4, tournament: 2}\n"
    "training: {epochs: 2}\n";

constexpr std::chrono::minutes kLimit{4};  // a second of work takes a minute on a machine that is busy enough

ProcessResult search(const TempFolder& folder, int trials = 6, std::chrono::milliseconds limit = kLimit) {
  return run_process(
      {BITWRIGHT_BINARY_DIR "/bitwright", "search", "tiny.yaml", "--quiet", fmt::format("search.trials={}", trials)},
      {.directory = folder.path(), .limit = limit});
}

// What must not depend on interruptions: everything but times.
std::vector<std::string> rows(const TempFolder& folder) {
  const TrialStore store = TrialStore::open_read_only(folder.path() + "/tiny.bw.db");
  std::vector<std::string> out;
  for (const Trial& t : store.finished())
    out.push_back(fmt::format("{} {} {} {} {} {}", t.number, trial_state_name(t.state), t.candidate.hash, t.source,
                              t.metrics.accuracy, t.rejected));
  return out;
}

TEST(Search, GoesOnAfterAKillToTheSameRows) {
  constexpr int kTrials = 24;
  const TempFolder whole;
  whole.write("tiny.yaml", kStudy);
  const ProcessResult uninterrupted = search(whole, kTrials);
  ASSERT_EQ(uninterrupted.exit_status, 0) << uninterrupted.errors;
  const auto expected = rows(whole);
  ASSERT_EQ(expected.size(), static_cast<size_t>(kTrials));

  const TempFolder killed;
  killed.write("tiny.yaml", kStudy);
  Rng rng(11);
  int kills = 0;
  for (int attempt = 0; attempt < 4; ++attempt)
    kills += search(killed, kTrials, std::chrono::milliseconds(200 + rng.below(500))).timed_out;
  EXPECT_GT(kills, 0);
  const ProcessResult resumed = search(killed, kTrials);
  ASSERT_EQ(resumed.exit_status, 0) << resumed.errors;
  EXPECT_EQ(rows(killed), expected);
  EXPECT_EQ(TrialStore::open_read_only(killed.path() + "/tiny.bw.db").integrity(), "");
}

TEST(Search, TheStoredAccuracyIsThatOfTheExportedIntegers) {
  const TempFolder folder;
  folder.write("tiny.yaml", kStudy);
  ASSERT_EQ(search(folder).exit_status, 0);
  const ProcessResult exported =
      run_process({BITWRIGHT_BINARY_DIR "/bitwright", "export", "tiny.yaml", "-o", "package", "--vectors", "20"},
                  {.directory = folder.path()});
  ASSERT_EQ(exported.exit_status, 0) << exported.errors;
  const TrialStore store = TrialStore::open_read_only(folder.path() + "/tiny.bw.db");
  const TrainingData data = load_training_data(study_from_json(store.study().config_json));
  for (const Trial& trial : store.finished()) {
    const auto model = read_json<QuantizedModel>(*store.artifact(trial.number, "model"), "model");
    const Metrics metrics = score_outputs(data.validation, reference_outputs(model, data.validation));
    EXPECT_EQ(trial.metrics.accuracy, metrics.accuracy) << trial.number;
  }
  const ProcessResult verified =
      run_process({BITWRIGHT_BINARY_DIR "/bitwright", "verify", "package", "--json"}, {.directory = folder.path()});
  EXPECT_EQ(verified.exit_status, 0) << verified.errors << verified.output;
}

TEST(Search, AFlippedWeightBitIsFoundWhateverTheVectorsShow) {
  const TempFolder folder;
  folder.write("tiny.yaml", kStudy);
  ASSERT_EQ(search(folder).exit_status, 0);
  ASSERT_EQ(run_process({BITWRIGHT_BINARY_DIR "/bitwright", "export", "tiny.yaml", "-o", "package"},
                        {.directory = folder.path()})
                .exit_status,
            0);
  const std::string file = folder.path() + "/package/src/tiny.c";
  std::string text;
  std::getline(std::ifstream(file), text, '\0');
  const size_t digit = text.find("0x", text.find("_weights["));
  ASSERT_NE(digit, std::string::npos);
  text[digit + 2] = text[digit + 2] == '0' ? '1' : '0';
  std::ofstream(file) << text;
  const ProcessResult verified =
      run_process({BITWRIGHT_BINARY_DIR "/bitwright", "verify", "package"}, {.directory = folder.path()});
  EXPECT_EQ(verified.exit_status, 5) << verified.output;
  EXPECT_THAT(verified.output, testing::HasSubstr("changed since export: src/tiny.c"));
}

TEST(Search, TheTestSetIsScoredWhenTheStudyIsFinishedOnly) {
  const TempFolder folder;
  folder.write("tiny.yaml", kStudy);
  const auto scored = [&] {
    const TrialStore store = TrialStore::open_read_only(folder.path() + "/tiny.bw.db");
    int count = 0;
    for (const Trial& trial : store.finished()) count += store.test_metrics(trial.number).has_value();
    return count;
  };
  const ProcessResult cut = run_process(
      {BITWRIGHT_BINARY_DIR "/bitwright", "search", "tiny.yaml", "search.budget=1s", "search.trials=1000", "-q"},
      {.directory = folder.path(), .limit = kLimit});
  ASSERT_EQ(cut.exit_status, 0) << cut.errors;
  EXPECT_EQ(scored(), 0);
  ASSERT_EQ(run_process({BITWRIGHT_BINARY_DIR "/bitwright", "search", "tiny.yaml", "search.budget=1s",
                         "search.trials=1000", "-q", "--finish"},
                        {.directory = folder.path(), .limit = kLimit})
                .exit_status,
            0);
  EXPECT_GT(scored(), 0);
}

TEST(Search, AChangedStudyIsRefusedWithTheDifference) {
  const TempFolder folder;
  folder.write("tiny.yaml", kStudy);
  ASSERT_EQ(search(folder).exit_status, 0);
  const auto before = rows(folder);
  std::string changed = kStudy;
  changed.replace(changed.find("flash: 32 KiB"), 13, "flash: 16 KiB");
  folder.write("tiny.yaml", changed);
  const ProcessResult run = search(folder);
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_THAT(run.errors, testing::HasSubstr("limits.flash: "));
  EXPECT_EQ(rows(folder), before);
}

// The study with this limit in place of its own.
ProcessResult search_within(const TempFolder& folder, const std::string& limit) {
  const std::string own = "flash: 32 KiB";
  std::string study = kStudy;
  study.replace(study.find(own), own.size(), limit);
  folder.write("tiny.yaml", study);
  return search(folder);
}

TEST(Search, ALimitThatNothingMeetsEndsWithCodeThreeAndNamesIt) {
  const TempFolder folder;
  const ProcessResult run = search_within(folder, "flash: 200 B");
  EXPECT_EQ(run.exit_status, 3);
  EXPECT_THAT(run.errors, testing::HasSubstr("flash"));
  EXPECT_THAT(run.errors, testing::HasSubstr("200 B"));
}

TEST(Search, AnAccuracyThatNothingReachesEndsWithCodeThreeAndNamesTheBest) {
  const TempFolder folder;
  const ProcessResult run = search_within(folder, "accuracy: 1");
  EXPECT_EQ(run.exit_status, 3);
  EXPECT_THAT(run.output, testing::HasSubstr("no trial reaches limits.accuracy of 100.00 %\n"));
  EXPECT_THAT(run.errors,
              testing::HasSubstr("\nerror: no trained candidate reaches limits.accuracy of 100.00 %: the best, "));
  const ProcessResult exported =
      run_process({BITWRIGHT_BINARY_DIR "/bitwright", "export", "tiny.yaml"}, {.directory = folder.path()});
  EXPECT_EQ(exported.exit_status, 2);
  EXPECT_EQ(exported.errors,
            "error: no finished trial reaches limits.accuracy of 100.00 %; --trial takes one below it, where there is one\n");
}

}  // namespace
}  // namespace bitwright

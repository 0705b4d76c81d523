// Whole searches by the built program on the simulator: real training, real kills.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/io/load_data.h"
#include "core/io/load_study.h"
#include "core/io/model_json.h"
#include "core/metrics.h"
#include "core/rng.h"
#include "core/store/trial_store.h"
#include "deploy/process.h"
#include "deploy/reference.h"
#include "search/pareto.h"
#include "tests/experiments/tiny_study.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

const std::string kSpace =
    kTinyHead +
    "limits: {flash: 32 KiB, ram: 16 KiB}\n"
    "space:\n"
    "  min_blocks: 1\n"
    "  max_blocks: 2\n"
    "  block: {channels: [4, 8], kernel: [8], stride: [4, 8], weights: [binary, ternary, int4], activations: [binary, "
    "uint2, uint4]}\n"
    "  head: [global_pool_dense]\n";

const std::string kStudy = kSpace +
                           "search: {trials: 6, jobs: 1, population: 4, tournament: 2}\n"
                           "training: {epochs: 2}\n";

const std::string kStudyWithRungs = kSpace +
                                    "search: {sampler: random, trials: 13, rungs: [25 %]}\n"
                                    "training: {epochs: 8, final_learning_rate: 1e-5}\n";

constexpr std::chrono::minutes kLimit{4};  // a second of work takes a minute on a machine that is busy enough

ProcessResult search(const TempFolder& folder, int trials = 6) {
  return run_process(
      {BITWRIGHT_BINARY_DIR "/bitwright", "search", "tiny.yaml", "--quiet", fmt::format("search.trials={}", trials)},
      {.directory = folder.path(), .limit = kLimit});
}

// Kills a search with -9, at any time within 50 ms of when its store holds `results`. Whether that came before its end.
bool kill_search(const TempFolder& folder, int trials, size_t results, Rng& rng) {
  const pid_t child = spawn_process({BITWRIGHT_BINARY_DIR "/bitwright", "search", folder.path() + "/tiny.yaml",
                                     "--quiet", fmt::format("search.trials={}", trials)},
                                    {}, folder.path());
  const std::string path = folder.path() + "/tiny.bw.db";
  const auto stored = [&] {
    try {
      return std::filesystem::exists(path) ? TrialStore::open_read_only(path).results().size() : 0;
    } catch (const StoreError&) {  // it is being made
      return size_t{0};
    }
  };
  int status = 0;
  while (stored() < results && waitpid(child, &status, WNOHANG) == 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  std::this_thread::sleep_for(std::chrono::milliseconds(rng.below(50)));
  ::kill(-child, SIGKILL);
  waitpid(child, &status, 0);
  return WIFSIGNALED(status);
}

// What must not depend on interruptions: everything but times.
std::vector<std::string> rows(const TempFolder& folder) {
  const TrialStore store = TrialStore::open_read_only(folder.path() + "/tiny.bw.db");
  std::vector<std::string> out;
  for (const Trial& t : store.results())
    out.push_back(fmt::format("{} {} {} {} {} {} {}", t.number, trial_state_name(t.state), t.fidelity, t.candidate.hash,
                              t.source, t.metrics.accuracy, t.rejected));
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
  for (int attempt = 0; attempt < 4; ++attempt) kills += kill_search(killed, kTrials, 1 + 5 * attempt, rng);
  EXPECT_GT(kills, 0);
  const ProcessResult resumed = search(killed, kTrials);
  ASSERT_EQ(resumed.exit_status, 0) << resumed.errors;
  EXPECT_EQ(rows(killed), expected);
  EXPECT_EQ(TrialStore::open_read_only(killed.path() + "/tiny.bw.db").integrity(), "");
}

// Also where it was killed in between: what stopped is on disk.
TEST(Search, WhatStoppedAtARungGoesOnFromThereAfterAKillToo) {
  const TempFolder whole, killed;
  whole.write("tiny.yaml", kStudyWithRungs);
  killed.write("tiny.yaml", kStudyWithRungs);
  const ProcessResult uninterrupted = search(whole, 13);
  ASSERT_EQ(uninterrupted.exit_status, 0) << uninterrupted.errors;
  const TrialStore store = TrialStore::open_read_only(whole.path() + "/tiny.bw.db");
  EXPECT_GT(store.stopped().size(), 2u);
  ASSERT_GE(store.continuations().size(), 10u);
  for (const Continuation& continuation : store.continuations()) {
    const std::vector<EpochRecord> epochs = store.trial(continuation.trial).epochs;
    ASSERT_EQ(epochs.size(), 8u);
    EXPECT_NEAR(epochs[1].learning_rate, 1e-5, 1e-6);  // there its training ended
    EXPECT_GT(epochs[2].learning_rate, 1e-4);          // from there it went on
  }
  for (const Trial& trial : store.stopped()) EXPECT_EQ(trial.epochs.size(), 2u);

  Rng rng(12);
  int kills = 0;
  for (int attempt = 0; attempt < 6; ++attempt) kills += kill_search(killed, 13, 1 + 3 * attempt, rng);
  EXPECT_GT(kills, 0);
  const ProcessResult resumed = search(killed, 13);
  ASSERT_EQ(resumed.exit_status, 0) << resumed.errors;
  EXPECT_EQ(rows(killed), rows(whole));
}

ProcessResult bitwright(const TempFolder& folder, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), BITWRIGHT_BINARY_DIR "/bitwright");
  return run_process(arguments, {.directory = folder.path(), .limit = kLimit});
}

TEST(Search, ItsProposalsAreReplayedAndToldByTheProgram) {
  const TempFolder folder;
  folder.write("tiny.yaml", kStudyWithRungs);
  ASSERT_EQ(search(folder, 12).exit_status, 0);
  const std::string path = folder.path() + "/tiny.bw.db";
  const TrialStore store = TrialStore::open_read_only(path);
  const auto proposals = store.trials().size() + store.continuations().size();
  const ProcessResult replayed = bitwright(folder, {"replay", "tiny.yaml"});
  EXPECT_EQ(replayed.exit_status, 0);
  EXPECT_EQ(replayed.output, fmt::format("{0} of {0} proposals equal\n", proposals));
  const std::string history = bitwright(folder, {"history", "tiny.yaml", "--csv"}).output;
  EXPECT_EQ(std::ranges::count(history, '\n'), 1 + std::ssize(store.results()));
  EXPECT_THAT(bitwright(folder, {"show", "tiny.yaml", "0", "--why"}).output,
              testing::AllOf(testing::HasSubstr("random: drawn at random\nwent on to 100 % of the epochs when "),
                             testing::HasSubstr("halving: among the best that stopped there, or one of the first")));
  const std::string stopped = std::to_string(store.stopped().at(0).number);
  EXPECT_THAT(bitwright(folder, {"show", "tiny.yaml", stopped}).output,
              testing::HasSubstr("stopped after 25 % of the epochs; it may go on\n"));

  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, "UPDATE trial SET source = 'user' WHERE number = 3", nullptr, nullptr, nullptr), 0);
  sqlite3_close(database);
  const ProcessResult differs = bitwright(folder, {"replay", "tiny.yaml"});
  EXPECT_EQ(differs.exit_status, 5);
  EXPECT_THAT(differs.output, testing::HasSubstr("#3: source user is stored, random is proposed\n"));
}

// What is on the front was built; what it takes is shown beside its estimate.
TEST(Search, MeasuresWhatComesToTheFrontAndShowsIt) {
  const TempFolder folder;
  folder.write("tiny.yaml", kStudy);
  const ProcessResult done = bitwright(folder, {"search", "tiny.yaml", "search.measure=emulated"});
  ASSERT_EQ(done.exit_status, 0) << done.errors;
  EXPECT_THAT(done.errors, testing::HasSubstr("note: limits on flash are kept with "));
  const TrialStore store = TrialStore::open_read_only(folder.path() + "/tiny.bw.db");
  const std::vector<Trial> trials = store.finished();
  const auto front = pareto_front(trials, goals_of(study_from_json(store.study().config_json)));
  ASSERT_FALSE(front.empty());
  for (const size_t i : front) EXPECT_EQ(trials[i].measured.count("latency"), 1u);
  const std::string number = std::to_string(trials[front[0]].number);
  EXPECT_THAT(bitwright(folder, {"show", "tiny.yaml", number}).output,
              testing::ContainsRegex("estimated +measured +more +on\n(.*\n)*latency +.* %  nucleo-l476rg\n"));
  const auto json = nlohmann::json::parse(bitwright(folder, {"show", "tiny.yaml", number, "--json"}).output);
  EXPECT_EQ(json["measured"]["flash"]["nucleo-l476rg"]["estimated"], trials[front[0]].estimates.flash_bytes);
  EXPECT_EQ(json["execution"].get<std::string>().size(), 32u);
  EXPECT_NE(json["host"], "");
  EXPECT_EQ(bitwright(folder, {"replay", "tiny.yaml"}).output, "6 of 6 proposals equal\n");
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
  EXPECT_EQ(
      exported.errors,
      "error: no finished trial reaches limits.accuracy of 100.00 %; --trial takes one below it, where there is one\n");
}

}  // namespace
}  // namespace bitwright

// Whole searches by the built program on the simulator: real training, real kills.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/rng.h"
#include "core/store/trial_store.h"
#include "deploy/process.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

const std::string kStudy =
    "name: tiny\n"
    "board: nucleo-l476rg\n"
    "data: {kind: simulator, recordings: 16, samples: 6000, protocol: time}\n"
    "limits: {flash: 32 KiB, ram: 16 KiB}\n"
    "space:\n"
    "  min_blocks: 1\n"
    "  max_blocks: 2\n"
    "  block: {channels: [4, 8], kernel: [8], stride: [4, 8], weights: [binary, ternary, int4], activations: [binary, "
    "uint2, uint4]}\n"
    "  head: [global_pool_dense]\n"
    "search: {trials: 6, jobs: 1, population: 4, tournament: 2}\n"
    "training: {epochs: 2}\n";

ProcessResult search(const TempFolder& folder, std::chrono::milliseconds limit = std::chrono::seconds(120)) {
  return run_process({BITWRIGHT_BINARY_DIR "/bitwright", "search", "tiny.yaml", "--quiet"},
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
  const TempFolder whole;
  whole.write("tiny.yaml", kStudy);
  const ProcessResult uninterrupted = search(whole);
  ASSERT_EQ(uninterrupted.exit_status, 0) << uninterrupted.errors;
  const auto expected = rows(whole);
  ASSERT_EQ(expected.size(), 6u);

  const TempFolder killed;
  killed.write("tiny.yaml", kStudy);
  Rng rng(11);
  for (int kill = 0; kill < 4; ++kill) search(killed, std::chrono::milliseconds(300 + rng.below(2500)));
  const ProcessResult resumed = search(killed);
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
  const ProcessResult verified =
      run_process({BITWRIGHT_BINARY_DIR "/bitwright", "verify", "package", "--json"}, {.directory = folder.path()});
  EXPECT_EQ(verified.exit_status, 0) << verified.errors << verified.output;
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

TEST(Search, ALimitThatNothingMeetsEndsWithCodeThreeAndNamesIt) {
  const TempFolder folder;
  std::string strict = kStudy;
  strict.replace(strict.find("flash: 32 KiB"), 13, "flash: 200 B");
  folder.write("tiny.yaml", strict);
  const ProcessResult run = search(folder);
  EXPECT_EQ(run.exit_status, 3);
  EXPECT_THAT(run.errors, testing::HasSubstr("flash"));
  EXPECT_THAT(run.errors, testing::HasSubstr("200 B"));
}

}  // namespace
}  // namespace bitwright

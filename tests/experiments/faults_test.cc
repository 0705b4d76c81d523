// What can happen to a training happens to some of a real search's, which goes on.
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "core/store/trial_store.h"
#include "deploy/process.h"
#include "tests/experiments/tiny_study.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Faults, EachIsAFailedTrialWithItsReasonAndTheSearchGoesOn) {
  const TempFolder folder;
  folder.write("tiny.yaml",
               kTinyHead +
                   "space:\n"
                   "  block: {channels: [4, 8], kernel: [8], stride: [4, 8], weights: [binary, int4], activations: "
                   "[binary]}\n"
                   "search: {trials: 8, jobs: 2, sampler: random}\n"
                   "training: {epochs: 2}\n"
                   "executor: {trial_time: 12 s, trial_memory: 1 GiB}\n");
  fs::copy_file(BITWRIGHT_BINARY_DIR "/bitwright", folder.path() + "/bitwright");
  fs::copy_file(BITWRIGHT_BINARY_DIR "/faulty-trial", folder.path() + "/bitwright-trial");
  ::setenv("BITWRIGHT_FAULTS", "1=nan,2=abort,4=hang,5=memory", 1);
  const ProcessResult search = run_process({folder.path() + "/bitwright", "search", "tiny.yaml", "--quiet"},
                                           {.directory = folder.path(), .limit = std::chrono::minutes{4}});
  ::unsetenv("BITWRIGHT_FAULTS");
  ASSERT_EQ(search.exit_status, 0) << search.errors;

  const TrialStore store = TrialStore::open_read_only(folder.path() + "/tiny.bw.db");
  EXPECT_EQ(store.integrity(), "");
  const std::map<int64_t, testing::Matcher<std::string>> reasons = {
      {1, StartsWith("loss is not finite at epoch 1")},
      {2, StartsWith("worker ended: killed by signal 6 (Aborted)")},
      {4, "worker killed: it took longer than executor.trial_time = 12 s"},
      {5, AllOf(StartsWith("worker killed: it took "), HasSubstr("more than executor.trial_memory = 1024 MiB"))}};
  ASSERT_EQ(store.finished().size(), 8u);
  for (const Trial& trial : store.finished()) {
    const auto reason = reasons.find(trial.number);
    EXPECT_EQ(trial.state, reason == reasons.end() ? TrialState::kComplete : TrialState::kFailed) << trial.number;
    if (reason == reasons.end()) continue;
    EXPECT_THAT(trial.failure, reason->second);
    EXPECT_EQ(trial.attempt, 2);
    EXPECT_EQ(store.failed_attempts(trial.number), 2);
  }
}

}  // namespace
}  // namespace bitwright

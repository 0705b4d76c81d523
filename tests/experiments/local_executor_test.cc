// Workers here are shell scripts in the place of bitwright-trial: they crash, hang up and answer on purpose.
// SPDX-License-Identifier: Apache-2.0
#include "experiments/local_executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "deploy/process.h"
#include "experiments/trial_protocol.h"

namespace bitwright {
namespace {

using testing::HasSubstr;

class LocalExecutorTest : public testing::Test {
 protected:
  // A worker whose answer to the line `SPEC<tab>DIR` is `body`, with $spec and $dir set.
  LocalExecutorOptions options(const std::string& body) {
    const std::string program = folder_.path() + "/worker";
    std::ofstream(program) << "#!/bin/sh\nwhile IFS='\t' read -r spec dir; do\n" << body << "\ndone\n";
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    return {.program = program, .work_folder = folder_.path() + "/work", .config_json = "{}", .jobs = 2};
  }

  static Trial trial(int64_t number) {
    Trial t;
    t.number = number;
    t.candidate.network = {.name = "n", .input = {1, 1, 4}};
    append(t.candidate.network, {.name = "head", .op = Dense{.units = 2}});
    return t;
  }

  static TrialResult wait(LocalExecutor& executor) {
    for (int i = 0; i < 100; ++i)
      if (auto result = executor.wait(0.2)) return *result;
    ADD_FAILURE() << "no result in 20 s";
    return {};
  }

  TemporaryDirectory folder_;
};

std::string answer(const std::string& failure) {
  return "number=$(sed 's/.*\"trial\":\\([0-9]*\\).*/\\1/' \"$spec\")\n"
         "printf '{\"schema\":1,\"trial\":%s,\"attempt\":1,\"failure\":\"" +
         failure +
         "\",\"metrics\":{\"accuracy\":0.5,"
         "\"fake_quantized_accuracy\":0.5,\"train_accuracy\":0.5,\"windows\":2},\"epochs\":[],\"train_seconds\":1.5}' "
         "$number > \"$dir/result.json\"; echo done";
}

TEST_F(LocalExecutorTest, ReturnsWhatTheWorkerPublished) {
  LocalExecutor executor(options(answer("")));
  executor.submit(trial(4));
  const TrialResult result = wait(executor);
  EXPECT_EQ(result.number, 4);
  EXPECT_EQ(result.failure, "");
  EXPECT_EQ(result.metrics.accuracy, 0.5);
  EXPECT_EQ(result.train_seconds, 1.5);
}

TEST_F(LocalExecutorTest, OneWorkerServesManyTrials) {
  LocalExecutor executor(options(answer("")));
  std::vector<pid_t> first;
  for (int64_t n = 0; n < 5; ++n) {
    executor.submit(trial(n));
    EXPECT_EQ(wait(executor).number, n);
    if (n == 0) first = executor.worker_pids();
  }
  EXPECT_EQ(executor.worker_pids(), first);
}

TEST_F(LocalExecutorTest, AKilledWorkerIsAFailureThatNamesTheSignal) {
  LocalExecutor executor(options("echo 'out of memory' >&2; kill -9 $$"));
  executor.submit(trial(1));
  const TrialResult result = wait(executor);
  EXPECT_EQ(result.number, 1);
  EXPECT_THAT(result.failure, HasSubstr("killed by signal 9"));
  EXPECT_THAT(result.failure, HasSubstr("out of memory"));
}

TEST_F(LocalExecutorTest, ATrainingThatHangsIsKilledAtItsLimitOfTime) {
  LocalExecutorOptions wanted =
      options("if grep -q '\"trial\":1[,}]' \"$spec\"; then while true; do :; done; fi\n" + answer(""));
  wanted.spec.trial_seconds = 0.5;
  LocalExecutor executor(wanted);
  executor.submit(trial(1));
  EXPECT_EQ(wait(executor).failure, "worker killed: it took longer than executor.trial_time = 0.5 s");
  executor.submit(trial(2));
  EXPECT_EQ(wait(executor).failure, "");
}

TEST_F(LocalExecutorTest, AFrozenWorkerIsKilledAndOneThatShowsLifeIsNot) {
  LocalExecutorOptions wanted = options("echo life; kill -STOP $$");
  wanted.spec.lease_seconds = 0.6;
  LocalExecutor frozen(wanted);
  frozen.submit(trial(1));
  EXPECT_EQ(wait(frozen).failure, "worker killed: no sign of life for executor.lease = 0.6 s");

  wanted = options("for i in 1 2 3 4 5 6; do echo life; sleep 0.2; done\n" + answer(""));
  wanted.spec.lease_seconds = 0.6;
  LocalExecutor alive(wanted);
  alive.submit(trial(1));
  EXPECT_EQ(wait(alive).failure, "");
}

TEST_F(LocalExecutorTest, ATrainingThatTakesTooMuchMemoryIsKilled) {
  LocalExecutorOptions wanted = options("x=$(head -c 90000000 /dev/zero | tr '\\0' x); sleep 20\n" + answer(""));
  wanted.spec.trial_memory_bytes = int64_t{50} << 20;
  LocalExecutor executor(wanted);
  executor.submit(trial(1));
  EXPECT_THAT(wait(executor).failure, testing::MatchesRegex("worker killed: it took [0-9]+ MiB of memory, more than "
                                                            "executor.trial_memory = 50 MiB"));
}

TEST_F(LocalExecutorTest, AFreshWorkerTakesTheTrialAfterACrash) {
  const std::string mark = folder_.path() + "/crashed";
  LocalExecutor executor(options("if [ ! -e " + mark + " ]; then touch " + mark + "; exit 3; fi\n" + answer("")));
  executor.submit(trial(1));
  EXPECT_THAT(wait(executor).failure, HasSubstr("exit code 3"));
  executor.submit(trial(1));
  EXPECT_EQ(wait(executor).failure, "");
}

TEST_F(LocalExecutorTest, DataThatAreGoneEndTheSearchNotTheTrial) {
  LocalExecutor executor(options("echo 'x_train.npy: cannot be read' >&2; exit 2"));
  executor.submit(trial(1));
  EXPECT_THROW(wait(executor), ConfigError);
}

TEST_F(LocalExecutorTest, AFullDiskEndsTheSearchNotTheTrial) {
  const auto error = [&](const std::string& body) -> std::string {
    LocalExecutor executor(options(body));
    executor.submit(trial(1));
    try {
      wait(executor);
    } catch (const StoreError& e) {
      return e.what();
    }
    return "none";
  };
  EXPECT_EQ(error("echo 'error: /x/result.json: cannot write: No space left on device' >&2; exit 4"),
            "/x/result.json: cannot write: No space left on device");
  EXPECT_EQ(error("exit 4"), options("").work_folder + ": worker ended: exit code 4");
}

TEST_F(LocalExecutorTest, EpochsArriveWhileTheTrialRuns) {
  LocalExecutor executor(
      options("echo 'epoch {\"epoch\":1,\"learning_rate\":0.01,\"train_loss\":0.7,\"validation_accuracy\":0.25}'\n" +
              answer("")));
  executor.submit(trial(9));
  wait(executor);
  const auto epochs = executor.take_epochs();
  ASSERT_EQ(epochs.size(), 1u);
  EXPECT_EQ(epochs[0].number, 9);
  EXPECT_EQ(epochs[0].record.validation_accuracy, 0.25);
  EXPECT_TRUE(executor.take_epochs().empty());
}

TEST_F(LocalExecutorTest, AWorkersWarningIsPassedOn) {
  LocalExecutorOptions wanted = options("echo 'warning trial-4.ckpt: checksum differs'\n" + answer(""));
  std::vector<std::string> warnings;
  wanted.on_warning = [&](const std::string& line) { warnings.push_back(line); };
  LocalExecutor executor(wanted);
  executor.submit(trial(4));
  wait(executor);
  EXPECT_THAT(warnings, testing::ElementsAre("trial-4.ckpt: checksum differs"));
}

TEST_F(LocalExecutorTest, AnEmptyCheckpointFolderGoes) {
  LocalExecutorOptions wanted = options(answer(""));
  wanted.checkpoint_folder = folder_.path() + "/checkpoints";
  { const LocalExecutor executor(wanted); }
  EXPECT_FALSE(std::filesystem::exists(wanted.checkpoint_folder));
}

TEST_F(LocalExecutorTest, AMissingWorkerSaysWhatToBuild) {
  LocalExecutorOptions wanted = options("");
  wanted.program = folder_.path() + "/none/bitwright-trial";
  try {
    const LocalExecutor executor(wanted);
    FAIL();
  } catch (const StoreError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("none/bitwright-trial: not there; it trains networks: build it with ./do build"));
  }
  EXPECT_FALSE(std::filesystem::exists(wanted.work_folder));
}

TEST_F(LocalExecutorTest, StopLeavesNoWorkerAlive) {
  LocalExecutor executor(options("sleep 60"));
  executor.submit(trial(1));
  const auto pids = executor.worker_pids();
  ASSERT_EQ(pids.size(), 1u);
  executor.stop();
  EXPECT_NE(::kill(pids[0], 0), 0);
}

}  // namespace
}  // namespace bitwright

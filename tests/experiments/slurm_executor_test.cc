// Slurm here is three shell scripts in the place of its commands, which lose jobs, refuse them and do not answer on
// purpose. A real cluster: experiments/chaos/slurm_chaos.py.
// SPDX-License-Identifier: Apache-2.0
#include "experiments/slurm_executor.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "core/hash.h"
#include "deploy/process.h"

namespace bitwright {
namespace {

using testing::HasSubstr;

TEST(SlurmQueue, OfSeveralJobsOfANameTheActiveOneCounts) {
  const auto jobs = parse_jobs(
      "7|FAILED|NonZeroExitCode|n1|512|bitwright-ab-t1-a1|\n"
      "9|PENDING|Resources||0|bitwright-ab-t1-a1|\n"
      "8|COMPLETED|None|n2|0|bitwright-ab-t1-a1|\n"
      "11|RUNNING|None|n3|0|another|name|\n"
      "12|FAILED|NonZeroExitCode|n1|512|two|\n"
      "13|FAILED|JobLaunchFailure|n1|9|killed|\n"
      "14|FAILED|NonZeroExitCode|n1|4:0|four|\n");
  EXPECT_EQ(jobs.at("bitwright-ab-t1-a1").id, "9");
  EXPECT_TRUE(jobs.at("bitwright-ab-t1-a1").active());
  EXPECT_EQ(jobs.at("another|name").node, "n3");
  EXPECT_EQ(jobs.at("two").exit_code, 2);
  EXPECT_EQ(jobs.at("killed").exit_code, 0);
  EXPECT_EQ(jobs.at("four").exit_code, 4);
  EXPECT_FALSE((SlurmJob{.state = "NODE_FAIL"}.active()));
  EXPECT_TRUE((SlurmJob{.state = "NODE_FAIL"}.lost_without_fault()));
  EXPECT_FALSE((SlurmJob{.state = "FAILED"}.lost_without_fault()));
  EXPECT_TRUE((SlurmJob{.state = "REQUEUE_HOLD"}.active()));
}

class SlurmExecutorTest : public testing::Test {
 protected:
  SlurmExecutorTest() {
    std::filesystem::create_directories(folder_.path() + "/bin");
    std::filesystem::create_directories(folder_.path() + "/jobs");
    const std::string jobs = folder_.path() + "/jobs";
    // Runs the job at once, beside. The first line of FAULTS is done instead, and goes.
    script("sbatch",
           "fault=$(head -n1 " + faults() + " 2>/dev/null); sed -i 1d " + faults() +
               " 2>/dev/null\n"
               "case $fault in refuse) echo 'sbatch: error: invalid partition specified: x' >&2; exit 1;;\n"
               "  silent) echo 'sbatch: error: Unable to contact slurm controller (connect failure)' >&2; exit 1;;\n"
               "  full) echo 'sbatch: error: QOSMaxSubmitJobPerUserLimit' >&2; exit 1;;\n"
               "  lose) echo 1; exit 0;; esac\n"
               "for a; do case $a in --job-name=*) name=${a#*=};; --chdir=*) dir=${a#*=};; esac; done\n"
               "while [ \"${1#--}\" != \"$1\" ]; do echo \"$1\" >> " +
               folder_.path() +
               "/options; shift; done\n"
               "echo \"$#\" >> " +
               folder_.path() +
               "/sent\n"
               "id=$(wc -l < " +
               folder_.path() +
               "/sent)\n"
               "echo \"$id|RUNNING|None|n1|0|$name|\" > " +
               jobs +
               "/$name\n"
               "(cd \"$dir\"; sh \"$@\" > slurm-1.log 2>&1; c=$?; s=FAILED; [ $c = 0 ] && s=COMPLETED\n"
               " echo \"$id|$s|None|n1|$((c * 256))|$name|\" > " +
               jobs +
               "/$name) > /dev/null 2>&1 &\n"
               "echo 1");
    script("squeue", "[ -e " + folder_.path() + "/down ] && exit 1; cat " + jobs + "/* 2>/dev/null; exit 0");
    script("scancel", "for a; do case $a in --name=*) echo \"1|CANCELLED|None|n1|0|${a#*=}|\" > " + jobs +
                          "/${a#*=};; esac; done");
    path_ = std::getenv("PATH");
    ::setenv("PATH", (folder_.path() + "/bin:" + path_).c_str(), 1);
  }
  ~SlurmExecutorTest() override { ::setenv("PATH", path_.c_str(), 1); }

  std::string faults() const { return folder_.path() + "/faults"; }
  void next_faults(const std::string& lines) const { std::ofstream(faults()) << lines; }
  std::string script(const std::string& name, const std::string& body) const {
    std::string path = folder_.path() + "/bin/" + name;
    std::ofstream(path) << "#!/bin/sh\n" << body << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  }
  // A worker that does `body` for each folder of its job, in $dir.
  SlurmExecutorOptions options(const std::string& body) const {
    const std::string program = script("worker", "shift; for dir; do\n" + body + "\ndone");
    return {.program = program,
            .folder = folder_.path() + "/shared",
            .study_uuid = "0123456789ab",
            .config_json = "{}",
            .spec = {.kind = "slurm", .result_grace_seconds = 0.2},
            .jobs = 4,
            .poll_seconds = 0.1,
            .on_warning = [this](const std::string& line) { warnings_.push_back(line); }};
  }
  // Where the study is below the shared folder; what its jobs are called.
  std::string study() const {
    return "bitwright-" + sha256_hex("0123456789ab" + folder_.path() + "/shared").substr(0, 16);
  }
  static Trial trial(int64_t number, int attempt = 1) {
    Trial t;
    t.number = number;
    t.attempt = attempt;
    t.candidate.network = {.name = "n", .input = {1, 1, 4}};
    append(t.candidate.network, {.name = "head", .op = Dense{.units = 2}});
    return t;
  }
  static TrialResult wait(SlurmExecutor& executor) {
    for (int i = 0; i < 150; ++i)
      if (auto result = executor.wait(0.2)) return *result;
    ADD_FAILURE() << "no result in 30 s";
    return {};
  }
  std::vector<std::string> lines_of(const std::string& name) const {
    std::ifstream in(folder_.path() + "/" + name);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }

  TemporaryDirectory folder_;
  std::string path_;
  mutable std::vector<std::string> warnings_;
};

// Publishes an accuracy of one half.
std::string answer() {
  return "number=$(sed 's/.*\"trial\":\\([0-9]*\\).*/\\1/' \"$dir/spec.json\")\n"
         "attempt=$(sed 's/.*\"attempt\":\\([0-9]*\\).*/\\1/' \"$dir/spec.json\")\n"
         "printf '{\"schema\":1,\"trial\":%s,\"attempt\":%s,\"failure\":\"\",\"metrics\":{\"accuracy\":0.5,"
         "\"fake_quantized_accuracy\":0.5,\"train_accuracy\":0.5,\"windows\":2},\"epochs\":[],\"train_seconds\":1.5}' "
         "$number $attempt > \"$dir/r\"; mv \"$dir/r\" \"$dir/result.json\"";
}

std::string life(const std::string& beats) {
  return "echo '{\"beats\":" + beats +
         ",\"epochs\":[{\"epoch\":1,\"learning_rate\":0.1,\"train_loss\":2,\"validation_accuracy\":0.25}]}' > "
         "\"$dir/life.json\"\n";
}

TEST_F(SlurmExecutorTest, ReturnsResultsAndEpochsAndKeepsThemUntilTheyAreStored) {
  SlurmExecutor executor(options(life("1") + answer()));
  executor.submit(trial(4));
  const TrialResult result = wait(executor);
  EXPECT_EQ(result.number, 4);
  EXPECT_EQ(result.metrics.accuracy, 0.5);
  const auto epochs = executor.take_epochs();
  ASSERT_EQ(epochs.size(), 1u);
  EXPECT_EQ(epochs[0].record.validation_accuracy, 0.25);
  const std::string folder = folder_.path() + "/shared/" + study() + "/t4-a1";
  EXPECT_TRUE(std::filesystem::exists(folder + "/result.json"));
  executor.stored(trial(4));
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST_F(SlurmExecutorTest, SeveralTrialsShareAJobAndTheLimitsGoToSbatch) {
  SlurmExecutorOptions wanted = options(answer());
  wanted.jobs = 1;
  wanted.spec.trials_per_job = 3;
  wanted.spec.trial_seconds = 600.0;
  wanted.spec.trial_memory_bytes = int64_t{2} << 30;
  wanted.spec.gres = "gpu:1";
  wanted.spec.extra = {"--partition=a b; rm -rf /"};
  SlurmExecutor executor(wanted);
  EXPECT_EQ(executor.capacity(), 3);
  std::set<int64_t> done;
  for (int64_t number = 0; number < 3; ++number) executor.submit(trial(number));
  for (int i = 0; i < 3; ++i) done.insert(wait(executor).number);
  EXPECT_EQ(done, (std::set<int64_t>{0, 1, 2}));
  EXPECT_THAT(lines_of("sent"), testing::ElementsAre("6"));  // script, program, --batch and three folders
  EXPECT_THAT(lines_of("options"),
              testing::IsSupersetOf({std::string("--time=33"), std::string("--mem=2097152K"),
                                     std::string("--gres=gpu:1"), std::string("--partition=a b; rm -rf /")}));
}

TEST_F(SlurmExecutorTest, ABatchIsSentWholeAndFoundAgainAfterAKill) {
  SlurmExecutorOptions wanted = options("sleep 0.3\n" + answer());
  wanted.jobs = 1;
  wanted.spec.trials_per_job = 2;
  {
    SlurmExecutor killed(wanted);
    for (int64_t number = 0; number < 2; ++number) killed.submit(trial(number));
    killed.wait(0.0);
  }
  SlurmExecutor executor(wanted);
  for (int64_t number = 0; number < 2; ++number) EXPECT_TRUE(executor.adopt(trial(number)));
  wait(executor);
  executor.submit(trial(2));
  wait(executor);
  executor.submit(trial(3));
  wait(executor), wait(executor);
  EXPECT_THAT(lines_of("sent"), testing::ElementsAre("5", "5"));
}

TEST_F(SlurmExecutorTest, AJobThatTheQueueLostIsSentAgain) {
  next_faults("lose\nsilent\nlose\nfull\n");
  SlurmExecutor executor(options(answer()));
  executor.submit(trial(4));
  EXPECT_EQ(wait(executor).failure, "");
  EXPECT_EQ(lines_of("sent").size(), 1u);
  EXPECT_THAT(warnings_, testing::ElementsAre(HasSubstr("Unable to contact slurm controller"),
                                              "sbatch: error: QOSMaxSubmitJobPerUserLimit; it is tried again"));
}

TEST_F(SlurmExecutorTest, ASlurmctldThatIsAwayIsSaidOnce) {
  SlurmExecutor executor(options(life("1") + "sleep 0.4; rm " + folder_.path() + "/down\nsleep 0.4\n" + answer()));
  executor.submit(trial(4));
  EXPECT_FALSE(executor.wait(0.05));  // it is sent
  std::ofstream(folder_.path() + "/down") << "";
  EXPECT_EQ(wait(executor).failure, "");
  EXPECT_THAT(warnings_,
              testing::ElementsAre(HasSubstr("slurmctld does not answer"), HasSubstr("slurmctld answers again")));
}

// As where a worker is local.
TEST_F(SlurmExecutorTest, WhatIsWrongWithDataDiskOrNodeEndsTheSearch) {
  const auto end = [&](const std::string& body) -> std::string {
    SlurmExecutor executor(options(life("1") + body));
    executor.submit(trial(4));
    try {
      wait(executor);
    } catch (const ConfigError& error) {
      return std::string("config: ") + error.what();
    } catch (const StoreError& error) {
      return std::string("store: ") + error.what();
    }
    return "none";
  };
  EXPECT_EQ(end("echo 'error: a.csv: not there' >&2; exit 2"),
            "config: job 1 ended on n1: FAILED: error: a.csv: not there");
  EXPECT_EQ(end("echo 'error: /x: disk full' >&2; exit 4"), "store: job 2 ended on n1: FAILED: error: /x: disk full");
  EXPECT_THAT(end("exit 4"), testing::EndsWith("is the disk of " + folder_.path() + "/shared/" + study() + " full?"));
}

TEST_F(SlurmExecutorTest, WhatEndedAnEarlierCallMayHaveBeenMended) {
  {
    SlurmExecutor ended(options(life("1") + "exit 2"));
    ended.submit(trial(4));
    EXPECT_THROW(wait(ended), ConfigError);
  }
  SlurmExecutor executor(options(answer()));
  EXPECT_TRUE(executor.adopt(trial(4)));
  EXPECT_EQ(wait(executor).failure, "");
}

TEST_F(SlurmExecutorTest, JobsThatFailBeforeTheirTrainingsEndTheSearchAtTheThird) {
  SlurmExecutor executor(options("echo 'libtorch.so: cannot open' >&2; exit 127"));
  executor.submit(trial(4));
  try {
    wait(executor);
    ADD_FAILURE() << "it came through";
  } catch (const StoreError& error) {
    EXPECT_THAT(error.what(),
                testing::StartsWith("job 3 ended on n1: FAILED: libtorch.so: cannot open: the 3. job that "
                                    "failed before its training began; does n1 see "));
  }
  EXPECT_EQ(lines_of("sent").size(), 3u);
  EXPECT_EQ(warnings_.size(), 2u);
}

TEST_F(SlurmExecutorTest, OfABatchOneFailsAndTheOthersAreSentAgain) {
  SlurmExecutorOptions wanted = options("if [ ${dir%t1-a1} != $dir ]; then\n" + life("1") + "exit 1\nfi\n" + answer());
  wanted.jobs = 1;
  wanted.spec.trials_per_job = 3;
  SlurmExecutor executor(wanted);
  for (int64_t number = 0; number < 3; ++number) executor.submit(trial(number));
  std::map<int64_t, std::string> failures;
  for (int i = 0; i < 3; ++i) {
    const TrialResult result = wait(executor);
    failures[result.number] = result.failure;
  }
  EXPECT_THAT(failures, testing::ElementsAre(testing::Pair(0, ""), testing::Pair(1, "job 1 ended on n1: FAILED"),
                                             testing::Pair(2, "")));
  EXPECT_THAT(warnings_, testing::ElementsAre());
}

// One job failed, and slurmctld takes no other for a while.
TEST_F(SlurmExecutorTest, AJobsFailureCountsOnce) {
  SlurmExecutorOptions wanted = options("if [ -e " + folder_.path() + "/began ]; then\n" + answer() + "\nelse touch " +
                                        folder_.path() + "/began; exit 1; fi");
  SlurmExecutor executor(wanted);
  executor.submit(trial(4));
  EXPECT_FALSE(executor.wait(0.05));
  next_faults("full\nfull\nfull\nfull\n");
  EXPECT_EQ(wait(executor).failure, "");
  EXPECT_EQ(lines_of("sent").size(), 2u);
}

// A job that began its training and was lost, and others for it that cannot start.
TEST_F(SlurmExecutorTest, LifeOfAnEarlierJobIsNoneOfTheNext) {
  const std::string began = folder_.path() + "/began";
  SlurmExecutor executor(options("if [ -e " + began + " ]; then echo boom >&2; exit 1; fi; touch " + began + "\n" +
                                 life("1") + "sleep 0.3; exit 0"));
  executor.submit(trial(4));
  EXPECT_THROW(wait(executor), StoreError);
  EXPECT_THAT(warnings_, testing::Contains(HasSubstr("boom: before its training began; it is sent again")));
}

TEST_F(SlurmExecutorTest, ABatchThatIsLostIsSentAgainAsOne) {
  SlurmExecutorOptions wanted = options(answer());
  wanted.jobs = 1;
  wanted.spec.trials_per_job = 3;
  next_faults("lose\n");
  SlurmExecutor executor(wanted);
  for (int64_t number = 0; number < 3; ++number) executor.submit(trial(number));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(wait(executor).failure, "");
  EXPECT_THAT(lines_of("sent"), testing::ElementsAre("6"));
}

TEST_F(SlurmExecutorTest, AJobThatItsNodeCouldNotStartIsCancelledAndSentAgain) {
  const std::string held = folder_.path() + "/jobs/" + study() + "-t4-a1";
  SlurmExecutor executor(options(answer()));
  next_faults("lose\n");
  executor.submit(trial(4));
  EXPECT_FALSE(executor.wait(0.0));
  std::ofstream(held) << "7|PENDING|launch failed requeued held||0|" << study() << "-t4-a1|\n";
  EXPECT_EQ(wait(executor).failure, "");
}

TEST_F(SlurmExecutorTest, WhyAJobWaitsIsSaidOnce) {
  SlurmExecutor executor(options(answer()));
  next_faults("lose\n");
  executor.submit(trial(4));
  EXPECT_FALSE(executor.wait(0.0));
  std::ofstream(folder_.path() + "/jobs/" + study() + "-t4-a1")
      << "7|PENDING|PartitionTimeLimit||0|" << study() << "-t4-a1|\n";
  EXPECT_FALSE(executor.wait(0.5));
  EXPECT_THAT(warnings_, testing::ElementsAre("job 7 waits: PartitionTimeLimit"));
}

TEST_F(SlurmExecutorTest, TwoSearchesOfOneStudyDoNotShareAFolder) {
  const SlurmExecutor executor(options(answer()));
  EXPECT_THROW(SlurmExecutor(options(answer())), StoreError);
}

TEST_F(SlurmExecutorTest, TheSpecOfAnotherStudyIsRefused) {
  {
    SlurmExecutor first(options("sleep 0.1"));
    first.submit(trial(4));
  }
  SlurmExecutor executor(options(answer()));
  Trial other = trial(4);
  other.seed = 9;
  EXPECT_THROW(executor.submit(other), StoreError);
}

TEST_F(SlurmExecutorTest, WhatAKillLeftBehindGoes) {
  const std::string shared = folder_.path() + "/shared";
  {
    SlurmExecutor executor(options(answer()));
    executor.submit(trial(4));
    wait(executor);
    const std::string home = shared + "/" + study();
    std::ofstream(home + "/checkpoints/trial-4-e10.part") << "x";
    executor.keep_only({5});
    EXPECT_FALSE(std::filesystem::exists(home + "/t4-a1"));
    EXPECT_TRUE(files_in(home + "/checkpoints").empty());
    executor.stored(trial(4));
    EXPECT_FALSE(std::filesystem::exists(home + "/job-t4-a1"));
  }
  EXPECT_FALSE(std::filesystem::exists(shared));
}

TEST_F(SlurmExecutorTest, AJobThatIsRefusedEndsTheSearchWithSlurmsWords) {
  next_faults("refuse\n");
  SlurmExecutor executor(options(answer()));
  executor.submit(trial(4));
  try {
    wait(executor);
    ADD_FAILURE() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "executor: sbatch refuses the job: sbatch: error: invalid partition specified: x");
  }
}

TEST_F(SlurmExecutorTest, AJobThatFailsIsAFailureWithItsLastWords) {
  SlurmExecutor executor(options(life("1") + "echo 'terminate called' >&2; exit 3"));
  executor.submit(trial(4));
  EXPECT_EQ(wait(executor).failure, "job 1 ended on n1: FAILED: terminate called");
}

TEST_F(SlurmExecutorTest, AWorkerThatIsSilentPastItsLeaseHasFailed) {
  SlurmExecutorOptions wanted = options(life("1") + "sleep 20");
  wanted.spec.lease_seconds = 0.5;
  SlurmExecutor executor(wanted);
  executor.submit(trial(4));
  EXPECT_EQ(wait(executor).failure, "no sign of life for 0.5 s on n1");
  EXPECT_EQ(parse_jobs(lines_of("jobs/" + study() + "-t4-a1").at(0)).at(study() + "-t4-a1").state, "CANCELLED");
}

TEST_F(SlurmExecutorTest, ATrainingHasFailedAtItsLimitOfTime) {
  SlurmExecutorOptions wanted =
      options("for i in 1 2 3 4 5 6 7 8 9; do\n" + life("1") + "sleep 0.3; done\n" + answer());
  wanted.spec.trial_seconds = 0.6;
  SlurmExecutor executor(wanted);
  executor.submit(trial(4));
  EXPECT_EQ(wait(executor).failure, "it took longer than executor.trial_time = 0.6 s on n1");
}

TEST_F(SlurmExecutorTest, OneThatShowsLifeIsNotSilent) {
  SlurmExecutorOptions wanted = options(life("1") + "sleep 0.4\n" + life("2") + "sleep 0.4\n" + life("3") + answer());
  wanted.spec.lease_seconds = 0.7;
  SlurmExecutor executor(wanted);
  executor.submit(trial(4));
  EXPECT_EQ(wait(executor).failure, "");
}

TEST_F(SlurmExecutorTest, AttemptsOfAnEarlierCallAreFoundOrSentAgain) {
  {
    SlurmExecutor killed(options(answer()));
    killed.submit(trial(1));
    wait(killed);  // published, and the search killed before it was stored
  }
  SlurmExecutor executor(options(answer()));
  EXPECT_TRUE(executor.adopt(trial(1)));
  EXPECT_TRUE(executor.adopt(trial(2)));  // killed before it was sent
  std::set<int64_t> done = {wait(executor).number};
  EXPECT_EQ(lines_of("sent").size(), 1u);
  done.insert(wait(executor).number);
  EXPECT_EQ(done, (std::set<int64_t>{1, 2}));
  EXPECT_EQ(lines_of("sent").size(), 2u);
}

TEST_F(SlurmExecutorTest, WithoutSlurmItSaysWhatIsMissing) {
  std::filesystem::remove(folder_.path() + "/bin/squeue");
  ::setenv("PATH", (folder_.path() + "/bin").c_str(), 1);
  try {
    SlurmExecutor executor(options(answer()));
    ADD_FAILURE() << "made";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("there is no squeue in PATH"));
  }
}

}  // namespace
}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "deploy/process.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "core/error.h"

#include "core/error.h"

namespace bitwright {
namespace {

TEST(Process, KeepsOutputErrorsAndStatusApart) {
  const ProcessResult result = run_process({"sh", "-c", "echo out; echo err >&2; exit 3"});
  EXPECT_EQ(result.output, "out\n");
  EXPECT_EQ(result.errors, "err\n");
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_FALSE(result.ok());
}

TEST(Process, PassesArgumentsUntouched) {
  EXPECT_EQ(run_process({"printf", "%s", "a b; $(c) '"}).output, "a b; $(c) '");
}

TEST(Process, RunsInTheGivenDirectory) {
  EXPECT_EQ(run_process({"pwd", "-P"}, {.directory = "/usr"}).output, "/usr\n");
}

TEST(Process, HasEmptyInput) {
  EXPECT_EQ(run_process({"cat"}).output, "");
}

TEST(Process, CarriesMoreOutputThanAPipeHolds) {
  EXPECT_EQ(run_process({"head", "-c", "1000000", "/dev/zero"}).output.size(), 1000000u);
}

TEST(Process, ReportsTheSignalThatEndedIt) {
  EXPECT_EQ(run_process({"sh", "-c", "kill -SEGV $$"}).signal, SIGSEGV);
}

TEST(TemporaryDirectory, NamesTmpdirWhereItCannotBeMade) {
  const char* set = std::getenv("TMPDIR");
  const std::string before = set ? set : "";
  ::setenv("TMPDIR", "/nonexistent", 1);
  std::string line;
  try {
    const TemporaryDirectory none;
  } catch (const ConfigError& error) {
    line = error.what();
  }
  ::setenv("TMPDIR", before.c_str(), 1);  // empty counts as unset
  EXPECT_EQ(line, "TMPDIR = /nonexistent: nothing can be written there: No such file or directory");
}

TEST(Process, KillsTheWholeGroupAtTheLimit) {
  // The grandchild holds the pipe open: only the death of the group ends the wait.
  const auto begin = std::chrono::steady_clock::now();
  const ProcessResult result =
      run_process({"sh", "-c", "sleep 30 & sleep 30"}, {.limit = std::chrono::milliseconds(200)});
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.signal, SIGKILL);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

// Runs the child of a process that is sent `signal` meanwhile; a file in `folder` tells whether the child lived on.
[[noreturn]] void run_interrupted(const std::string& folder, int signal) {
  alarm(20);
  try {
    run_process({"sh", "-c", fmt::format("kill -{} $PPID; sleep 1; touch lived", signal)}, {.directory = folder});
  } catch (const Interrupted& interrupted) {
    ::signal(interrupted.signal(), SIG_DFL);
    raise(interrupted.signal());
  }
  _exit(1);
}

TEST(Process, ASignalThatEndsTheProgramEndsItsChildToo) {
  const TemporaryDirectory folder;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    EXPECT_EXIT(run_interrupted(folder.path(), signal), testing::KilledBySignal(signal), "");
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/lived"));
}

TEST(Process, AProgramThatHandlesASignalWaitsForItsChild) {
  const auto handler = ::signal(SIGTERM, [](int) {});
  EXPECT_EQ(run_process({"sh", "-c", "kill -TERM $PPID; echo done"}).output, "done\n");
  ::signal(SIGTERM, handler);
}

TEST(Process, KillsAChildThatClosedItsStreams) {
  const ProcessResult result =
      run_process({"sh", "-c", "exec >&- 2>&-; sleep 30"}, {.limit = std::chrono::milliseconds(200)});
  EXPECT_TRUE(result.timed_out);
}

TEST(Process, SaysWhatCannotBeStarted) {
  try {
    run_process({"bitwright-no-such-program"});
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "cannot start bitwright-no-such-program: No such file or directory");
  }
}

TEST(TemporaryDirectory, IsGoneAfterItsScope) {
  std::string path;
  {
    const TemporaryDirectory directory;
    path = directory.path();
    EXPECT_TRUE(std::filesystem::is_directory(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace bitwright

// deploy/process.h: runs a compiler or an emulator as a child process. Never through a shell.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace bitwright {

struct ProcessOptions {
  std::string directory;                    // working directory; empty: this process's own
  std::chrono::milliseconds limit{60'000};  // wall-clock time, > 0; past it the whole process group is killed
};

struct ProcessResult {
  int exit_status = 0;     // of a process that ended by itself
  int signal = 0;          // that ended it; 0: none
  bool timed_out = false;  // killed at the limit; `signal` is then SIGKILL
  std::string output;      // standard output
  std::string errors;      // standard error
  bool ok() const { return signal == 0 && exit_status == 0; }
};

// Runs argv[0], looked up in PATH, with standard input empty, and waits for it.
// Throws std::runtime_error if it cannot be started.
ProcessResult run_process(const std::vector<std::string>& argv, const ProcessOptions& options = {});

// Where PATH finds `program`, or nothing.
std::optional<std::string> find_program(const std::string& program);

// A fresh directory under $TMPDIR or /tmp, removed with all that is in it at the end of the scope.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace bitwright

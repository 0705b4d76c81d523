// deploy/process.h: child processes: a compiler or an emulator, run to its end, or a worker that stays. Never through a
// shell.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

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
// Throws std::runtime_error if it cannot be started, and Interrupted. A program with a handler of its own for one of
// these signals keeps it, and the child is waited for.
ProcessResult run_process(const std::vector<std::string>& argv, const ProcessOptions& options = {});

// Two ends of a pipe, closed when a program is executed. Throws std::runtime_error where the system has none left.
struct Pipe {
  int read_end = -1, write_end = -1;
  Pipe();
  ~Pipe();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  static void close_end(int& end);  // and sets it to -1
};

// What becomes the streams of a child. -1: input is empty, output and errors are dropped.
struct Streams {
  int input = -1, output = -1, errors = -1;
  std::string error_log;  // in place of `errors`: the file that they are appended to
};
// Starts argv[0], looked up in PATH, in a process group of its own, so that a Ctrl-C at the terminal does not reach it
// and that a signal to the group ends what it started as well. Throws std::runtime_error if it cannot start.
pid_t spawn_process(const std::vector<std::string>& argv, const Streams& streams, const std::string& directory = "");
// Waits for the end of a child and returns its status as waitpid gives it.
int wait_for_process(pid_t child);

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

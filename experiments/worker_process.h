// experiments/worker_process.h: one warm `bitwright-trial --serve` and the two pipes to it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "deploy/process.h"

namespace bitwright {

class WorkerProcess {
 public:
  // Starts `program --serve` in a process group of its own (so that a Ctrl-C at the terminal does not reach it), with
  // stderr appended to `log`. Throws std::runtime_error if it cannot start.
  WorkerProcess(const std::string& program, const std::string& log);
  ~WorkerProcess();  // kills and reaps
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  // False if the worker is gone.
  bool send(const std::string& line);
  // Readable when there is output or the worker has ended.
  int output_fd() const { return out_.read_end; }
  // Complete lines that have arrived; never blocks. Sets ended() at the end of the stream.
  std::vector<std::string> read_lines();
  bool ended() const { return ended_; }
  // After ended(): why, and with which exit code (-1 where a signal ended it).
  struct End {
    int exit_code = -1;
    std::string text;  // "worker ended: killed by signal 9 (Killed): last line on stderr"
  };
  End reap();
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  Pipe in_, out_;  // our ends: in_.write_end, out_.read_end
  std::string log_, partial_;
  bool ended_ = false;
};

}  // namespace bitwright

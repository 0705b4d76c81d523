// SPDX-License-Identifier: Apache-2.0
#include "experiments/worker_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "experiments/trial_protocol.h"

namespace bitwright {

WorkerProcess::WorkerProcess(const std::string& program, const std::string& log) : log_(log) {
  pid_ = spawn_process({program, "--serve"}, {.input = in_.read_end, .output = out_.write_end, .error_log = log});
  Pipe::close_end(in_.read_end);
  Pipe::close_end(out_.write_end);
  ::fcntl(out_.read_end, F_SETFL, O_NONBLOCK);
}

WorkerProcess::~WorkerProcess() {
  if (pid_ > 0) {
    ::kill(-pid_, SIGKILL);  // its whole group
    wait_for_process(pid_);
  }
}

bool WorkerProcess::send(const std::string& line) {
  const std::string text = line + "\n";  // shorter than a pipe's buffer
  return ::write(in_.write_end, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::vector<std::string> WorkerProcess::read_lines() {
  std::array<char, 4096> buffer;
  ssize_t n;
  while ((n = ::read(out_.read_end, buffer.data(), buffer.size())) > 0) partial_.append(buffer.data(), n);
  if (n == 0) ended_ = true;
  std::vector<std::string> lines;
  for (size_t end; (end = partial_.find('\n')) != std::string::npos; partial_.erase(0, end + 1))
    lines.push_back(partial_.substr(0, end));
  return lines;
}

WorkerProcess::End WorkerProcess::reap() {
  const int status = wait_for_process(pid_);
  pid_ = -1;
  const std::string how = WIFSIGNALED(status)
                              ? fmt::format("killed by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)))
                              : fmt::format("exit code {}", WEXITSTATUS(status));
  const std::string last = last_line(log_);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          fmt::format("worker ended: {}{}{}", how, last.empty() ? "" : ": ", last)};
}

}  // namespace bitwright

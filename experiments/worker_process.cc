// SPDX-License-Identifier: Apache-2.0
#include "experiments/worker_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <stdexcept>

extern char** environ;

namespace bitwright {
namespace {

struct Pipe {
  int read = -1, write = -1;
};

Pipe make_pipe() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) throw std::runtime_error("cannot make a pipe");
  return {fds[0], fds[1]};
}

std::string last_line(const std::string& path) {
  std::ifstream in(path);
  std::string last;
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) last = line;
  return last;
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

pid_t spawn_worker(const std::string& program, const std::string& log, const Pipe& in, const Pipe& out) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in.read, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out.write, STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  std::string name = program, mode = "--serve";
  std::array<char*, 3> argv{name.data(), mode.data(), nullptr};
  pid_t pid = -1;
  const int failed = ::posix_spawn(&pid, program.c_str(), &actions, &attributes, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (failed != 0) throw std::runtime_error(program + ": cannot start: " + std::strerror(failed));
  return pid;
}

}  // namespace

WorkerProcess::WorkerProcess(const std::string& program, const std::string& log) : log_(log) {
  const Pipe in = make_pipe(), out = make_pipe();
  pid_ = spawn_worker(program, log, in, out);
  ::close(in.read);
  ::close(out.write);
  in_ = in.write;
  out_ = out.read;
  ::fcntl(out_, F_SETFL, O_NONBLOCK);
}

WorkerProcess::~WorkerProcess() {
  ::close(in_);
  ::close(out_);
  if (pid_ > 0) {
    ::kill(-pid_, SIGKILL);  // its whole group
    wait_for(pid_);
  }
}

bool WorkerProcess::send(const std::string& line) {
  const std::string text = line + "\n";  // shorter than a pipe's buffer
  return ::write(in_, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::vector<std::string> WorkerProcess::read_lines() {
  std::array<char, 4096> buffer;
  ssize_t n;
  while ((n = ::read(out_, buffer.data(), buffer.size())) > 0) partial_.append(buffer.data(), n);
  if (n == 0) ended_ = true;
  std::vector<std::string> lines;
  for (size_t end; (end = partial_.find('\n')) != std::string::npos; partial_.erase(0, end + 1))
    lines.push_back(partial_.substr(0, end));
  return lines;
}

WorkerProcess::End WorkerProcess::reap() {
  const int status = wait_for(pid_);
  pid_ = -1;
  const std::string how = WIFSIGNALED(status)
                              ? fmt::format("killed by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)))
                              : fmt::format("exit code {}", WEXITSTATUS(status));
  const std::string last = last_line(log_);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          fmt::format("worker ended: {}{}{}", how, last.empty() ? "" : ": ", last)};
}

}  // namespace bitwright

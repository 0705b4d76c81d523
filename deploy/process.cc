// SPDX-License-Identifier: Apache-2.0
#include "deploy/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <sstream>
#include <stdexcept>

#include "core/check.h"
#include "core/error.h"

namespace bitwright {
namespace {

using Clock = std::chrono::steady_clock;

std::atomic<int> ending_signal = 0;

// Takes note of signals that would end the program, while any of these is in scope.
class SignalWatch {
 public:
  SignalWatch() {
    const std::lock_guard lock(mutex_);
    if (watches_++ > 0) return;
    for (size_t i = 0; i < kSignals.size(); ++i) {
      sigaction(kSignals[i], nullptr, &before_[i]);
      if (!has_default(i)) continue;
      struct sigaction action {};
      action.sa_handler = [](int signal) { ending_signal = signal; };
      sigaction(kSignals[i], &action, nullptr);
    }
  }
  ~SignalWatch() {
    const std::lock_guard lock(mutex_);
    if (--watches_ > 0) return;
    for (size_t i = 0; i < kSignals.size(); ++i)
      if (has_default(i)) sigaction(kSignals[i], &before_[i], nullptr);
  }
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  static constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};
  static bool has_default(size_t i) { return before_[i].sa_handler == SIG_DFL; }

  static inline std::mutex mutex_;
  static inline int watches_ = 0;
  static inline std::array<struct sigaction, kSignals.size()> before_;
};

// A tenth of a second at most, after which a signal is looked for.
int milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, 100));
}

bool is_over(Clock::time_point deadline) {
  return ending_signal != 0 || Clock::now() >= deadline;
}

// Reads once; false at the end of the stream.
bool read_some(int end, std::string& text) {
  std::array<char, 65536> buffer;
  ssize_t n;
  do n = read(end, buffer.data(), buffer.size());
  while (n < 0 && errno == EINTR);
  if (n > 0) text.append(buffer.data(), static_cast<size_t>(n));
  return n > 0;
}

// Fills both texts until both streams end; false if the deadline or a signal came first.
bool drain(Pipe& output, Pipe& errors, Clock::time_point deadline, ProcessResult& result) {
  while (output.read_end >= 0 || errors.read_end >= 0) {
    std::array<pollfd, 2> ends = {{{output.read_end, POLLIN, 0}, {errors.read_end, POLLIN, 0}}};
    const int ready = poll(ends.data(), ends.size(), milliseconds_until(deadline));
    if (ready <= 0 && is_over(deadline)) return false;
    if (ready <= 0) continue;
    if (ends[0].revents && !read_some(output.read_end, result.output)) Pipe::close_end(output.read_end);
    if (ends[1].revents && !read_some(errors.read_end, result.errors)) Pipe::close_end(errors.read_end);
  }
  return true;
}

// A child that closed its streams may still run: wait for it, but not past the deadline or a signal.
bool wait_until(pid_t child, Clock::time_point deadline, int& status) {
  while (true) {
    const pid_t done = waitpid(child, &status, WNOHANG);
    if (done == child) return true;
    if (done < 0 && errno != EINTR) throw std::runtime_error(fmt::format("waitpid: {}", std::strerror(errno)));
    if (is_over(deadline)) return false;
    usleep(1000);
  }
}

}  // namespace

Pipe::Pipe() {
  std::array<int, 2> ends;
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error(fmt::format("pipe: {}", std::strerror(errno)));
  read_end = ends[0];
  write_end = ends[1];
}

Pipe::~Pipe() {
  close_end(read_end);
  close_end(write_end);
}

void Pipe::close_end(int& end) {
  if (end >= 0) close(end);
  end = -1;
}

pid_t spawn_process(const std::vector<std::string>& argv, const Streams& streams, const std::string& directory) {
  BW_CHECK(!argv.empty());
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const auto connect = [&](int descriptor, int stream, const std::string& file, int mode) {
    if (descriptor >= 0)
      posix_spawn_file_actions_adddup2(&actions, descriptor, stream);
    else
      posix_spawn_file_actions_addopen(&actions, stream, file.empty() ? "/dev/null" : file.c_str(), mode, 0644);
  };
  connect(streams.input, STDIN_FILENO, "", O_RDONLY);
  connect(streams.output, STDOUT_FILENO, "", O_WRONLY);
  connect(streams.errors, STDERR_FILENO, streams.error_log, O_WRONLY | O_CREAT | O_APPEND);
  if (!directory.empty()) posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);

  std::vector<char*> arguments;
  for (const std::string& a : argv) arguments.push_back(const_cast<char*>(a.c_str()));
  arguments.push_back(nullptr);
  pid_t child = -1;
  const int error = posix_spawnp(&child, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error(fmt::format("cannot start {}: {}", argv[0], std::strerror(error)));
  return child;
}

int wait_for_process(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw std::runtime_error(fmt::format("waitpid: {}", std::strerror(errno)));
  return status;
}

ProcessResult run_process(const std::vector<std::string>& argv, const ProcessOptions& options) {
  const SignalWatch watch;
  Pipe output, errors;
  const Clock::time_point deadline = Clock::now() + options.limit;
  const pid_t child = spawn_process(argv, {.output = output.write_end, .errors = errors.write_end}, options.directory);
  Pipe::close_end(output.write_end);
  Pipe::close_end(errors.write_end);

  ProcessResult result;
  int status = 0;
  if (!drain(output, errors, deadline, result) || !wait_until(child, deadline, status)) {
    result.timed_out = true;
    kill(-child, SIGKILL);
    status = wait_for_process(child);
    if (const int signal = ending_signal) throw Interrupted(signal);
  }
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  if (WIFEXITED(status)) result.exit_status = WEXITSTATUS(status);
  return result;
}

std::optional<std::string> find_program(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string candidate = folder + "/" + program;
    if (!folder.empty() && access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

TemporaryDirectory::TemporaryDirectory() {
  const char* set = std::getenv("TMPDIR");
  const std::string folder = set && *set ? set : "/tmp";
  path_ = folder + "/bitwright-XXXXXX";
  if (!mkdtemp(path_.data()))
    throw ConfigError(fmt::format("TMPDIR = {}: nothing can be written there: {}", folder, std::strerror(errno)));
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;  // nothing to do about a file that will not go
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace bitwright

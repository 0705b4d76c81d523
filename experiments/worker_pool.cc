// SPDX-License-Identifier: Apache-2.0
#include "experiments/worker_pool.h"

#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/check.h"
#include "core/error.h"
#include "core/io/model_json.h"
#include "experiments/steady_seconds.h"

namespace bitwright {
namespace {

constexpr std::string_view kEpoch = "epoch ", kWarning = "warning ", kDone = "done";
constexpr double kPause = 5.0;  // between two waits, beyond which this process is thought to have stood still
constexpr double kStartSeconds =
    300.0;  // that the first line of a worker may take at least: libtorch on a busy machine
constexpr int kCannotRun = 126, kNotFound = 127;  // of the loader: a library is missing

// What a worker printed before it ended with an error of the user's: the line without "worker ended: ...: error: ".
std::string without_prefix(const std::string& text) {
  constexpr std::string_view kError = "error: ";
  const size_t at = text.rfind(kError);
  return at == std::string::npos ? text : text.substr(at + kError.size());
}

// Of a process; 0 where it is gone.
int64_t resident_bytes(pid_t pid) {
  std::ifstream statm(fmt::format("/proc/{}/statm", pid));
  int64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

}  // namespace

void check_worker_program(const std::string& program) {
  if (::access(program.c_str(), X_OK) == 0) return;
  throw StoreError(program +
                   ": not there; it trains networks: build it with ./do build, or with cmake and "
                   "-DBITWRIGHT_TRAINER=ON, which needs libtorch");
}

WorkerPool::WorkerPool(WorkerPoolOptions options) : options_(std::move(options)) {
  BW_CHECK(options_.jobs >= 1);
  check_worker_program(options_.program);
  std::signal(SIGPIPE, SIG_IGN);  // a dead worker is a failed write, not our death
  make_folder(options_.work_folder);
  slots_.resize(options_.jobs);
  awake_ = steady_seconds();
}

WorkerPool::~WorkerPool() {
  stop();
  std::error_code ignored;
  std::filesystem::remove_all(options_.work_folder, ignored);
}

bool WorkerPool::idle() const {
  return std::any_of(slots_.begin(), slots_.end(), [](const Slot& s) { return !s.number; });
}

void WorkerPool::submit(const TrialSpec& spec) {
  const auto slot = std::find_if(slots_.begin(), slots_.end(), [](const Slot& s) { return !s.number; });
  BW_CHECK(slot != slots_.end());
  const auto index = slot - slots_.begin();
  if (!slot->process)
    slot->process =
        std::make_unique<WorkerProcess>(options_.program, fmt::format("{}/worker{}.log", options_.work_folder, index));
  slot->number = spec.number;
  slot->attempt = spec.attempt;
  slot->since = slot->heard = steady_seconds();
  slot->began = false;
  slot->folder = fmt::format("{}/t{}-a{}", options_.work_folder, spec.number, spec.attempt);
  std::filesystem::remove_all(slot->folder);
  std::filesystem::create_directories(slot->folder);
  publish(slot->folder, "spec.json", spec_text(spec));
  slot->process->send(slot->folder + "/spec.json\t" + slot->folder);  // a dead worker shows at the next wait
}

std::optional<TrialReport> WorkerPool::wait(double timeout_seconds) {
  std::vector<pollfd> fds;
  std::vector<Slot*> busy;
  for (Slot& slot : slots_)
    if (slot.number) {
      fds.push_back({slot.process->output_fd(), POLLIN, 0});
      busy.push_back(&slot);
    }
  ::poll(fds.data(), fds.size(), static_cast<int>(timeout_seconds * 1000.0));
  allow_for_pause(timeout_seconds);
  for (size_t i = 0; i < fds.size(); ++i)
    if (fds[i].revents > 0)
      if (auto report = collect(*busy[i])) return report;
  for (Slot* slot : busy)
    if (const std::string why = over_limit(*slot); !why.empty()) return killed_report(*slot, why);
  return std::nullopt;
}

// Where this process stood still, with a machine that was paused say, its workers may have, too.
void WorkerPool::allow_for_pause(double waited_seconds) {
  const double now = steady_seconds(), gap = now - std::exchange(awake_, now) - waited_seconds;
  if (gap < kPause) return;
  for (Slot& slot : slots_) {
    slot.since += gap;
    slot.heard += gap;
  }
}

// Why a training must end; empty: it may go on.
std::string WorkerPool::over_limit(const Slot& slot) const {
  const double seconds = steady_seconds() - slot.since;
  if (options_.trial_seconds > 0.0 && seconds > options_.trial_seconds)
    return fmt::format("it took longer than executor.trial_time = {:g} s", options_.trial_seconds);
  const double lease = slot.began ? options_.lease_seconds : std::max(options_.lease_seconds, kStartSeconds);
  if (options_.lease_seconds > 0.0 && steady_seconds() - slot.heard > lease)
    return fmt::format("no sign of life for executor.lease = {:g} s", lease);
  const int64_t bytes = options_.trial_memory_bytes > 0 ? resident_bytes(slot.process->pid()) : 0;
  if (bytes > options_.trial_memory_bytes)
    return fmt::format("it took {} MiB of memory, more than executor.trial_memory = {} MiB", bytes >> 20,
                       options_.trial_memory_bytes >> 20);
  return "";
}

TrialReport WorkerPool::killed_report(Slot& slot, const std::string& why) {
  TrialReport report{.number = *slot.number, .attempt = slot.attempt, .failure = "worker killed: " + why};
  slot.process.reset();
  release(slot);
  return report;
}

std::optional<TrialReport> WorkerPool::collect(Slot& slot) {
  bool done = false;
  for (const std::string& line : slot.process->read_lines()) {
    slot.heard = steady_seconds();
    slot.began = true;
    if (line.starts_with(kEpoch))
      epochs_.push_back(
          {*slot.number, slot.attempt, read_json<EpochRecord>(line.substr(kEpoch.size()), "a worker's epoch")});
    else if (line.starts_with(kWarning) && options_.on_warning)
      options_.on_warning(line.substr(kWarning.size()));
    else if (line == kDone)
      done = true;
  }
  if (done) return published_report(slot);
  if (slot.process->ended()) return lost_report(slot);
  return std::nullopt;
}

TrialReport WorkerPool::published_report(Slot& slot) {
  TrialReport report = parse_report(read_file(slot.folder + "/result.json"));
  BW_CHECK(report.number == *slot.number && report.attempt == slot.attempt);
  release(slot);
  return report;
}

TrialReport WorkerPool::lost_report(Slot& slot) {
  const WorkerProcess::End end = slot.process->reap();
  if (end.exit_code == static_cast<int>(ExitCode::kConfig)) throw ConfigError(without_prefix(end.text));
  if (end.exit_code == static_cast<int>(ExitCode::kStore)) {
    const std::string said = without_prefix(end.text);  // or nothing, where its log is on the disk that is full
    throw StoreError(said == end.text ? fmt::format("{}: {}", options_.work_folder, said) : said);
  }
  if (end.exit_code == kCannotRun || end.exit_code == kNotFound) throw StoreError(end.text);
  TrialReport report{.number = *slot.number, .attempt = slot.attempt, .failure = end.text};
  slot.process.reset();
  release(slot);
  return report;
}

void WorkerPool::release(Slot& slot) {
  std::filesystem::remove_all(slot.folder);
  slot.number.reset();
}

std::vector<WorkerEpoch> WorkerPool::take_epochs() {
  return std::exchange(epochs_, {});
}

void WorkerPool::stop() {
  for (Slot& slot : slots_) {
    slot.process.reset();
    slot.number.reset();
  }
}

std::vector<pid_t> WorkerPool::worker_pids() const {
  std::vector<pid_t> pids;
  for (const Slot& slot : slots_)
    if (slot.process) pids.push_back(slot.process->pid());
  return pids;
}

}  // namespace bitwright

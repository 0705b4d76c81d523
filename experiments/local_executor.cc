// SPDX-License-Identifier: Apache-2.0
#include "experiments/local_executor.h"

#include <poll.h>

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/check.h"
#include "core/error.h"
#include "core/io/model_json.h"
#include "experiments/trial_protocol.h"

namespace bitwright {
namespace {

constexpr char kEpochPrefix[] = "epoch ";
constexpr int kCannotRun = 126, kNotFound = 127;  // of the loader: a library is missing

}  // namespace

LocalExecutor::LocalExecutor(LocalExecutorOptions options) : options_(std::move(options)) {
  BW_CHECK(options_.jobs >= 1);
  std::signal(SIGPIPE, SIG_IGN);  // a dead worker is a failed write, not our death
  std::error_code failed;
  std::filesystem::create_directories(options_.work_folder, failed);
  if (failed) throw StoreError(options_.work_folder + ": cannot create: " + failed.message());
  slots_.resize(options_.jobs);
}

LocalExecutor::~LocalExecutor() {
  stop();
  std::error_code ignored;
  std::filesystem::remove_all(options_.work_folder, ignored);
}

void LocalExecutor::submit(const Trial& trial) {
  const auto slot = std::find_if(slots_.begin(), slots_.end(), [](const Slot& s) { return !s.trial; });
  BW_CHECK(slot != slots_.end());
  const auto index = slot - slots_.begin();
  if (!slot->process)
    slot->process =
        std::make_unique<WorkerProcess>(options_.program, fmt::format("{}/worker{}.log", options_.work_folder, index));
  slot->trial = trial.number;
  slot->attempt = trial.attempt;
  slot->folder = fmt::format("{}/t{}-a{}", options_.work_folder, trial.number, trial.attempt);
  std::filesystem::remove_all(slot->folder);
  std::filesystem::create_directories(slot->folder);
  publish(slot->folder, "spec.json",
          spec_text({.config_json = options_.config_json,
                     .number = trial.number,
                     .attempt = trial.attempt,
                     .seed = trial.seed,
                     .network = trial.candidate.network}));
  slot->process->send(slot->folder + "/spec.json\t" + slot->folder);  // a dead worker shows at the next wait
}

std::optional<TrialResult> LocalExecutor::wait(double timeout_seconds) {
  std::vector<pollfd> fds;
  std::vector<Slot*> busy;
  for (Slot& slot : slots_)
    if (slot.trial) {
      fds.push_back({slot.process->output_fd(), POLLIN, 0});
      busy.push_back(&slot);
    }
  if (::poll(fds.data(), fds.size(), static_cast<int>(timeout_seconds * 1000.0)) <= 0) return std::nullopt;
  for (size_t i = 0; i < fds.size(); ++i)
    if (fds[i].revents != 0)
      if (auto result = collect(*busy[i])) return result;
  return std::nullopt;
}

std::optional<TrialResult> LocalExecutor::collect(Slot& slot) {
  bool done = false;
  for (const std::string& line : slot.process->read_lines()) {
    if (line.starts_with(kEpochPrefix))
      epochs_.push_back({*slot.trial, slot.attempt,
                         read_json<EpochRecord>(line.substr(sizeof kEpochPrefix - 1), "a worker's epoch")});
    else if (line == "done")
      done = true;
  }
  if (done) return published_result(slot);
  if (slot.process->ended()) return lost_result(slot);
  return std::nullopt;
}

TrialResult LocalExecutor::published_result(Slot& slot) {
  const TrialReport report = parse_report(read_file(slot.folder + "/result.json"));
  BW_CHECK(report.number == *slot.trial && report.attempt == slot.attempt);
  TrialResult result{.number = report.number,
                     .attempt = report.attempt,
                     .metrics = report.metrics,
                     .epochs = report.epochs,
                     .failure = report.failure,
                     .train_seconds = report.train_seconds};
  if (report.model) result.artifacts.push_back({"model", nlohmann::json(*report.model).dump()});
  release(slot);
  return result;
}

TrialResult LocalExecutor::lost_result(Slot& slot) {
  const WorkerProcess::End end = slot.process->reap();
  if (end.exit_code == static_cast<int>(ExitCode::kConfig)) throw ConfigError(end.text);
  if (end.exit_code == static_cast<int>(ExitCode::kStore) || end.exit_code == kCannotRun || end.exit_code == kNotFound)
    throw StoreError(end.text);
  TrialResult result{.number = *slot.trial, .attempt = slot.attempt, .failure = end.text};
  slot.process.reset();
  release(slot);
  return result;
}

void LocalExecutor::release(Slot& slot) {
  std::filesystem::remove_all(slot.folder);
  slot.trial.reset();
}

std::vector<TrialEpoch> LocalExecutor::take_epochs() {
  return std::exchange(epochs_, {});
}

void LocalExecutor::stop() {
  for (Slot& slot : slots_) {
    slot.process.reset();
    slot.trial.reset();
  }
}

std::vector<pid_t> LocalExecutor::worker_pids() const {
  std::vector<pid_t> pids;
  for (const Slot& slot : slots_)
    if (slot.process) pids.push_back(slot.process->pid());
  return pids;
}

}  // namespace bitwright

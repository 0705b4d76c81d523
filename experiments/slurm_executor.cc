// SPDX-License-Identifier: Apache-2.0
#include "experiments/slurm_executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <thread>

#include "core/check.h"
#include "core/error.h"
#include "core/hash.h"
#include "experiments/executor_trials.h"
#include "experiments/life_sign.h"
#include "experiments/steady_seconds.h"
#include "experiments/worker_pool.h"

namespace bitwright {
namespace {

namespace fs = std::filesystem;

constexpr const char* kJobFile = "/job";  // in an attempt's folder: the name of its job, which may be another trial's
constexpr double kSpareSeconds = 180.0;   // of a job beyond its trainings' limit: start, and the signal before its end
constexpr int kMostSends = 20;            // of one attempt, after which the cluster is at fault
constexpr int kMostStillborn = 3;
constexpr double kPause = 10.0;  // seconds between two looks, beyond which this process is thought to have stood still
constexpr const char* kJobFolder = "job-";

// The last lines of a job's log are what its end is explained by; the newest log where it ran twice.
std::string last_words(const std::string& folder) {
  fs::path newest;
  fs::file_time_type written = fs::file_time_type::min();
  for (const fs::path& file : files_in(folder)) {
    std::error_code gone;
    const auto time = fs::last_write_time(file, gone);
    if (gone || time <= written || !file.filename().string().starts_with("slurm-")) continue;
    newest = file;
    written = time;
  }
  return last_line(newest);
}

std::string minutes(double seconds) {
  return fmt::format("{}", std::max<int64_t>(1, std::llround(std::ceil(seconds / 60.0))));
}

std::vector<std::string> sbatch_options(const ExecutorSpec& spec) {
  std::vector<std::string> options = {"--ntasks=1"};
  if (spec.trial_seconds > 0.0)
    options.push_back("--time=" + minutes(spec.trial_seconds * spec.trials_per_job + kSpareSeconds));
  if (spec.trial_memory_bytes > 0) options.push_back(fmt::format("--mem={}K", (spec.trial_memory_bytes + 1023) / 1024));
  if (!spec.gres.empty()) options.push_back("--gres=" + spec.gres);
  options.insert(options.end(), spec.extra.begin(), spec.extra.end());
  return options;
}

}  // namespace

SlurmExecutor::SlurmExecutor(SlurmExecutorOptions options)
    : options_(std::move(options)),
      name_(fmt::format("bitwright-{}", sha256_hex(options_.study_uuid + options_.folder).substr(0, 16))),
      home_(options_.folder + "/" + name_) {
  BW_CHECK(options_.jobs >= 1 && options_.spec.trials_per_job >= 1);
  check_worker_program(options_.program);
  checkpoints_.emplace(home_ + "/checkpoints", options_.spec.checkpoint_bytes);
  lock_.emplace(home_ + "/lock");
  replace_file(script(), job_script());
}

// Where attempts are left their jobs run on.
SlurmExecutor::~SlurmExecutor() {
  if (!attempts_.empty()) return;
  try {
    cancel_others();
  } catch (const std::exception&) {  // an interrupt, say: what is left in the queue does no harm
  }
  std::error_code ignored;
  fs::remove(script(), ignored);
  fs::remove(home_ + "/lock", ignored);
  checkpoints_.reset();
  fs::remove(home_, ignored);
  fs::remove(options_.folder, ignored);
}

std::string SlurmExecutor::script() const {
  return home_ + "/job.sh";
}

// A job's log lies in a folder of its own: attempts go one by one.
std::string SlurmExecutor::folder_of(const std::string& job) const {
  return home_ + "/" + kJobFolder + job.substr(name_.size() + 1);
}

// Jobs of the study that nobody waits for any more: one that was held after its result was there, say.
void SlurmExecutor::cancel_others() {
  const auto jobs = queue_.jobs();
  if (!jobs) return;
  std::set<std::string> others;
  for (const auto& [name, job] : *jobs)
    if (job.active() && name.starts_with(name_)) others.insert(name);
  queue_.cancel(others);
}

void SlurmExecutor::warn(const std::string& line) const {
  if (options_.on_warning) options_.on_warning(line);
}

std::string SlurmExecutor::folder_of(int64_t number, int attempt) const {
  return fmt::format("{}/t{}-a{}", home_, number, attempt);
}

std::string SlurmExecutor::job_of(const Trial& trial) const {
  return fmt::format("{}-t{}-a{}", name_, trial.number, trial.attempt);
}

SlurmExecutor::Attempt& SlurmExecutor::follow(const Trial& trial) {
  Attempt attempt{.trial = trial,
                  .folder = folder_of(trial.number, trial.attempt),
                  .job = job_of(trial),
                  .life_since = steady_seconds()};
  return attempts_.insert_or_assign(trial.number, std::move(attempt)).first->second;
}

void SlurmExecutor::write_spec(const Attempt& attempt) const {
  make_folder(attempt.folder);
  TrialSpec spec = spec_of(attempt.trial, options_.config_json, options_.recipe);
  spec.checkpoint = checkpoints_->of_trial(spec.number);
  spec.checkpoint_seconds = options_.spec.checkpoint_seconds;
  if (publish(attempt.folder, "spec.json", spec_text(spec))) return;
  const std::string path = attempt.folder + "/spec.json";
  const TrialSpec there = parse_spec(read_file(path));
  if (there.seed != spec.seed || canonical_text(there.network) != canonical_text(spec.network))
    throw StoreError(path + ": another network: a copy of this study was searched here; take another executor.folder");
}

void SlurmExecutor::submit(const Trial& trial) {
  write_spec(follow(trial));
  waiting_.push_back(trial.number);
}

bool SlurmExecutor::adopt(const Trial& trial) {
  Attempt& attempt = follow(trial);
  write_spec(attempt);  // where it is there, it stays
  std::error_code unreadable;
  if (fs::exists(attempt.folder + kJobFile, unreadable)) attempt.job = read_file(attempt.folder + kJobFile);
  return true;
}

// At most one job a call: slurmctld may take its time. A batch is sent once it is full, or nothing else runs.
void SlurmExecutor::send_waiting() {
  if (waiting_.empty()) return;
  const auto most = static_cast<size_t>(options_.spec.trials_per_job);
  std::set<std::string> active;
  for (const auto& [number, attempt] : attempts_)
    if (std::ranges::count(waiting_, number) == 0) active.insert(attempt.job);
  // More will be submitted for these.
  const bool others_come = (!active.empty() || !results_.empty()) && std::ssize(attempts_) < capacity();
  if (std::ssize(active) >= options_.jobs || (others_come && waiting_.size() < most)) return;
  std::vector<Attempt*> batch;
  for (size_t i = 0; i < std::min(most, waiting_.size()); ++i) batch.push_back(&attempts_.at(waiting_[i]));
  waiting_.erase(waiting_.begin(), waiting_.begin() + std::ssize(batch));
  send(batch);
}

// Where slurmctld does not answer, the job is one that the queue does not know.
void SlurmExecutor::send(const std::vector<Attempt*>& batch) {
  const std::string name = job_of(batch.front()->trial);
  SlurmRequest request{.name = name,
                       .folder = folder_of(name),
                       .script = script(),
                       .command = {options_.program, "--batch"},
                       .options = sbatch_options(options_.spec)};
  for (Attempt* attempt : batch) {
    request.command.push_back(attempt->folder);
    attempt->job = request.name;
    replace_file(attempt->folder + kJobFile, request.name);
    attempt->gone_since = -1.0;
    attempt->alive = false;
  }
  make_folder(request.folder);
  cancelled_.erase(request.name);
  lively_.erase(request.name);
  const std::string why_not = queue_.submit(request);
  for (Attempt* attempt : batch) attempt->sends += why_not.empty();
  if (!why_not.empty() && why_not != not_taken_) warn(fmt::format("{}; it is tried again", why_not));
  not_taken_ = why_not;
}

std::optional<TrialResult> SlurmExecutor::wait(double timeout_seconds) {
  send_waiting();
  if (!waiting_.empty()) timeout_seconds = std::min(timeout_seconds, 0.05);
  const double until = steady_seconds() + timeout_seconds;
  while (results_.empty()) {
    const double next = std::max(looked_ + options_.poll_seconds, steady_seconds());
    if (next > until) {
      std::this_thread::sleep_for(std::chrono::duration<double>(until - steady_seconds()));
      return std::nullopt;
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(next - steady_seconds()));
    look();
    looked_ = steady_seconds();
  }
  TrialResult result = std::move(results_.front());
  results_.pop_front();
  return result;
}

// First the folders: a result that is there counts whatever the queue says.
void SlurmExecutor::look() {
  const double gap = steady_seconds() - looked_;
  if (looked_ > 0.0 && gap > options_.poll_seconds + kPause)  // this process stood still: it saw no sign of anyone
    for (auto& [number, attempt] : attempts_) attempt.life_since += gap;
  for (auto it = attempts_.begin(); it != attempts_.end();)
    it = collect(it->second) ? attempts_.erase(it) : std::next(it);
  if (attempts_.empty()) return;
  for (auto& [number, attempt] : attempts_) read_life(attempt);
  const auto jobs = queue_.jobs();
  note_answer(jobs.has_value());
  if (!jobs) return;
  std::vector<int64_t> numbers;
  for (const auto& [number, attempt] : attempts_)
    if (std::ranges::count(waiting_, number) == 0) numbers.push_back(number);
  for (const int64_t number : numbers)
    if (const auto attempt = attempts_.find(number); attempt != attempts_.end()) look_at(attempt->second, *jobs);
}

void SlurmExecutor::note_answer(bool answers) {
  if (!answers && answers_) warn("slurmctld does not answer; jobs that run go on, and it is asked again");
  if (answers && !answers_) warn("slurmctld answers again");
  answers_ = answers;
}

bool SlurmExecutor::collect(Attempt& attempt) {
  const std::string path = attempt.folder + "/result.json";
  std::error_code unreadable;  // as long as the shared folder is away
  if (!fs::exists(path, unreadable)) return false;
  read_life(attempt);
  const TrialReport report = parse_report(read_file(path));
  if (report.number != attempt.trial.number || report.attempt != attempt.trial.attempt)
    throw StoreError(path + ": the result of another trial");
  results_.push_back(result_of(report));
  for (auto& [number, other] : attempts_)
    if (other.job == attempt.job) other.life_since = steady_seconds();
  return true;
}

void SlurmExecutor::read_life(Attempt& attempt) {
  const std::optional<LifeSign> life = read_life_sign(attempt.folder);
  if (!life) return;
  if (life->text != attempt.life) {
    attempt.life = life->text;
    attempt.life_since = steady_seconds();
    attempt.alive = true;
    lively_.insert(attempt.job);
  }
  for (const EpochRecord& epoch : life->epochs) {
    if (epoch.epoch <= attempt.last_epoch) continue;
    attempt.last_epoch = epoch.epoch;
    epochs_.push_back({attempt.trial.number, attempt.trial.attempt, epoch});
  }
}

void SlurmExecutor::look_at(Attempt& attempt, const std::map<std::string, SlurmJob>& jobs) {
  const auto found = jobs.find(attempt.job);
  const bool known = found != jobs.end() && found->second.id != attempt.judged;
  const SlurmJob* job = known ? &found->second : nullptr;
  if (job && job->active()) {
    attempt.gone_since = -1.0;
    if (job->held_by_failure() || cancelled_.contains(attempt.job)) return queue_.cancel({attempt.job});
    note_reason(*job);
    if (const std::string why = judge_work(attempt, *job); !why.empty()) cancel_and_fail(attempt, why);
    return;
  }
  if (attempt.gone_since < 0.0) attempt.gone_since = steady_seconds();
  if (steady_seconds() - attempt.gone_since >= options_.spec.result_grace_seconds) judge_end(attempt, job);
}

// Why it must end; empty: it may go on. A node that is frozen, or cut off from the folder, looks to Slurm like one at
// work. Of a batch one trial shows life.
std::string SlurmExecutor::judge_work(Attempt& attempt, const SlurmJob& job) {
  const double lease = options_.spec.lease_seconds, limit = options_.spec.trial_seconds, now = steady_seconds();
  const double since = std::exchange(attempt.judged_at, now);
  if (job.state != "RUNNING") {
    attempt.life_since = now;
    return "";
  }
  if (attempt.alive && since > 0.0) attempt.ran_seconds += std::min(now - since, options_.poll_seconds + kPause);
  if (limit > 0.0 && attempt.ran_seconds > limit)
    return fmt::format("it took longer than executor.trial_time = {:g} s on {}", limit, job.node);
  const bool silent = lease > 0.0 && now - attempt.life_since >= lease && &attempt == &latest_of(attempt.job);
  return silent ? fmt::format("no sign of life for {:g} s on {}", lease, job.node) : "";
}

// Of a batch that which it is at: whose life changed last.
const SlurmExecutor::Attempt& SlurmExecutor::latest_of(const std::string& job) const {
  const Attempt* latest = nullptr;
  for (const auto& [number, attempt] : attempts_)
    if (attempt.job == job && (!latest || attempt.life_since > latest->life_since)) latest = &attempt;
  BW_CHECK(latest);
  return *latest;
}

// Why it waits, where that is not just for its turn.
void SlurmExecutor::note_reason(const SlurmJob& job) {
  static const std::set<std::string> kTurns = {"None", "Resources", "Priority", "BeginTime", "Cleaning", ""};
  std::string& noted = reasons_[job.name];
  const std::string reason = job.state == "PENDING" && !kTurns.contains(job.reason) ? job.reason : "";
  if (std::exchange(noted, reason) != reason && !reason.empty()) warn(fmt::format("job {} waits: {}", job.id, reason));
}

// Others of its batch are sent again, once the queue says that their job is over.
void SlurmExecutor::cancel_and_fail(Attempt& attempt, const std::string& why) {
  queue_.cancel({attempt.job});
  cancelled_.insert(attempt.job);
  fail(attempt, why);
}

// Of a job that the queue does not know, or says has ended, without a result.
void SlurmExecutor::judge_end(Attempt& attempt, const SlurmJob* job) {
  job && !job->lost_without_fault() ? judge_failure(attempt, *job) : send_again(attempt, job);
}

// What is wrong with the user's data, disk or nodes ends the search, unless it may have been mended since: then the job
// was sent by an earlier call.
void SlurmExecutor::judge_failure(Attempt& attempt, const SlurmJob& job) {
  const std::string words = last_words(folder_of(attempt.job));
  const std::string what =
      fmt::format("job {} ended on {}: {}{}", job.id, job.node, job.state, words.empty() ? "" : ": " + words);
  const bool config = job.exit_code == static_cast<int>(ExitCode::kConfig);
  const bool disk = job.exit_code == static_cast<int>(ExitCode::kStore);
  if ((config || disk) && attempt.sends == 0) return send_again(attempt, &job);
  if (config) throw ConfigError(what);
  if (disk)
    throw StoreError(words.empty() ? fmt::format("{}: exit code 4: is the disk of {} full?", what, home_) : what);
  if (attempt.alive) return fail(attempt, what);
  if (lively_.contains(attempt.job)) return send_again(attempt, &job);  // another one of its batch failed
  if (++attempt.stillborn >= kMostStillborn)
    throw StoreError(fmt::format("{}: the {}. job that failed before its training began; does {} see {}, and {}?", what,
                                 attempt.stillborn, job.node, home_, options_.program));
  warn(what + ": before its training began; it is sent again");
  send_again(attempt, &job);
}

void SlurmExecutor::send_again(Attempt& attempt, const SlurmJob* job) {
  if (attempt.sends >= kMostSends)
    throw StoreError(fmt::format("executor: job {} was sent {} times and never came through{}", attempt.job,
                                 attempt.sends, job ? ": " + job->state + ", " + job->reason : ""));
  if (job) attempt.judged = job->id;
  attempt.gone_since = -1.0;
  waiting_.push_back(attempt.trial.number);
}

void SlurmExecutor::fail(Attempt& attempt, const std::string& why) {
  results_.push_back({.number = attempt.trial.number, .attempt = attempt.trial.attempt, .failure = why});
  attempts_.erase(attempt.trial.number);
}

std::vector<TrialEpoch> SlurmExecutor::take_epochs() {
  return std::exchange(epochs_, {});
}

void SlurmExecutor::stop() {
  std::set<std::string> names;
  for (const auto& [number, attempt] : attempts_) names.insert(attempt.job);
  queue_.cancel(names);
  attempts_.clear();
  waiting_.clear();
}

// Its attempts' folders are needed no more.
void SlurmExecutor::stored(const Trial& trial) {
  std::error_code ignored;
  for (int attempt = 1; attempt <= trial.attempt; ++attempt) fs::remove_all(folder_of(trial.number, attempt), ignored);
  std::set<std::string> wanted;
  for (const auto& [number, attempt] : attempts_) wanted.insert(folder_of(attempt.job));
  for (const fs::path& folder : files_in(home_))
    if (folder.filename().string().starts_with(kJobFolder) && !wanted.contains(folder.string()))
      fs::remove_all(folder, ignored);
  checkpoints_->stored(trial);
}

void SlurmExecutor::keep_only(const std::set<int64_t>& trials) const {
  checkpoints_->keep_only(trials);
  std::error_code ignored;
  for (const fs::path& folder : files_in(home_)) {
    const std::string name = folder.filename();
    if (name.starts_with('t') && !trials.contains(std::atoll(name.c_str() + 1))) fs::remove_all(folder, ignored);
  }
}

}  // namespace bitwright

// A study killed anywhere goes on to the rows of one that was never killed.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "tests/search/small_space.h"

namespace bitwright {
namespace {

// Everything of a store that must not depend on kills: not times, not attempts.
std::string rows(const TrialStore& store) {
  std::string text;
  for (const Trial& t : store.finished()) {
    text += fmt::format("{} {} {} {} {} {} {} {}", t.number, trial_state_name(t.state), t.candidate.hash, t.source,
                        t.seed, t.ask_watermark, t.rejected, t.metrics.accuracy);
    for (const auto& [name, value] : t.candidate.parameters) text += " " + name + "=" + value;
    for (const EpochRecord& e : t.epochs)
      text += fmt::format(" {}:{}:{}", e.epoch, e.train_loss, e.validation_accuracy);
    text += " " + store.artifact(t.number, "model").value_or("-") + "\n";
  }
  for (const auto& [rule, count] : store.rejected()) text += fmt::format("{} {}\n", rule, count);
  return text;
}

struct Killed {};

// Counts the steps of a study and throws at the one told: what a kill leaves, without a new process.
class Fuse {
 public:
  explicit Fuse(int64_t burns_at) : burns_at_(burns_at) {}
  void step() {
    if (steps_++ == burns_at_) throw Killed{};
  }
  int64_t steps() const { return steps_; }

 private:
  int64_t burns_at_;
  int64_t steps_ = 0;
};

class FusedExecutor : public ToyExecutor {
 public:
  explicit FusedExecutor(Fuse& fuse) : fuse_(fuse) {}
  void submit(const Trial& trial) override {
    fuse_.step();
    ToyExecutor::submit(trial);
  }
  std::optional<TrialResult> wait(double seconds) override {
    fuse_.step();
    return ToyExecutor::wait(seconds);
  }

 private:
  Fuse& fuse_;
};

class FusedSampler : public Sampler {
 public:
  FusedSampler(Fuse& fuse, std::unique_ptr<Sampler> sampler) : fuse_(fuse), sampler_(std::move(sampler)) {}
  Proposal ask(int64_t number, int64_t attempt) override {
    fuse_.step();
    return sampler_->ask(number, attempt);
  }
  void tell(const Trial& trial) override {
    fuse_.step();
    sampler_->tell(trial);
  }

 private:
  Fuse& fuse_;
  std::unique_ptr<Sampler> sampler_;
};

void run_fused(const std::string& path, const Study& study, Fuse& fuse) {
  const SearchSpace space = space_of(large_spec());
  FusedSampler sampler(fuse, make_sampler(study.search, space, study.objectives));
  FusedExecutor executor(fuse);
  CandidateRules rules = toy_rules(/*max_flash_bytes=*/600);
  rules.estimate = [&](const Network& n) { return fuse.step(), toy_estimates(n); };
  StudyHooks hooks;
  hooks.on_start = [&](const Trial&) { fuse.step(); };
  hooks.on_finish = [&](const Trial&, const StudyProgress&) { fuse.step(); };
  TrialStore store = TrialStore::create_or_open(path, toy_record(study));
  run_study(study, space, sampler, executor, store, rules, hooks);
}

TEST(Study, ResumesToTheSameRowsAfterAKillAtEveryStep) {
  const Study study = toy_study(12, "evolution");
  const TemporaryFolder folder;
  Fuse never(-1);
  run_fused(folder.file("whole.db"), study, never);
  const std::string expected = rows(TrialStore::open_read_only(folder.file("whole.db")));
  ASSERT_GT(never.steps(), 80);
  for (int64_t step = 0; step < never.steps(); ++step) {
    const std::string path = folder.file("killed" + std::to_string(step) + ".db");
    Fuse fuse(step);
    EXPECT_THROW(run_fused(path, study, fuse), Killed);
    Fuse again(-1);
    run_fused(path, study, again);
    EXPECT_EQ(rows(TrialStore::open_read_only(path)), expected) << "killed at step " << step;
  }
}

// Each finished trial is acknowledged by its number in the pipe, after the store has it.
[[noreturn]] void search_in_child(const std::string& path, const Study& study, int acknowledge) {
  const SearchSpace space = space_of(large_spec());
  const auto sampler = make_sampler(study.search, space, study.objectives);
  ToyExecutor executor;
  StudyHooks hooks;
  hooks.on_finish = [&](const Trial& trial, const StudyProgress&) {
    if (write(acknowledge, &trial.number, sizeof trial.number) != sizeof trial.number) _exit(3);
  };
  try {
    TrialStore store = TrialStore::create_or_open(path, toy_record(study));
    run_study(study, space, *sampler, executor, store, toy_rules(600), hooks);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    _exit(2);
  }
  _exit(0);
}

// True if the child was killed, false if it ended by itself.
bool run_and_kill(const std::string& path, const Study& study, int acknowledge, std::chrono::microseconds after) {
  const pid_t child = fork();
  if (child == 0) search_in_child(path, study, acknowledge);
  std::this_thread::sleep_for(after);
  kill(child, SIGKILL);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  if (WIFEXITED(status)) {
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  return WIFSIGNALED(status);
}

std::vector<int64_t> drain(int descriptor) {
  std::vector<int64_t> numbers;
  int64_t number = 0;
  while (read(descriptor, &number, sizeof number) == sizeof number) numbers.push_back(number);
  return numbers;
}

TEST(Study, LosesAndRepeatsNoFinishedTrialOverFiftyKillsOfItsProcess) {
  constexpr int kKills = 50;
  const TemporaryFolder folder;
  const std::string path = folder.file("killed.db");
  const Study endless = toy_study(1000000, "evolution");
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_NONBLOCK), 0);
  Rng rng(41);
  std::map<int64_t, int> acknowledged;
  for (int kills = 0; kills < kKills;) {
    kills += run_and_kill(path, endless, pipe_ends[1], std::chrono::microseconds(rng.below(40000)));
    for (int64_t number : drain(pipe_ends[0])) ++acknowledged[number];
    if (!std::filesystem::exists(path) || kills == 0) continue;
    try {
      const TrialStore store = TrialStore::open_read_only(path);
      EXPECT_EQ(store.integrity(), "");
      for (const auto& [number, times] : acknowledged) {
        EXPECT_EQ(times, 1) << number;
        EXPECT_EQ(store.trial(number).state, TrialState::kComplete);
      }
    } catch (const StoreError& e) {
      EXPECT_TRUE(acknowledged.empty()) << e.what();  // killed before there was a store
    }
  }
  close(pipe_ends[0]);
  close(pipe_ends[1]);

  // Ended by itself, it holds what a search without kills holds.
  const int trials = static_cast<int>(TrialStore::open_read_only(path).size()) + 5;
  ASSERT_GT(acknowledged.size(), 20u);
  Fuse never(-1);
  run_fused(path, toy_study(trials, "evolution"), never);
  run_fused(folder.file("whole.db"), toy_study(trials, "evolution"), never);
  EXPECT_EQ(rows(TrialStore::open_read_only(path)), rows(TrialStore::open_read_only(folder.file("whole.db"))));
}

}  // namespace
}  // namespace bitwright

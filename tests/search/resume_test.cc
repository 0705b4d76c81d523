// A study killed anywhere goes on to the rows of one that was never killed.
// SPDX-License-Identifier: Apache-2.0
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
  for (const Trial& t : store.results()) {
    text += fmt::format("{} {} {} {} {} {} {} {} {}", t.number, trial_state_name(t.state), t.fidelity, t.candidate.hash,
                        t.source, t.seed, t.ask_watermark, t.rejected, t.metrics.accuracy);
    text += fmt::format(" {} {}", t.provenance.source, fmt::join(t.provenance.parents, " "));
    if (t.provenance.opinion) text += fmt::format(" {}", t.provenance.opinion->log_acquisition);
    for (const auto& [rule, count] : t.provenance.rejected) text += fmt::format(" {} {}", rule, count);
    for (const auto& [name, value] : t.candidate.parameters) text += " " + name + "=" + value;
    for (const EpochRecord& e : t.epochs)
      text += fmt::format(" {}:{}:{}", e.epoch, e.train_loss, e.validation_accuracy);
    for (const auto& [name, boards] : t.measured)
      for (const auto& [board, cost] : boards) text += fmt::format(" {} {} {}", name, cost.estimated, cost.measured);
    for (const Violation& v : t.violations) text += " " + v.message;
    text += " " + store.artifact(t.number, "model").value_or("-") + "\n";
  }
  for (const Continuation& c : store.continuations())
    text += fmt::format("{} {} {} {} {}\n", c.trial, c.fidelity, c.next_trial, c.ask_watermark, c.provenance.source);
  for (const auto& [rule, count] : store.rejected()) text += fmt::format("{} {}\n", rule, count);
  for (const Event& event : store.events())
    if (event.kind == "margin") text += event.json + "\n";
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
  void begin(const Trial& trial) override {
    fuse_.step();
    sampler_->begin(trial);
  }
  void tell(const Trial& trial) override {
    fuse_.step();
    sampler_->tell(trial);
  }

 private:
  Fuse& fuse_;
  std::unique_ptr<Sampler> sampler_;
};

void run_fused(const std::string& path, const Study& study, Fuse& fuse, bool measures = false) {
  const SearchSpace space = space_of(large_spec());
  CandidateRules rules = toy_rules(/*max_flash_bytes=*/600);
  if (measures) rules.margins = std::make_shared<CostMargins>();
  FusedSampler sampler(fuse, make_sampler(study.search, space, goals_of(study), rules));
  FusedExecutor executor(fuse);
  rules.estimate = [&](const Network& n) { return fuse.step(), toy_estimates(n); };
  StudyHooks hooks;
  hooks.on_start = [&](const Trial&) { fuse.step(); };
  hooks.on_finish = [&](const Trial&, const StudyProgress&) { fuse.step(); };
  if (measures) hooks.measure = [&](const Trial& t, const auto&) { return fuse.step(), toy_measurement(t); };
  TrialStore store = TrialStore::create_or_open(path, toy_record(study));
  run_study(study, space, sampler, executor, store, rules, hooks);
}

struct Resumed {
  const char* sampler;
  int trials, every;  // step at which it is killed
  std::vector<double> rungs{};
  bool measures = false;
};

class ResumedStudy : public testing::TestWithParam<Resumed> {};

TEST_P(ResumedStudy, HasTheSameRowsWhereverItWasKilled) {
  Study study = toy_study(GetParam().trials, GetParam().sampler);
  study.search.population = 4;
  study.search.rungs = GetParam().rungs;
  const bool measures = GetParam().measures;
  const TemporaryFolder folder;
  Fuse never(-1);
  run_fused(folder.file("whole.db"), study, never, measures);
  const std::string expected = rows(TrialStore::open_read_only(folder.file("whole.db")));
  ASSERT_GT(never.steps(), 50);
  for (int64_t step = 0; step < never.steps(); step += GetParam().every) {
    const std::string path = folder.file("killed" + std::to_string(step) + ".db");
    Fuse fuse(step);
    EXPECT_THROW(run_fused(path, study, fuse, measures), Killed);
    Fuse again(-1);
    run_fused(path, study, again, measures);
    EXPECT_EQ(rows(TrialStore::open_read_only(path)), expected) << "killed at step " << step;
  }
}

// Half of the evolution's trials are mutations; the last two are the model's, which takes longer.
INSTANTIATE_TEST_SUITE_P(Samplers, ResumedStudy,
                         testing::Values(Resumed{"evolution", 8, 1}, Resumed{"bayesian", 12, 11},
                                         Resumed{"evolution", 12, 5, {0.2, 0.5}}, Resumed{"evolution", 8, 1, {}, true},
                                         Resumed{"sobol", 8, 3, {}, true}, Resumed{"bayesian", 12, 17, {0.2}, true}),
                         [](const auto& tested) {
                           return tested.param.sampler + std::string(tested.param.rungs.empty() ? "" : "_at_rungs") +
                                  (tested.param.measures ? "_measured" : "");
                         });

// Each finished trial is acknowledged by its number in the pipe, after the store has it.
[[noreturn]] void search_in_child(const std::string& path, const Study& study, int acknowledge) {
  const SearchSpace space = space_of(large_spec());
  const auto sampler = make_sampler(study.search, space, goals_of(study), toy_rules(600));
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

using Seconds = std::chrono::duration<double>;

// A search in a process of its own, and the trials that it said were finished.
class Child {
 public:
  Child(const std::string& path, const Study& study) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("pipe failed");
    from_ = ends[0];
    pid_ = fork();
    if (pid_ == 0) search_in_child(path, study, ends[1]);
    close(ends[1]);
  }
  ~Child() { close(from_); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Waits for the next `count` finished trials; the time that they took.
  Seconds wait_for(int count) {
    const auto start = std::chrono::steady_clock::now();
    while (count-- > 0 && read_one()) {
    }
    return std::chrono::steady_clock::now() - start;
  }
  // All that it acknowledged in its life.
  std::vector<int64_t> killed() {
    kill(pid_, SIGKILL);
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    EXPECT_TRUE(WIFSIGNALED(status)) << "ended by itself with " << WEXITSTATUS(status);
    while (read_one()) {
    }
    return acknowledged_;
  }

 private:
  bool read_one() {
    int64_t number = 0;
    if (read(from_, &number, sizeof number) != sizeof number) return false;
    acknowledged_.push_back(number);
    return true;
  }

  int from_ = -1;
  pid_t pid_ = -1;
  std::vector<int64_t> acknowledged_;
};

// Times to wait before a kill follow the machine: up to a first trial, or within two trials after some others.
TEST(Study, LosesAndRepeatsNoFinishedTrialOverFiftyKillsOfItsProcess) {
  constexpr int kKills = 50;
  const TemporaryFolder folder;
  const std::string path = folder.file("killed.db");
  const Study endless = toy_study(1000000, "evolution");
  std::map<int64_t, int> acknowledged;
  const auto note = [&](const std::vector<int64_t>& numbers) {
    for (int64_t number : numbers) ++acknowledged[number];
  };
  Child warm_up(path, endless);
  const Seconds start = warm_up.wait_for(1), per_trial = warm_up.wait_for(5) / 5;
  note(warm_up.killed());
  Rng rng(41);
  for (int kills = 1; kills < kKills; ++kills) {
    Child child(path, endless);
    const int trials = static_cast<int>(rng.below(4));
    child.wait_for(trials);
    std::this_thread::sleep_for(rng.uniform() * (trials == 0 ? start : 2 * per_trial));
    note(child.killed());
    const TrialStore store = TrialStore::open_read_only(path);
    EXPECT_EQ(store.integrity(), "");
    EXPECT_LE(store.running().size(), 1u);
    for (const auto& [number, times] : acknowledged) {
      EXPECT_EQ(times, 1) << number;
      EXPECT_EQ(store.trial(number).state, TrialState::kComplete);
    }
  }
  EXPECT_GE(acknowledged.size(), 50u);  // 1.5 a kill on average: most kills met a search at work

  // Ended by itself, it holds what a search without kills holds.
  const int trials = static_cast<int>(TrialStore::open_read_only(path).size()) + 5;
  Fuse never(-1);
  run_fused(path, toy_study(trials, "evolution"), never);
  run_fused(folder.file("whole.db"), toy_study(trials, "evolution"), never);
  EXPECT_EQ(rows(TrialStore::open_read_only(path)), rows(TrialStore::open_read_only(folder.file("whole.db"))));
}

}  // namespace
}  // namespace bitwright

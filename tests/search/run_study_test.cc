// SPDX-License-Identifier: Apache-2.0
#include "search/run_study.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "search/pareto.h"
#include "tests/search/small_space.h"

namespace bitwright {
namespace {

// A study in a file of its own, run as often as the test asks.
class StudyTest : public testing::Test {
 protected:
  StudyOutcome run(const Study& study, TrialExecutor& executor, const CandidateRules& rules,
                   const StudyHooks& hooks = {}, const SpaceSpec& spec = large_spec()) {
    const SearchSpace space = space_of(spec);
    const auto sampler = make_sampler(study.search, space, goals_of(study), rules);
    TrialStore store = TrialStore::create_or_open(path(), toy_record(study));
    return run_study(study, space, *sampler, executor, store, rules, hooks);
  }
  StudyOutcome run(const Study& study, const CandidateRules& rules = toy_rules()) {
    ToyExecutor executor;
    return run(study, executor, rules);
  }
  TrialStore stored() const { return TrialStore::open_read_only(path()); }
  std::string path() const { return folder_.file("study.db"); }

 private:
  TemporaryFolder folder_;
};

TEST_F(StudyTest, RunsAsManyTrialsAsAskedAndStoresEachWhole) {
  const StudyOutcome outcome = run(toy_study(25, "evolution"));
  EXPECT_EQ(outcome.reason, StopReason::kTrialsDone);
  EXPECT_EQ(outcome.progress.complete, 25);
  const TrialStore store = stored();
  const std::vector<Trial> trials = store.trials();
  ASSERT_EQ(trials.size(), 25u);
  std::set<std::string> hashes;
  for (const Trial& t : trials) {
    EXPECT_EQ(t.state, TrialState::kComplete);
    EXPECT_EQ(t.metrics.accuracy, toy_accuracy(t.candidate.network, t.seed));
    EXPECT_EQ(t.estimates.flash_bytes, toy_estimates(t.candidate.network).flash_bytes);
    EXPECT_EQ(t.estimates.layers.size(), toy_estimates(t.candidate.network).layers.size());
    EXPECT_EQ(t.epochs.size(), 2u);
    EXPECT_EQ(t.ask_watermark, t.number);  // one at a time: each has seen all before it
    EXPECT_EQ(store.artifact(t.number, "model"), "codes of " + t.candidate.hash);
    hashes.insert(t.candidate.hash);
  }
  EXPECT_EQ(hashes.size(), 25u);
  EXPECT_EQ(store.integrity(), "");
}

TEST_F(StudyTest, TrainsNothingThatBreaksALimitAndCountsWhatItPassedOver) {
  run(toy_study(30), toy_rules(/*max_flash_bytes=*/400));
  const TrialStore store = stored();
  int64_t passed_over = 0;
  for (const Trial& t : store.trials()) {
    EXPECT_LE(t.estimates.flash_bytes, 400);
    passed_over += t.rejected;
  }
  std::map<std::string, int64_t> rejected = store.rejected();
  EXPECT_EQ(rejected["flash"] + rejected["structure"], passed_over);  // none breaks both: what is not sound has no cost
  EXPECT_GT(passed_over, 0);
}

TEST_F(StudyTest, EndsWithNothingFitsWhereNoCandidateFits) {
  ToyExecutor executor;
  const StudyOutcome outcome = run(toy_study(5), executor, toy_rules(/*max_flash_bytes=*/1));
  EXPECT_EQ(outcome.reason, StopReason::kNothingFits);
  EXPECT_TRUE(executor.submitted().empty());
  EXPECT_EQ(stored().size(), 0);
}

TEST_F(StudyTest, TriesEveryPointOfASmallSpaceOnceAndStops) {
  SpaceSpec spec = small_spec();
  spec.max_blocks = 1;  // 96 points
  ToyExecutor executor;
  const StudyOutcome outcome = run(toy_study(1000, "evolution"), executor, toy_rules(), {}, spec);
  EXPECT_EQ(outcome.reason, StopReason::kSpaceExhausted);
  EXPECT_EQ(space_of(spec).size(), 96.0);
  EXPECT_EQ(outcome.progress.complete, 96);
}

TEST_F(StudyTest, EndsWithSpaceExhaustedWhereAllThatFitsHasBeenTried) {
  SpaceSpec spec = small_spec();
  spec.max_blocks = 1;
  ToyExecutor executor;
  const StudyOutcome outcome = run(toy_study(1000), executor, toy_rules(/*max_flash_bytes=*/140), {}, spec);
  EXPECT_EQ(outcome.reason, StopReason::kSpaceExhausted);
  EXPECT_GT(outcome.progress.complete, 0);
  EXPECT_LT(outcome.progress.complete, 96);
}

TEST_F(StudyTest, StopsAtItsBudgetOfWallTimeAndFinishesWhatRuns) {
  double clock = 0.0;
  StudyHooks hooks;
  hooks.now = [&] { return clock; };
  hooks.on_start = [&](const Trial&) { clock += 10.0; };
  Study study = toy_study(1000);
  study.search.budget_seconds = 65.0;
  ToyExecutor executor;
  const StudyOutcome outcome = run(study, executor, toy_rules(), hooks);
  EXPECT_EQ(outcome.reason, StopReason::kBudgetSpent);
  EXPECT_EQ(outcome.progress.complete, 7);
  EXPECT_EQ(stored().running().size(), 0u);
  EXPECT_EQ(run(study, executor, toy_rules(), hooks).progress.complete, 14);  // the budget is that of one call
}

// Ten CPU seconds a trial, at 20 W.
class ThirstyExecutor : public ToyExecutor {
 protected:
  TrialResult result_of(const Trial& trial) override {
    TrialResult result = ToyExecutor::result_of(trial);
    result.train_seconds = 10.0;
    return result;
  }
};

TEST_F(StudyTest, StopsAtItsBudgetOfEnergyAndGoesOnWithMore) {
  Study study = toy_study(1000);
  study.search.machine_power_w = 20.0;
  study.search.energy_budget_j = 1000.0;
  ThirstyExecutor executor;
  const StudyOutcome outcome = run(study, executor, toy_rules());
  EXPECT_EQ(outcome.reason, StopReason::kEnergySpent);
  EXPECT_EQ(outcome.progress.complete, 5);
  EXPECT_EQ(run(study, executor, toy_rules()).progress.complete, 5);  // the budget is the study's
  study.search.energy_budget_j = 1300.0;
  EXPECT_EQ(run(study, executor, toy_rules()).progress.complete, 7);
}

// Expects of every candidate the same share of the front, and proposes at random.
class SoberSampler : public Sampler {
 public:
  SoberSampler(std::unique_ptr<Sampler> sampler, double gain) : sampler_(std::move(sampler)), gain_(gain) {}
  Proposal ask(int64_t number, int64_t attempt) override {
    Proposal proposal = sampler_->ask(number, attempt);
    proposal.provenance = {.source = "model",
                           .opinion = Opinion{.log_acquisition = std::log(gain_), .hypervolume = 1.0}};
    return proposal;
  }
  void begin(const Trial& trial) override { sampler_->begin(trial); }
  void tell(const Trial& trial) override { sampler_->tell(trial); }

 private:
  std::unique_ptr<Sampler> sampler_;
  double gain_;
};

TEST_F(StudyTest, StopsWhereTheModelExpectsTooLittleAndGoesOnWithALowerLimit) {
  Study study = toy_study(90);
  study.search.least_gain = 0.001;
  const SearchSpace space = space_of(large_spec());
  const auto run_sober = [&](double gain) {
    SoberSampler sampler(make_sampler(study.search, space, goals_of(study), toy_rules()), gain);
    ToyExecutor executor;
    TrialStore store = TrialStore::create_or_open(path(), toy_record(study));
    return run_study(study, space, sampler, executor, store, toy_rules());
  };
  const StudyOutcome outcome = run_sober(0.0009);
  EXPECT_EQ(outcome.reason, StopReason::kNothingToGain);
  EXPECT_EQ(outcome.progress.complete, 51);            // the 51st had seen fifty
  EXPECT_EQ(run_sober(0.0009).progress.complete, 51);  // as the rows say
  study.search.least_gain = 0.0005;
  EXPECT_EQ(run_sober(0.0009).reason, StopReason::kTrialsDone);
  EXPECT_EQ(stored().size(), 90);
}

// ---- trainings that stop at rungs ----

Study halved_study(int trials, const std::string& sampler) {
  Study study = toy_study(trials, sampler);
  study.search.rungs = {0.1, 0.3};
  return study;
}

TEST_F(StudyTest, StopsTrainingsAtRungsAndCountsThemByTheirEpochs) {
  ToyExecutor executor(2);
  const StudyOutcome outcome = run(halved_study(40, "random"), executor, toy_rules());
  EXPECT_EQ(outcome.reason, StopReason::kTrialsDone);
  const TrialStore store = stored();
  double epochs = 0.0;
  int64_t complete = 0;
  for (const Trial& trial : store.trials()) {
    epochs += trial.fidelity;
    complete += trial.state == TrialState::kComplete;
    EXPECT_NE(trial.state, TrialState::kRunning);
    EXPECT_EQ(trial.fidelity == 1.0, trial.state == TrialState::kComplete);
    EXPECT_EQ(store.artifact(trial.number, "model").has_value(), trial.state == TrialState::kComplete);
  }
  EXPECT_GE(epochs, 40.0 - 1e-9);
  EXPECT_LT(epochs, 41.0);
  EXPECT_NEAR(outcome.progress.trained, epochs, 1e-9);
  EXPECT_GT(store.size(), 60);  // of which a third went on, and a third of these
  EXPECT_EQ(outcome.progress.complete, complete);
  EXPECT_EQ(outcome.progress.stopped, std::ssize(store.stopped()));
  EXPECT_EQ(outcome.progress.complete + outcome.progress.stopped, store.size());
  EXPECT_EQ(std::ssize(store.results()), store.size() + std::ssize(store.continuations()));
  EXPECT_EQ(run(halved_study(40, "random"), executor, toy_rules()).progress.complete,
            complete);  // nothing is left to do
}

// More at once than there are networks: none is left at a rung that would have been trained to the end alone.
TEST_F(StudyTest, WaitsForWhatStopsBeforeItGivesUp) {
  SpaceSpec spec = small_spec();
  spec.max_blocks = 1;
  spec.block.channels = {2};
  spec.hidden = {0};
  ToyExecutor executor(64);
  const StudyOutcome outcome = run(halved_study(1000, "random"), executor, toy_rules(), {}, spec);
  EXPECT_EQ(outcome.reason, StopReason::kSpaceExhausted);
  EXPECT_EQ(stored().size(), static_cast<int64_t>(space_of(spec).size()));
  EXPECT_GE(outcome.progress.complete, 10);
}

// At rungs the worst networks look best.
class MisleadingExecutor : public ToyExecutor {
 protected:
  TrialResult result_of(const Trial& trial) override {
    TrialResult result = ToyExecutor::result_of(trial);
    if (trial.fidelity < 0.2) result.metrics.accuracy = 1.0 - result.metrics.accuracy;
    return result;
  }
};

TEST_F(StudyTest, ARungThatForetellsNothingIsGivenUpWithItsReason) {
  for (const char* sampler : {"random", "bayesian"}) {
    const TemporaryFolder folder;
    const Study study = halved_study(14, sampler);
    const SearchSpace space = space_of(large_spec());
    std::vector<GivenUpRung> given_up;
    StudyHooks hooks;
    hooks.on_given_up_rung = [&](const GivenUpRung& rung) { given_up.push_back(rung); };
    for (const int trials : {12, 14}) {  // in two calls: said once
      Study part = study;
      part.search.trials = trials;
      const auto fresh = make_sampler(part.search, space, goals_of(part), toy_rules());
      TrialStore store = TrialStore::create_or_open(folder.file("study.db"), toy_record(part));
      MisleadingExecutor executor;
      run_study(part, space, *fresh, executor, store, toy_rules(), hooks);
    }
    ASSERT_EQ(given_up.size(), 1u) << sampler;
    EXPECT_EQ(given_up[0].fidelity, 0.1);
    EXPECT_LT(given_up[0].correlation, 0.5);
    const TrialStore store = TrialStore::open_read_only(folder.file("study.db"));
    int events = 0;
    for (const Event& event : store.events()) events += event.kind == "gave up rung";
    EXPECT_EQ(events, 1) << sampler;
    EXPECT_EQ(store.trials().back().fidelity >= 0.3, true) << sampler;
  }
}

TEST_F(StudyTest, GoesOnWhereMoreTrialsAreAskedFor) {
  run(toy_study(10, "evolution"));
  run(toy_study(10, "evolution"));
  EXPECT_EQ(stored().size(), 10);
  run(toy_study(18, "evolution"));
  const std::vector<Trial> in_two = stored().trials();
  ASSERT_EQ(in_two.size(), 18u);
  const TemporaryFolder other;
  const Study study = toy_study(18, "evolution");
  const SearchSpace space = space_of(large_spec());
  const auto sampler = make_sampler(study.search, space, goals_of(study), toy_rules());
  TrialStore store = TrialStore::create_or_open(other.file("study.db"), toy_record(study));
  ToyExecutor executor;
  run_study(study, space, *sampler, executor, store, toy_rules());
  for (const Trial& t : store.trials()) EXPECT_EQ(t.candidate.hash, in_two[t.number].candidate.hash);
}

TEST_F(StudyTest, OfferingAStopFinishesRunningTrialsAndASecondOneLeavesThem) {
  ToyExecutor executor(3);
  int started = 0;
  StopRequest wanted = StopRequest::kFinishRunning;
  StudyHooks hooks;
  hooks.on_start = [&](const Trial&) { ++started; };
  hooks.stop_request = [&] { return started >= 6 ? wanted : StopRequest::kNone; };
  EXPECT_EQ(run(toy_study(100), executor, toy_rules(), hooks).reason, StopReason::kStopped);
  EXPECT_EQ(stored().size(), 6);
  EXPECT_EQ(stored().running().size(), 0u);
  started = 4;
  wanted = StopRequest::kNow;
  EXPECT_EQ(run(toy_study(100), executor, toy_rules(), hooks).reason, StopReason::kStopped);
  EXPECT_EQ(executor.stops(), 1);
  EXPECT_EQ(stored().running().size(), 2u);
  started = -1000;
  ToyExecutor next(3);
  EXPECT_EQ(run(toy_study(20), next, toy_rules(), hooks).progress.complete, 20);
  EXPECT_EQ(next.submitted().begin()->first, 6);  // the interrupted ones were taken up again
  EXPECT_EQ(stored().trial(6).attempt, 2);
}

// Trials that an earlier call had submitted come to their end all the same.
class AdoptingExecutor : public ToyExecutor {
 public:
  bool adopt(const Trial& trial) override {
    ToyExecutor::submit(trial);
    return true;
  }
  void stored(const Trial& trial) override { stored_.push_back(trial.number); }
  const std::vector<int64_t>& all_stored() const { return stored_; }

 private:
  std::vector<int64_t> stored_;
};

TEST_F(StudyTest, WhatTheExecutorAdoptsIsNotBegunAgain) {
  ToyExecutor executor(3);
  StudyHooks hooks;
  int started = 0;
  hooks.on_start = [&](const Trial&) { ++started; };
  hooks.stop_request = [&] { return started >= 4 ? StopRequest::kNow : StopRequest::kNone; };
  run(toy_study(10), executor, toy_rules(), hooks);
  ASSERT_GT(stored().running().size(), 1u);
  const size_t finished = stored().finished().size();
  AdoptingExecutor adopting;
  EXPECT_EQ(run(toy_study(10), adopting, toy_rules()).progress.complete, 10);
  for (const Trial& trial : stored().trials()) EXPECT_EQ(trial.attempt, 1);
  EXPECT_EQ(finished + adopting.all_stored().size(), 10u);
}

TEST_F(StudyTest, AStopEndsTheSearchForAFirstCandidateThatFits) {
  int asked = 0;
  StudyHooks hooks;
  hooks.stop_request = [&] { return ++asked > 50 ? StopRequest::kFinishRunning : StopRequest::kNone; };
  ToyExecutor executor;
  const StudyOutcome outcome = run(toy_study(5), executor, toy_rules(/*max_flash_bytes=*/1), hooks);
  EXPECT_EQ(outcome.reason, StopReason::kStopped);
  EXPECT_EQ(asked, 51);
  EXPECT_GT(outcome.progress.rejected.at("flash"), 0);
  EXPECT_EQ(stored().size(), 0);
  EXPECT_EQ(run(toy_study(5)).progress.complete, 5);  // it goes on
}

TEST_F(StudyTest, ItsBudgetEndsTheSearchForAFirstCandidateThatFits) {
  double clock = 0.0;
  StudyHooks hooks;
  hooks.now = [&] { return clock += 1.0; };
  Study study = toy_study(5);
  study.search.budget_seconds = 65.0;
  ToyExecutor executor;
  EXPECT_EQ(run(study, executor, toy_rules(/*max_flash_bytes=*/1), hooks).reason, StopReason::kBudgetSpent);
}

TEST_F(StudyTest, SeveralTrialsAtOnceRecordWhatEachProposalHadSeen) {
  ToyExecutor executor(4);
  run(toy_study(40, "evolution"), executor, toy_rules());
  const std::vector<Trial> finished = stored().finished();
  ASSERT_EQ(finished.size(), 40u);
  // Replayed: told the first ask_watermark results, the others under way, the sampler proposes the stored candidate.
  const Study study = toy_study(40, "evolution");
  const SearchSpace space = space_of(large_spec());
  for (const Trial& t : stored().trials()) {
    const auto sampler = make_sampler(study.search, space, goals_of(study), toy_rules());
    std::set<int64_t> told;
    for (int64_t i = 0; i < t.ask_watermark; ++i) sampler->tell(finished[i]), told.insert(finished[i].number);
    for (int64_t i = 0; i < t.number; ++i)
      if (!told.contains(i)) sampler->begin(stored().trial(i));
    EXPECT_EQ(sampler->ask(t.number, 0).candidate.hash, t.candidate.hash);
    EXPECT_GT(t.ask_watermark, t.number - 4);
  }
}

// Fails as often as told, by trial number.
class FailingExecutor : public ToyExecutor {
 public:
  explicit FailingExecutor(std::map<int64_t, int> failures) : failures_(std::move(failures)) {}

 protected:
  TrialResult result_of(const Trial& trial) override {
    if (failures_[trial.number]-- <= 0) return ToyExecutor::result_of(trial);
    return {.number = trial.number, .attempt = trial.attempt, .failure = "loss is not finite"};
  }

 private:
  std::map<int64_t, int> failures_;
};

TEST_F(StudyTest, RetriesAFailedTrialOnceAndThenStoresItAsFailed) {
  FailingExecutor executor({{2, 1}, {4, 2}});
  const StudyOutcome outcome = run(toy_study(6), executor, toy_rules());
  EXPECT_EQ(outcome.progress.complete, 5);
  EXPECT_EQ(outcome.progress.failed, 1);
  const std::vector<Trial> trials = stored().trials();
  EXPECT_EQ(trials[2].state, TrialState::kComplete);
  EXPECT_EQ(trials[2].attempt, 2);
  EXPECT_EQ(trials[4].state, TrialState::kFailed);
  EXPECT_EQ(trials[4].failure, "loss is not finite");
  EXPECT_EQ(executor.submitted().at(4), 2);
}

// Every result comes twice, the second time as that of an attempt long gone.
class StutteringExecutor : public ToyExecutor {
 public:
  std::optional<TrialResult> wait(double seconds) override {
    if (!echo_) return echo_ = ToyExecutor::wait(seconds);
    return std::exchange(echo_, std::nullopt);
  }

 private:
  std::optional<TrialResult> echo_;
};

TEST_F(StudyTest, TakesTheFirstResultOfATrialAndDropsItsEcho) {
  StutteringExecutor executor;
  EXPECT_EQ(run(toy_study(8), executor, toy_rules()).progress.complete, 8);
  EXPECT_EQ(stored().finished().size(), 8u);
}

class ReportingExecutor : public ToyExecutor {
 public:
  void submit(const Trial& trial) override {
    ToyExecutor::submit(trial);
    epochs_.push_back({trial.number, trial.attempt, {1, 0.5, 0.25, 0.125}});
    epochs_.push_back({trial.number, trial.attempt + 1, {2, 0.5, 0.25, 0.125}});  // of no attempt that we know
  }
  std::vector<TrialEpoch> take_epochs() override { return std::exchange(epochs_, {}); }

 protected:
  TrialResult result_of(const Trial& trial) override {
    TrialResult result = ToyExecutor::result_of(trial);
    result.epochs.clear();
    return result;
  }

 private:
  std::vector<TrialEpoch> epochs_;
};

TEST_F(StudyTest, StoresEpochsWhileTheTrialRuns) {
  ReportingExecutor executor;
  int seen = 0;
  StudyHooks hooks;
  hooks.on_epoch = [&](int64_t, const EpochRecord& e) { seen += e.epoch == 1; };
  run(toy_study(3), executor, toy_rules(), hooks);
  EXPECT_EQ(seen, 3);
  for (const Trial& t : stored().trials()) {
    ASSERT_EQ(t.epochs.size(), 1u);
    EXPECT_EQ(t.epochs[0].train_loss, 0.25);
  }
}

TEST_F(StudyTest, ProgressCountsFrontBestAndTimeLeft) {
  double clock = 100.0;
  std::vector<StudyProgress> seen;
  StudyHooks hooks;
  hooks.now = [&] { return clock; };
  hooks.on_start = [&](const Trial&) { clock += 2.0; };
  hooks.on_finish = [&](const Trial&, const StudyProgress& p) { seen.push_back(p); };
  const Study study = toy_study(10);
  ToyExecutor executor;
  run(study, executor, toy_rules(), hooks);
  ASSERT_EQ(seen.size(), 10u);
  EXPECT_EQ(seen[3].complete, 4);
  EXPECT_EQ(seen[3].elapsed_seconds, 8.0);
  EXPECT_EQ(seen[3].eta_seconds, 12.0);
  const std::vector<Trial> trials = stored().trials();
  EXPECT_EQ(seen.back().front_size, static_cast<int64_t>(pareto_front(trials, goals_of(study)).size()));
  double best = 0.0;
  for (const Trial& t : trials) best = std::max(best, t.metrics.accuracy);
  EXPECT_EQ(seen.back().best_accuracy, best);
  EXPECT_EQ(trials[*seen.back().best].metrics.accuracy, best);
}

TEST_F(StudyTest, ATrialBelowTheAccuracyFloorIsNoPointOfTheFront) {
  constexpr int kTrials = 40;
  constexpr double kFloor = 0.75;
  Study study = toy_study(kTrials, "evolution");
  study.accuracy_floor = kFloor;
  StudyProgress last;
  StudyHooks hooks;
  hooks.on_finish = [&](const Trial&, const StudyProgress& p) { last = p; };
  ToyExecutor executor;
  run(study, executor, toy_rules(), hooks);
  const std::vector<Trial> trials = stored().trials();
  const auto front = pareto_front(trials, goals_of(study));
  int below = 0;
  for (const Trial& t : trials) below += t.metrics.accuracy < kFloor;
  ASSERT_GT(below, 0);
  ASSERT_LT(below, kTrials);
  for (size_t i : front) EXPECT_GE(trials[i].metrics.accuracy, kFloor);
  EXPECT_EQ(last.front_size, static_cast<int64_t>(front.size()));
  EXPECT_EQ(last.complete, kTrials);  // they are complete none the less
}

TEST_F(StudyTest, AnAccuracyFloorThatNothingReachesLeavesTheFrontEmptyAndTheBestKnown) {
  Study study = toy_study(12);
  study.accuracy_floor = 1.0;
  std::vector<StudyProgress> seen;
  StudyHooks hooks;
  hooks.on_finish = [&](const Trial&, const StudyProgress& p) { seen.push_back(p); };
  ToyExecutor executor;
  const StudyOutcome outcome = run(study, executor, toy_rules(), hooks);
  EXPECT_EQ(seen.back().front_size, 0);
  EXPECT_EQ(outcome.progress.complete, 12);
  ASSERT_TRUE(outcome.progress.best);
  EXPECT_EQ(outcome.progress.best_accuracy, stored().trial(*outcome.progress.best).metrics.accuracy);
}

// Large networks are accurate in this toy: a floor must draw the search to them, a front without one keeps small ones.
TEST_F(StudyTest, EvolutionIsDrawnAboveTheFloor) {
  const auto share_above = [](double floor) {
    const TemporaryFolder folder;
    Study study = toy_study(150, "evolution");
    study.accuracy_floor = floor;
    const SearchSpace space = space_of(large_spec());
    const auto sampler = make_sampler(study.search, space, goals_of(study), toy_rules());
    TrialStore store = TrialStore::create_or_open(folder.file("study.db"), toy_record(study));
    ToyExecutor executor;
    run_study(study, space, *sampler, executor, store, toy_rules());
    int above = 0;
    for (const Trial& t : store.trials()) above += t.number >= 30 && t.metrics.accuracy >= 0.8;
    return above / 120.0;
  };
  EXPECT_GT(share_above(0.8), share_above(0.0) + 0.2);
}

}  // namespace
}  // namespace bitwright

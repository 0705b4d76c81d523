// SPDX-License-Identifier: Apache-2.0
#include "search/replay.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>

#include "search/propose_trial.h"
#include "tests/search/small_space.h"

namespace bitwright {
namespace {

constexpr int kLanes = 8;
constexpr int64_t kMaxFlash = 900;  // about half of the space

// Trials end in an order drawn at random, and a fifth of the trainings fail.
class UnrulyExecutor : public TrialExecutor {
 public:
  explicit UnrulyExecutor(uint64_t seed) : rng_(seed) {}
  int capacity() const override { return kLanes; }
  void submit(const Trial& trial) override { running_.push_back(trial); }
  std::optional<TrialResult> wait(double) override {
    if (running_.empty()) return std::nullopt;
    const auto at = running_.begin() + static_cast<std::ptrdiff_t>(rng_.below(running_.size()));
    const Trial trial = *at;
    running_.erase(at);
    TrialResult result{.number = trial.number, .attempt = trial.attempt};
    if (rng_.chance(0.2)) return result.failure = "loss is not finite", result;
    result.metrics.accuracy = toy_accuracy(trial.candidate.network, trial.seed) - 0.1 * (1.0 - trial.fidelity);
    result.metrics.windows = 1000;
    return result;
  }
  void stop() override { running_.clear(); }

 private:
  Rng rng_;
  std::vector<Trial> running_;
};

std::unique_ptr<Sampler> sampler_of(const Study& study, const SearchSpace& space, const CandidateRules& rules) {
  return make_sampler(study.search, space, goals_of(study), rules);
}

// Model-based proposals take a while.
int trials_of(const std::string& sampler) {
  return sampler == "bayesian" ? 22 : 36;
}

// A study in a file, of `calls` runs that are stopped with their trials under way, then one to the end.
class ReplayTest : public testing::TestWithParam<const char*> {
 protected:
  std::vector<double> rungs_;  // search.rungs
  bool measures_ = false;

  int trials() const { return trials_of(GetParam()); }
  Study study(uint64_t seed = 5) const {
    Study study = toy_study(trials(), GetParam(), seed);
    study.search.population = 10;
    study.search.rungs = rungs_;
    return study;
  }
  void run(int calls = 1) {
    for (int call = 0; call < calls; ++call) {
      int64_t started = 0;
      StudyHooks hooks;
      hooks.on_start = [&](const Trial&) { ++started; };
      hooks.stop_request = [&] {
        return call + 1 < calls && started > kLanes + 3 ? StopRequest::kNow : StopRequest::kNone;
      };
      run_once(static_cast<uint64_t>(call), hooks);
    }
  }
  Replay replay(uint64_t seed = 5) const {
    const SearchSpace space = space_of(large_spec());
    const CandidateRules rules = this->rules();
    return replay_study(*sampler_of(study(seed), space, rules), rules, stored());
  }
  TrialStore stored() const { return TrialStore::open_read_only(path()); }
  void sql(const std::string& statements) const {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path().c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, statements.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
    sqlite3_close(database);
  }

 private:
  std::string path() const { return folder_.file("study.db"); }
  CandidateRules rules() const {
    CandidateRules rules = toy_rules(kMaxFlash);
    if (measures_) rules.margins = std::make_shared<CostMargins>();
    return rules;
  }
  void run_once(uint64_t seed, StudyHooks hooks) const {
    const SearchSpace space = space_of(large_spec());
    const CandidateRules rules = this->rules();
    const auto sampler = sampler_of(study(), space, rules);
    if (measures_) hooks.measure = [](const Trial& trial, const auto&) { return toy_measurement(trial); };
    UnrulyExecutor executor(seed);
    TrialStore store = TrialStore::create_or_open(path(), toy_record(study()));
    run_study(study(), space, *sampler, executor, store, rules, hooks);
  }

  TemporaryFolder folder_;
};

std::string texts(const Replay& replay) {
  std::string text;
  for (const ReplayDifference& difference : replay.differences)
    text += fmt::format("#{}: {}\n", difference.number, difference.text);
  return text;
}

TEST_P(ReplayTest, OfEightAtOnceEveryProposalIsEqual) {
  run();
  const Replay replayed = replay();
  EXPECT_EQ(replayed.proposals, trials());
  EXPECT_EQ(replayed.equal(), trials()) << texts(replayed);
  int behind = 0, retried = 0, failed = 0;
  for (const Trial& trial : stored().trials()) {
    behind += trial.ask_watermark < trial.number;
    retried += trial.attempt > 1;
    failed += trial.state == TrialState::kFailed;
  }
  EXPECT_GE(behind, trials() - 1);  // but the first
  EXPECT_GT(retried, 0);
}

TEST_P(ReplayTest, OfASearchThatWasStoppedWithTrialsUnderWayEveryProposalIsEqual) {
  run(/*calls=*/3);
  int taken_up = 0;
  for (const Trial& trial : stored().trials()) taken_up += trial.attempt > 1;
  EXPECT_GT(taken_up, kLanes);
  const Replay replayed = replay();
  EXPECT_EQ(replayed.equal(), trials()) << texts(replayed);
}

TEST_P(ReplayTest, NoticesAnotherSeed) {
  run();
  EXPECT_LT(replay(/*seed=*/6).equal(), 6);
}

INSTANTIATE_TEST_SUITE_P(Samplers, ReplayTest, testing::ValuesIn(kSamplers),
                         [](const auto& tested) { return std::string(tested.param); });

// Trainings that stop at rungs, of which some go on.
class ReplayedRungs : public ReplayTest {
 protected:
  ReplayedRungs() { rungs_ = {0.1, 0.3}; }
};

TEST_P(ReplayedRungs, OfASearchThatWasStoppedEveryProposalIsEqual) {
  run(/*calls=*/3);
  const TrialStore store = stored();
  EXPECT_GT(std::ssize(store.continuations()), 10);
  EXPECT_GT(std::ssize(store.stopped()), 3);
  const Replay replayed = replay();
  EXPECT_EQ(replayed.proposals, store.size() + std::ssize(store.continuations()));
  EXPECT_EQ(replayed.equal(), replayed.proposals) << texts(replayed);
}

TEST_P(ReplayedRungs, NoticesAnotherThatGoesOn) {
  run();
  const Continuation last = stored().continuations().back();
  const int64_t other = stored().stopped().at(0).number;
  ASSERT_LT(other, last.trial);
  sql(fmt::format("UPDATE stage SET trial = {} WHERE trial = {} AND fidelity = {}", other, last.trial, last.fidelity));
  EXPECT_THAT(texts(replay()),
              testing::HasSubstr(fmt::format("#{}: what is proposed: that #{} goes on to ", other, other)));
}

TEST_P(ReplayedRungs, NoticesAChangedSource) {
  run();
  sql("UPDATE stage SET source = 'user' WHERE idx = (SELECT max(idx) FROM stage WHERE next_trial > trial)");
  const int64_t last = stored().continuations().back().trial;
  EXPECT_THAT(texts(replay()), testing::MatchesRegex(fmt::format("#{}: source user is stored, (rung|first|halving) is "
                                                                 "proposed\n",
                                                                 last)));
}

TEST_P(ReplayedRungs, RefusesAStopWhereThereIsNoRung) {
  run();
  sql("UPDATE stage SET fidelity = 0.2 WHERE idx = 0");
  EXPECT_THROW(replay(), StoreError);
}

INSTANTIATE_TEST_SUITE_P(Samplers, ReplayedRungs, testing::Values("bayesian", "evolution", "random"),
                         [](const auto& tested) { return std::string(tested.param); });

// Packages that take other than was estimated, so that limits come to be kept with some to spare.
class ReplayedMeasurements : public ReplayTest {
 protected:
  ReplayedMeasurements() { measures_ = true; }
  void expect_equal_after(int calls) {
    run(calls);
    const TrialStore store = stored();
    int margins = 0;
    for (const Event& event : store.events()) margins += event.kind == "margin";
    EXPECT_GT(margins, 1);
    const Replay replayed = replay();
    EXPECT_EQ(replayed.proposals, store.size() + std::ssize(store.continuations()));
    EXPECT_EQ(replayed.equal(), replayed.proposals) << texts(replayed);
  }
};

TEST_P(ReplayedMeasurements, OfASearchThatWasStoppedEveryProposalIsEqual) {
  expect_equal_after(/*calls=*/3);
}

TEST_P(ReplayedMeasurements, OfTrainingsThatStopAtRungsEveryProposalIsEqual) {
  rungs_ = {0.1, 0.3};
  expect_equal_after(/*calls=*/3);
}

TEST_P(ReplayedMeasurements, NoticesAnotherMeasurement) {
  run();
  sql("UPDATE measurement SET measured = 1.5 * estimated");
  EXPECT_LT(replay().equal(), trials());
}

INSTANTIATE_TEST_SUITE_P(Samplers, ReplayedMeasurements, testing::Values("bayesian", "evolution", "sobol"),
                         [](const auto& tested) { return std::string(tested.param); });

class ReplayedEvolution : public ReplayTest {};

TEST_P(ReplayedEvolution, NoticesResultsThatWereSwapped) {
  run();
  sql("UPDATE value SET value = 1 - value WHERE kind = 'validation' AND name = 'accuracy' AND trial < 12");
  EXPECT_THAT(texts(replay()), testing::HasSubstr(" is stored, "));
}

TEST_P(ReplayedEvolution, NoticesWatermarksThatCannotBe) {
  run();
  sql("UPDATE trial SET ask_watermark = 40 WHERE number = 35; UPDATE trial SET ask_watermark = 0 WHERE number = 34");
  EXPECT_EQ(texts(replay()),
            "#34: saw 0 results, fewer than a trial before it\n"
            "#35: saw 40 results, more than there are\n");
}

TEST_P(ReplayedEvolution, NoticesChangedParentsAndRejections) {
  run();
  sql("UPDATE proposal_parent SET parent = 0 WHERE trial = 30; DELETE FROM proposal_rejection WHERE trial = 31;"
      "INSERT INTO proposal_rejection VALUES (31, 'ram', 7)");
  EXPECT_THAT(texts(replay()), testing::MatchesRegex("#30: parents 0 is stored, [0-9]+ is proposed\n"
                                                     "#31: rejected ram 7 is stored, .* is proposed\n"));
}

TEST_P(ReplayedEvolution, ComparesNetworksAndSourcesWhereNoProvenanceIsStored) {
  run();
  sql("DELETE FROM proposal_parent; DELETE FROM proposal_rejection; DELETE FROM proposal");
  EXPECT_EQ(replay().equal(), trials());
  sql("UPDATE trial SET source = 'random' WHERE number = 35");
  EXPECT_THAT(texts(replay()),
              testing::MatchesRegex("#35: source random is stored, evolution, mutation of [0-9]+ is proposed\n"));
}

INSTANTIATE_TEST_SUITE_P(Samplers, ReplayedEvolution, testing::Values("evolution"),
                         [](const auto& tested) { return std::string(tested.param); });

class ReplayedModel : public ReplayTest {};

TEST_P(ReplayedModel, NoticesAChangedOpinionAndSaysBoth) {
  run();
  sql("UPDATE proposal SET mean = -1.5 WHERE trial = 20");
  const Replay replayed = replay();
  EXPECT_EQ(replayed.equal(), trials() - 1);
  ASSERT_EQ(replayed.differences.size(), 1u);
  EXPECT_EQ(replayed.differences[0].number, 20);
  EXPECT_THAT(
      replayed.differences[0].text,
      testing::MatchesRegex("opinion mean -1.5, deviation .* is stored, mean -[0-9.]+, deviation .* is proposed"));
}

INSTANTIATE_TEST_SUITE_P(Samplers, ReplayedModel, testing::Values("bayesian"),
                         [](const auto& tested) { return std::string(tested.param); });

}  // namespace
}  // namespace bitwright

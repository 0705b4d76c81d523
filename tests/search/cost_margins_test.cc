// SPDX-License-Identifier: Apache-2.0
#include "search/cost_margins.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "search/measurement.h"
#include "tests/search/small_space.h"

namespace bitwright {
namespace {

Trial measured(const std::string& quantity, double ratio) {
  Trial trial;
  trial.measured[quantity]["toy"] = {100.0, 100.0 * ratio};
  return trial;
}

TEST(CostMargins, OfFewerThanTwentyResultsIsTheMaximum) {
  CostMargins margins;
  for (int i = 1; i <= 19; ++i) {
    margins.add(measured("flash", 1.0 + 0.001 * i));
    EXPECT_DOUBLE_EQ(margins.margins().at("flash"), 1.0 + 0.001 * i);
  }
  margins.add(measured("flash", 1.001));
  EXPECT_DOUBLE_EQ(margins.margins().at("flash"), 1.018);  // of twenty the second largest
  for (int i = 0; i < 20; ++i) margins.add(measured("flash", 1.0));
  EXPECT_DOUBLE_EQ(margins.margins().at("flash"), 1.017);  // of forty the third
}

TEST(CostMargins, NeverAllowMoreThanAnEstimate) {
  CostMargins margins;
  margins.add(measured("ram", 0.9));
  EXPECT_EQ(margins.margins().at("ram"), 1.0);
  Estimates e;
  e.ram_bytes = 1000;
  EXPECT_EQ(margins.with_margins(e).ram_bytes, 1000);
}

TEST(CostMargins, AreTakenOfEveryBoardAndOfWhatWasMeasuredAlone) {
  CostMargins margins;
  margins.add(measured("flash", 1.04));
  margins.add(measured("latency", 1.25));
  Estimates e;
  e.flash_bytes = 1001;
  e.code_bytes = 700;
  e.ram_bytes = 512;
  e.latency_us = 80.0;
  e.boards = {e, e};
  e.boards[1].flash_bytes = 500;
  const Estimates more = margins.with_margins(e);
  EXPECT_EQ(more.flash_bytes, 1042);  // 1041.04
  EXPECT_EQ(more.code_bytes, 700);
  EXPECT_EQ(more.ram_bytes, 512);
  EXPECT_DOUBLE_EQ(more.latency_us, 100.0);
  EXPECT_EQ(more.boards[0].flash_bytes, 1042);
  EXPECT_EQ(more.boards[1].flash_bytes, 520);  // 1.04 x 500 is a little more in binary
}

TEST(CostMargins, HaveAnotherRevisionAfterEveryChange) {
  CostMargins margins;
  margins.add(measured("flash", 0.99));
  margins.add(Trial{});
  EXPECT_EQ(margins.revision(), 0);
  margins.add(measured("flash", 1.01));
  EXPECT_EQ(margins.revision(), 1);
  margins.add(measured("flash", 1.005));
  EXPECT_EQ(margins.revision(), 1);
}

// ---- of several boards ----

Estimates of_boards(const std::vector<int64_t>& flash_bytes) {
  Estimates e;
  for (const int64_t bytes : flash_bytes) {
    e.boards.emplace_back().flash_bytes = bytes;
    e.flash_bytes = std::max(e.flash_bytes, bytes);
  }
  return e;
}

TEST(Measurement, KeepsWhatWasMeasuredOnEveryBoardAndMarginsTheLargestRatio) {
  Trial trial;
  trial.measured = measured_costs(
      of_boards({1000, 400, 800}),
      {{"a", {{"flash", 1010.0}, {"latency", 3.0}}}, {"b", {{"flash", 420.0}}}, {"c", {{"flash", 780.0}}}});
  const std::map<std::string, MeasuredCost> flash = {
      {"a", {1000.0, 1010.0}}, {"b", {400.0, 420.0}}, {"c", {800.0, 780.0}}};
  EXPECT_EQ(trial.measured.at("flash"), flash);
  EXPECT_EQ(trial.measured.at("latency").size(), 1u);
  CostMargins margins;
  margins.add(trial);
  EXPECT_DOUBLE_EQ(margins.margins().at("flash"), 1.05);
  EXPECT_FALSE(margins.margins().contains("latency"));  // of which nothing was estimated
}

TEST(Measurement, CountsWhereTheEstimateIsThatOfThePackage) {
  const Estimates estimated = of_boards({1000, 400});
  const MeasuredCosts measured = {{"flash", {{"a", {1000.0, 1010.0}}, {"b", {401.0, 999.0}}, {"c", {1.0, 2.0}}}}};
  const Estimates taken = with_measured(estimated, {"a", "b"}, measured);
  EXPECT_EQ(taken.boards[0].flash_bytes, 1010);
  EXPECT_EQ(taken.boards[1].flash_bytes, 400);
  EXPECT_EQ(taken.flash_bytes, 1010);
}

TEST(Measurement, ALimitThatIsBrokenIsToldWithWhatWasEstimatedForThatBoard) {
  CandidateRules rules;
  rules.check_budgets = [](const Estimates& e) {
    std::vector<Violation> broken;
    for (const Estimates& board : e.boards)
      if (board.flash_bytes > 500 && board.flash_bytes < 900)
        broken.push_back({"flash", static_cast<double>(board.flash_bytes), 500.0, "b: flash exceeds 500 B"});
    return broken;
  };
  const auto check = [&](const Estimates& estimated, double measured) {
    const MeasuredCosts costs = measured_costs(estimated, {{"a", {}}, {"b", {{"flash", measured}}}});
    return check_measured(estimated, {"a", "b"}, costs, rules);
  };
  EXPECT_TRUE(check(of_boards({1000, 490}), 500.0).empty());
  const auto broken = check(of_boards({1000, 490}), 510.0);
  ASSERT_EQ(broken.size(), 1u);
  EXPECT_EQ(broken[0].message, "b: flash exceeds 500 B, as measured; estimated 490 B");
  EXPECT_EQ(check(of_boards({1000, 510}), 510.0)[0].message, "b: flash exceeds 500 B");
}

// ---- in a study ----

constexpr double kRatio = 1.04;

class MeasuredStudy : public testing::TestWithParam<const char*> {
 protected:
  CandidateRules rules() const {
    CandidateRules rules = toy_rules(max_flash_bytes_);
    rules.margins = std::make_shared<CostMargins>();
    return rules;
  }
  StudyHooks measuring() {
    StudyHooks hooks;
    hooks.measure = [&](const Trial& trial, const std::vector<Artifact>& artifacts) {
      EXPECT_EQ(artifacts.at(0).content, "codes of " + trial.candidate.hash);
      ++measured_;
      return Measurement{{{"toy", {{"flash", kRatio * static_cast<double>(trial.estimates.flash_bytes)}}}}, failure_};
    };
    hooks.on_margin = [&](const LearntMargin& margin) { told_.push_back(margin); };
    return hooks;
  }
  void run(int trials, const CandidateRules& rules, const StudyHooks& hooks = {}, int lanes = 1) {
    const Study study = toy_study(trials, GetParam());
    const SearchSpace space = space_of(large_spec());
    const auto sampler = make_sampler(study.search, space, goals_of(study), rules);
    ToyExecutor executor(lanes);
    TrialStore store = TrialStore::create_or_open(path(), toy_record(study));
    run_study(study, space, *sampler, executor, store, rules, hooks);
  }
  // So that what is proposed first keeps the limit by half of what it is measured to take more.
  void set_limit_by_first_proposal() {
    const Study study = toy_study(1, GetParam());
    const SearchSpace space = space_of(large_spec());
    const Candidate first = make_sampler(study.search, space, goals_of(study), toy_rules())->ask(0, 0).candidate;
    max_flash_bytes_ = static_cast<int64_t>(1.02 * static_cast<double>(toy_estimates(first.network).flash_bytes));
  }
  double limit() const { return static_cast<double>(max_flash_bytes_); }
  TrialStore stored() const { return TrialStore::open_read_only(path()); }
  std::string path() const { return folder_.file("study.db"); }
  // Trials that had seen a result, and would break the limit as measured.
  int beyond_the_limit() const {
    int beyond = 0;
    for (const Trial& trial : stored().trials())
      beyond += trial.ask_watermark > 0 && kRatio * static_cast<double>(trial.estimates.flash_bytes) > limit() + 1e-6;
    return beyond;
  }

  TemporaryFolder folder_;
  int64_t max_flash_bytes_ = 0;
  int measured_ = 0;
  std::string failure_;
  std::vector<LearntMargin> told_;
};

TEST_P(MeasuredStudy, ProposesNothingBeyondALimitOnceItWasMeasuredWhatPackagesTakeMore) {
  set_limit_by_first_proposal();
  run(30, rules(), measuring());
  EXPECT_EQ(beyond_the_limit(), 0);
  const TrialStore store = stored();
  const Trial first = store.trial(0);
  EXPECT_EQ(first.state, TrialState::kInfeasible);
  EXPECT_GT(first.metrics.accuracy, 0.0);
  EXPECT_EQ(store.artifact(0, "model"), "codes of " + first.candidate.hash);
  const auto flash = static_cast<double>(first.estimates.flash_bytes);
  EXPECT_EQ(first.measured.at("flash").at("toy"), (MeasuredCost{flash, kRatio * flash}));
  ASSERT_EQ(first.violations.size(), 1u);
  EXPECT_EQ(first.violations[0].limit, limit());
  EXPECT_EQ(first.violations[0].value, std::ceil(kRatio * flash - 1e-6));
  EXPECT_THAT(first.violations[0].message, testing::StartsWith("flash too large, as measured; estimated "));
  int measured = 0;
  for (const Trial& trial : store.trials()) {
    EXPECT_EQ(trial.state, trial.number == 0 ? TrialState::kInfeasible : TrialState::kComplete);
    measured += !trial.measured.empty();
  }
  EXPECT_EQ(measured, measured_);
  const std::vector<Trial> trials = store.finished();
  const std::vector<size_t> front = pareto_front(trials, goals_of(toy_study(30)));
  EXPECT_FALSE(front.empty());
  for (const size_t i : front) {
    EXPECT_NE(trials[i].number, 0);
    EXPECT_FALSE(trials[i].measured.empty());  // whatever is on the front was built
  }
  EXPECT_LT(measured, 30);  // and what is dominated is not
}

// Else the test above could not fail.
TEST_P(MeasuredStudy, ProposesSuchAgainWhereNothingIsMeasured) {
  set_limit_by_first_proposal();
  run(30, toy_rules(max_flash_bytes_));
  EXPECT_GT(beyond_the_limit(), 0);
}

TEST_P(MeasuredStudy, TellsAMarginOnceThoughItGoesOn) {
  set_limit_by_first_proposal();
  run(8, rules(), measuring());
  run(12, rules(), measuring());
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].quantity, "flash");
  EXPECT_NEAR(told_[0].ratio, kRatio, 1e-12);
  EXPECT_EQ(told_[0].results, 1);
  std::vector<std::string> events;
  for (const Event& event : stored().events())
    if (event.kind == "margin") events.push_back(event.json);
  EXPECT_THAT(events, testing::ElementsAre(testing::StartsWith("{\"quantity\": \"flash\", \"ratio\": 1.04")));
}

TEST_P(MeasuredStudy, ATrialThatCannotBeMeasuredFailsWithItsReasonAndIsNotTrainedAgain) {
  failure_ = "its package could not be measured: no space left";
  run(3, rules(), measuring());
  for (const Trial& trial : stored().trials()) {
    EXPECT_EQ(trial.state, TrialState::kFailed);
    EXPECT_EQ(trial.failure, failure_);
    EXPECT_EQ(trial.attempt, 1);
    EXPECT_TRUE(trial.measured.empty());
  }
  EXPECT_EQ(measured_, 3);
}

TEST_P(MeasuredStudy, GoesOnWithATrialThatCouldNotBeMeasuredForAFaultOfTheMachine) {
  StudyHooks broken;
  broken.measure = [](const Trial&, const auto&) -> Measurement { throw StoreError("no space left"); };
  EXPECT_THROW(run(3, rules(), broken), StoreError);
  EXPECT_EQ(stored().trial(0).state, TrialState::kRunning);
  run(3, rules(), measuring());
  EXPECT_EQ(stored().trial(0).state, TrialState::kComplete);
  EXPECT_EQ(stored().failed_attempts(0), 0);
}

TEST_P(MeasuredStudy, TellsMarginsOfWhatIsLimitedAlone) {
  set_limit_by_first_proposal();
  StudyHooks hooks = measuring();
  hooks.measure = [](const Trial& trial, const auto&) {
    return Measurement{{{"toy",
                         {{"flash", 1.02 * static_cast<double>(trial.estimates.flash_bytes)},
                          {"latency", 1.5 * trial.estimates.latency_us}}}},
                       ""};
  };
  run(4, rules(), hooks);
  ASSERT_FALSE(told_.empty());
  for (const LearntMargin& margin : told_) EXPECT_EQ(margin.quantity, "flash");
}

INSTANTIATE_TEST_SUITE_P(Samplers, MeasuredStudy, testing::Values("bayesian", "evolution", "random"),
                         [](const auto& tested) { return std::string(tested.param); });

}  // namespace
}  // namespace bitwright

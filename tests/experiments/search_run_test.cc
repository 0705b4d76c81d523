// SPDX-License-Identifier: Apache-2.0
#include "experiments/search_bench/search_run.h"

#include <gtest/gtest.h>

#include "core/study.h"
#include "experiments/search_bench/named_problem.h"
#include "experiments/search_bench/problem_space.h"

namespace bitwright {
namespace {

const SearchRunOptions kSmall = {.evaluations = 24, .workers = 2, .bayesian = {.pool = 50, .refinements = 0}};

TEST(ProblemParameter, ValuesAreThoseOfTheirPlaceInTheRange) {
  Rng rng(1);
  for (const Problem& problem : search_problems())
    for (const ProblemParameter& parameter : problem.parameters)
      for (int i = 0; i < 20; ++i) {
        const double value = from_unit(parameter, rng.uniform());
        EXPECT_NEAR(from_unit(parameter, to_unit(parameter, value)), value, 1e-9 * parameter.high) << parameter.name;
      }
}

TEST(ProblemSpace, PutsWhatLayersHaveInCommonInOneGroup) {
  const Problem problem = search_problem("mcu");
  const std::vector<ModelInput> inputs = ProblemSpace(problem).inputs();
  const auto group = [&](const std::string& name) {
    for (size_t i = 0; i < inputs.size(); ++i)
      if (problem.parameters[i].name == name) return inputs[i].group;
    return -2;
  };
  EXPECT_GE(group("w0"), 0);
  EXPECT_EQ(group("w0"), group("w3"));
  EXPECT_NE(group("w0"), group("k0"));
  EXPECT_EQ(group("lr"), -1);
  for (const ModelInput& input : ProblemSpace(search_problem("mi-c2dtlz2")).inputs()) EXPECT_EQ(input.group, -1);
}

TEST(SearchRun, TrainsEachPointOnceAndNoneThatBreaksAKnownLimit) {
  const SearchRun run = run_search(search_problem("mcu"), 3, kSmall);
  ASSERT_EQ(run.points.size(), 24u);
  for (const EvaluatedPoint& point : run.points) {
    EXPECT_TRUE(point.keeps_known);
    EXPECT_FALSE(point.repeat);
  }
}

TEST(SearchRun, GainsWithEvaluations) {
  const Problem problem = search_problem("mcu3");
  const SearchRun run = run_search(problem, 3, kSmall);
  EXPECT_GT(share_after(problem, run, 12), 0.0);
  EXPECT_LE(share_after(problem, run, 12), share_after(problem, run, 24));
}

TEST(SearchRun, RunsWhereOnlyEvaluationsTell) {
  const Problem problem = search_problem("osy");
  const SearchRun run = run_search(problem, 3, {.evaluations = 40, .bayesian = {.pool = 200, .refinements = 1}});
  EXPECT_GT(share_after(problem, run, 40), 0.3);  // most random points break a limit
}

// c2dtlz2 keeps its limit on three islands of the front, a third of the hypervolume each.
TEST(SearchRun, FindsMoreThanOneOfSeveralIslandsThatKeepALimit) {
  const Problem problem = search_problem("c2dtlz2");
  double share = 0.0;
  for (uint64_t seed = 0; seed < 2; ++seed) {
    const SearchRun run = run_search(problem, seed, {.evaluations = 80, .bayesian = {.pool = 200, .refinements = 2}});
    share += share_after(problem, run, 80) / 2;
  }
  RecordProperty("share", std::to_string(share));
  EXPECT_GT(share, 0.5);
}

std::string csv_without_times(SearchRun run) {
  for (EvaluatedPoint& point : run.points) point.ask_cpu_s = 0.0;
  return csv_rows(run);
}

// Every training stops at a ninth and a third of its epochs first, and few go on.
class HalvedRun : public testing::TestWithParam<const char*> {};

TEST_P(HalvedRun, SpendsTheSameEpochsAndHasFewerWholeTrainings) {
  const Problem problem = named_problem("nets");
  SearchRunOptions options = {.evaluations = 25, .sampler = GetParam(), .bayesian = {.pool = 100, .refinements = 1}};
  options.halving = true;
  const SearchRun run = run_search(problem, 1, options);
  double last = 0.0;
  for (const EvaluatedPoint& point : run.points) {
    EXPECT_GE(point.spent, last + 6.0 / 9 - 1e-9);  // at least what a whole training has behind the second rung
    EXPECT_FALSE(point.repeat);
    last = point.spent;
  }
  EXPECT_NEAR(last, 25.0, 2.0);
  EXPECT_LT(run.points.size(), 25u);  // whole ones
  EXPECT_GT(run.points.size(), 10u);
  EXPECT_EQ(csv_without_times(run), csv_without_times(run_search(problem, 1, options)));
}

INSTANTIATE_TEST_SUITE_P(Samplers, HalvedRun, testing::ValuesIn(kSamplers));

TEST(SearchRun, IsALineAnEvaluation) {
  const SearchRun run{"bayesian", "mcu", 4, {{0.0015, true, false, false, {0.25, 0.5}, {}, 1.0}}};
  EXPECT_EQ(csv_header() + csv_rows(run),
            "peer,problem,seed,i,ask_cpu_s,known_ok,unknown_ok,dup,f0,f1,f2\n"
            "bitwright-bayesian,mcu,4,0,0.001500,1,0,0,0.25,0.5,\n");
}

}  // namespace
}  // namespace bitwright

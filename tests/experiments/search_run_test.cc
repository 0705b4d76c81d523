// SPDX-License-Identifier: Apache-2.0
#include "experiments/search_bench/search_run.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "experiments/search_bench/problem_space.h"

namespace bitwright {
namespace {

const SearchRunOptions kSmall = {.evaluations = 24, .workers = 2, .proposer = {.pool = 50, .refinements = 0}};

TEST(ProblemParameter, ValuesAreThoseOfTheirPlaceInTheRange) {
  Rng rng(1);
  for (const Problem& problem : search_problems())
    for (const ProblemParameter& parameter : problem.parameters)
      for (int i = 0; i < 20; ++i) {
        const double value = from_unit(parameter, rng.uniform());
        EXPECT_NEAR(from_unit(parameter, to_unit(parameter, value)), value, 1e-9 * parameter.high) << parameter.name;
      }
}

TEST(ProblemSpace, RefusesAProblemOfUnknownCosts) {
  EXPECT_THROW(ProblemSpace{search_problem("bnh")}, std::invalid_argument);
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

TEST(SearchRun, IsALineAnEvaluation) {
  const SearchRun run{"mcu", 4, {{0.0015, true, false, false, {0.25, 0.5}}}};
  EXPECT_EQ(csv_header() + csv_rows(run),
            "peer,problem,seed,i,ask_cpu_s,known_ok,unknown_ok,dup,f0,f1,f2\n"
            "bitwright,mcu,4,0,0.001500,1,0,0,0.25,0.5,\n");
}

}  // namespace
}  // namespace bitwright

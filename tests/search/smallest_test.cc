// SPDX-License-Identifier: Apache-2.0
#include "search/smallest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/search/small_space.h"

namespace bitwright {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

std::optional<double> flash_of(const Candidate& candidate) {
  if (!toy_structure(candidate.network).empty()) return std::nullopt;
  return static_cast<double>(toy_estimates(candidate.network).flash_bytes);
}

// Of every point of a space that has few.
double least_flash(const SearchSpace& space) {
  Rng rng(7);
  double least = 1e9;
  for (int i = 0; i < 20'000; ++i)
    if (const auto flash = flash_of(space.sample(rng))) least = std::min(least, *flash);
  return least;
}

TEST(LeastCandidate, IsTheSmallestOfASpaceThatIsSmallEnoughToTryIt) {
  const SearchSpace space = space_of(small_spec());
  const auto least = least_candidate(space, flash_of, 10, Rng(1));
  ASSERT_TRUE(least);
  EXPECT_EQ(*flash_of(*least), least_flash(space));
}

TEST(LeastCandidate, IsNoLargerThanAnyOfManyInALargeSpace) {
  const SearchSpace space = space_of(large_spec());
  const auto least = least_candidate(space, flash_of, 100, Rng(1));
  ASSERT_TRUE(least);
  EXPECT_LE(*flash_of(*least), least_flash(space));
}

TEST(LeastCandidate, IsNoneWhereNothingHasAScore) {
  EXPECT_FALSE(least_candidate(
      space_of(small_spec()), [](const Candidate&) { return std::nullopt; }, 10, Rng(1)));
}

TEST(DiagnoseInfeasibility, NamesTheLimitThatNothingKeepsAndTheLeastThatThereIs) {
  const SearchSpace space = space_of(small_spec());
  const Infeasibility why = diagnose_infeasibility(space, toy_rules(/*max_flash_bytes=*/100), 1);
  EXPECT_EQ(why.sampled, 1000);
  EXPECT_THAT(why.broken, ElementsAre(Pair("flash", why.sound)));
  ASSERT_EQ(why.impossible.size(), 1u);
  EXPECT_EQ(why.impossible[0].rule, "flash");
  EXPECT_EQ(why.impossible[0].violation.value, least_flash(space));
  EXPECT_EQ(why.impossible[0].violation.limit, 100);
  ASSERT_TRUE(why.nearest);
  EXPECT_EQ(why.nearest_estimates.flash_bytes, least_flash(space));
  ASSERT_EQ(why.nearest_violations.size(), 1u);
}

// Each limit can be kept, but not both: small networks of this space are slow.
TEST(DiagnoseInfeasibility, TellsLimitsThatOnlyTogetherCannotBeKept) {
  CandidateRules rules = toy_rules();
  rules.check_budgets = [](const Estimates& e) {
    std::vector<Violation> out;
    if (e.flash_bytes > 130) out.push_back({"flash", double(e.flash_bytes), 130, "flash"});
    if (e.flash_bytes < 140) out.push_back({"latency", 140.0 - double(e.flash_bytes), 0, "latency"});
    return out;
  };
  const Infeasibility why = diagnose_infeasibility(space_of(small_spec()), rules, 1);
  EXPECT_TRUE(why.impossible.empty());
  ASSERT_TRUE(why.nearest);
  EXPECT_EQ(why.nearest_violations.size(), 1u);
}

TEST(DiagnoseInfeasibility, FindsWhatFitsAfterAll) {
  const SearchSpace space = space_of(large_spec());
  const Infeasibility any = diagnose_infeasibility(space, toy_rules(/*max_flash_bytes=*/1), 1);
  const Infeasibility why =
      diagnose_infeasibility(space, toy_rules(/*max_flash_bytes=*/any.nearest_estimates.flash_bytes), 1);
  EXPECT_TRUE(why.impossible.empty());
  ASSERT_TRUE(why.nearest);
  EXPECT_TRUE(why.nearest_violations.empty());
}

TEST(DiagnoseInfeasibility, IsTheSameForTheSameSeed) {
  const SearchSpace space = space_of(large_spec());
  const auto once = diagnose_infeasibility(space, toy_rules(100), 3),
             again = diagnose_infeasibility(space, toy_rules(100), 3);
  EXPECT_EQ(once.nearest->parameters, again.nearest->parameters);
  EXPECT_EQ(once.broken, again.broken);
}

// Small on the first board only: the diagnosis must take the board that binds.
TEST(DiagnoseInfeasibility, OfSeveralBoardsTakesTheWorstOfARule) {
  CandidateRules rules = toy_rules();
  rules.check_budgets = [](const Estimates& e) {
    const auto flash = static_cast<double>(e.flash_bytes);
    return std::vector<Violation>{{"flash", flash, 100, "a: flash"}, {"flash", 2 * flash, 100, "b: flash"}};
  };
  const SearchSpace space = space_of(small_spec());
  const Infeasibility why = diagnose_infeasibility(space, rules, 1);
  EXPECT_THAT(why.broken, ElementsAre(Pair("flash", why.sound)));  // once a candidate
  ASSERT_EQ(why.impossible.size(), 1u);
  EXPECT_EQ(why.impossible[0].violation.message, "b: flash");
  EXPECT_EQ(why.impossible[0].violation.value, 2 * least_flash(space));
  ASSERT_EQ(why.nearest_violations.size(), 1u);
  EXPECT_EQ(why.nearest_violations[0].message, "b: flash");
}

TEST(DiagnoseInfeasibility, EndsAtItsLargestNumberOfCandidates) {
  int costed = 0;
  CandidateRules rules = toy_rules(100);
  rules.check_structure = [&](const Network& network) {
    ++costed;
    return toy_structure(network);
  };
  const Infeasibility why = diagnose_infeasibility(space_of(large_spec()), rules, 1, {.max_candidates = 1050});
  EXPECT_EQ(costed, 1050);
  EXPECT_EQ(why.candidates, 1050);
  EXPECT_EQ(why.end, DiagnosisEnd::kMaxCandidates);
  EXPECT_TRUE(why.impossible.empty());  // the descent that would prove it was cut short
  const Infeasibility whole = diagnose_infeasibility(space_of(large_spec()), toy_rules(100), 1);
  EXPECT_EQ(whole.end, DiagnosisEnd::kWhole);
  EXPECT_GT(whole.candidates, 1050);
  EXPECT_EQ(whole.impossible.size(), 1u);
}

// Two limits that nothing keeps: the nearest is looked for with the effort that proving them leaves.
TEST(DiagnoseInfeasibility, ProvesWhatIsImpossibleBeforeItLooksForWhatIsNear) {
  CandidateRules rules = toy_rules();
  rules.check_budgets = [](const Estimates& e) {
    return std::vector<Violation>{{"flash", double(e.flash_bytes), 100, "flash"}, {"macs", double(e.macs), 1, "macs"}};
  };
  const SearchSpace space = space_of(large_spec());
  const int whole = diagnose_infeasibility(space, rules, 1).candidates;
  DiagnosisEffort effort;
  std::vector<size_t> proven;
  for (effort.max_candidates = 1100; effort.max_candidates < whole; effort.max_candidates += 400) {
    const Infeasibility why = diagnose_infeasibility(space, rules, 1, effort);
    proven.push_back(why.impossible.size());
    EXPECT_TRUE(why.impossible.size() == 2 || !why.nearest) << effort.max_candidates;
  }
  ASSERT_FALSE(proven.empty());
  EXPECT_TRUE(std::is_sorted(proven.begin(), proven.end()));
  EXPECT_EQ(proven.back(), 2u);
}

TEST(DiagnoseInfeasibility, StopsWhenAsked) {
  int asked = 0;
  const Infeasibility why =
      diagnose_infeasibility(space_of(large_spec()), toy_rules(100), 1, {.stop = [&] { return ++asked > 200; }});
  EXPECT_EQ(why.end, DiagnosisEnd::kStopped);
  EXPECT_LE(why.candidates, 200);
  EXPECT_LE(why.sampled, 200);
  EXPECT_THAT(why.broken, ElementsAre(Pair("flash", why.sound)));  // what was seen is told
}

}  // namespace
}  // namespace bitwright

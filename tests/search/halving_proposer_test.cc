// SPDX-License-Identifier: Apache-2.0
#include "search/halving_proposer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "core/study.h"
#include "tests/search/grid.h"

namespace bitwright {
namespace {

const std::vector<double> kRungs = {0.25, 1.0};

// At a quarter of the epochs an error is three times what it will be.
double error_at(const DesignPoint& point, double fidelity) {
  return error_of(point) * (fidelity < 1.0 ? 3.0 : 1.0);
}

struct Halved {
  std::map<int64_t, double> reached;  // by training
  std::map<int64_t, DesignPoint> points;
  std::vector<std::string> sources;
};

// `jobs` one after another.
Halved run(Proposer& proposer, int jobs, int64_t failing = -1) {
  Halved run;
  for (int job = 0; job < jobs; ++job) {
    const auto next = static_cast<int64_t>(run.points.size());
    const DesignProposal proposal = *proposer.propose(next, {});
    const int64_t number = proposal.continues.value_or(next);
    EXPECT_GT(proposal.fidelity, run.reached[number]);
    if (proposal.continues) {
      EXPECT_EQ(proposal.point, run.points.at(number));
    }
    run.points[number] = proposal.point;
    run.reached[number] = proposal.fidelity;
    run.sources.push_back(proposal.source);
    DesignResult result = {.number = number, .point = proposal.point, .fidelity = proposal.fidelity};
    if (number != failing) result.measured = ObjectiveVector{error_at(proposal.point, proposal.fidelity)};
    proposer.tell(result);
  }
  return run;
}

double share_of_whole(const Halved& run) {
  const auto whole = std::ranges::count_if(run.reached, [](const auto& entry) { return entry.second == 1.0; });
  return static_cast<double>(whole) / static_cast<double>(run.reached.size());
}

TEST(HalvingProposer, AThirdGoesOnBesideTheFirstTen) {
  const Grid space;
  const auto proposer = make_proposer({.sampler = "random", .seed = 1, .rungs = kRungs}, space);
  const Halved halved = run(*proposer, 100);
  for (int64_t number = 0; number < 10; ++number) EXPECT_EQ(halved.reached.at(number), 1.0);
  EXPECT_NEAR(share_of_whole(halved), 1.0 / 3 + 2.0 / 3 * 10 / static_cast<double>(halved.points.size()), 0.06);
  // What went on is better than what did not.
  double stopped = 0.0, gone_on = 0.0;
  for (const auto& [number, point] : halved.points)
    if (number >= 10) (halved.reached.at(number) == 1.0 ? gone_on : stopped) += error_of(point);
  const double gone = 100.0 - static_cast<double>(halved.points.size()) - 10.0;
  EXPECT_LT(gone_on / gone, 0.9 * stopped / (static_cast<double>(halved.points.size()) - 10.0 - gone));
}

TEST(HalvingProposer, DoesNotAskTwiceForWhatIsUnderWay) {
  const Grid space;
  const auto proposer = make_proposer({.sampler = "random", .seed = 2, .rungs = kRungs}, space);
  const DesignPoint point = proposer->propose(0, {})->point;
  proposer->tell({.number = 0, .point = point, .measured = ObjectiveVector{0.5}, .fidelity = 0.25});
  EXPECT_EQ(proposer->propose(1, {}).value().continues, 0);
  EXPECT_FALSE(proposer->propose(1, {point}).value().continues.has_value());
  EXPECT_EQ(proposer->propose(1, {}).value().continues, 0);  // an ask leaves no trace
}

TEST(HalvingProposer, DoesNotGoOnWithWhatFailed) {
  const Grid space;
  for (const char* sampler : kSamplers) {
    const auto proposer = make_proposer({.sampler = sampler, .seed = 3, .rungs = kRungs}, space);
    EXPECT_EQ(run(*proposer, 20, /*failing=*/2).reached.at(2), 0.25) << sampler;
  }
}

// Five of the twelve points go through both rungs, the others wait for them.
TEST(BayesianProposer, GoesOnWithAllThatStoppedWhereTheSpaceIsExhausted) {
  const Grid space(2);
  const auto proposer = make_proposer({.sampler = "bayesian", .seed = 5, .rungs = kRungs}, space);
  const Halved halved = run(*proposer, 2 * space.size());
  EXPECT_EQ(std::ssize(halved.points), space.size());
  EXPECT_EQ(share_of_whole(halved), 1.0);
  EXPECT_FALSE(proposer->propose(space.size(), {}).has_value());
}

TEST(BayesianProposer, GoesOnWithWhatItsModelExpectsMostOf) {
  const Grid space;
  const auto proposer = make_proposer({.sampler = "bayesian", .seed = 4, .rungs = kRungs}, space);
  const Halved halved = run(*proposer, 60);
  EXPECT_GT(share_of_whole(halved), 0.15);
  EXPECT_LT(share_of_whole(halved), 0.85);
  EXPECT_GT(std::ranges::count(halved.sources, "rung"), 5);
  EXPECT_TRUE(std::ranges::any_of(halved.points, [&](const auto& entry) {
    return entry.second == kOptimum && halved.reached.at(entry.first) == 1.0;
  }));
}

}  // namespace
}  // namespace bitwright

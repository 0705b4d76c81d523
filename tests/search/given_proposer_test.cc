// SPDX-License-Identifier: Apache-2.0
#include "search/given_proposer.h"

#include <gtest/gtest.h>

#include "tests/search/grid.h"

namespace bitwright {
namespace {

std::unique_ptr<Proposer> proposer_on(const DesignSpace& space, std::vector<double> rungs = {1.0}) {
  return make_proposer({.sampler = "random",
                        .seed = 1,
                        .rungs = std::move(rungs),
                        .given = {{{2, 4, 0}, "user"}, {{2, 5, 0}, "user"}, {{6, 6, 1}, "earlier"}}},
                       space);
}

TEST(GivenProposer, PassesOverWhatIsToldUnderWayOrForbidden) {
  const Grid space(kLevels, /*limited=*/true);  // forbids the second
  const auto proposer = proposer_on(space);
  EXPECT_EQ(proposer->propose(0, {})->point, (DesignPoint{2, 4, 0}));
  const auto third = proposer->propose(1, {{2, 4, 0}});
  EXPECT_EQ(third->point, (DesignPoint{6, 6, 1}));
  EXPECT_EQ(third->source, "earlier");
  proposer->tell(result_of(0, {2, 4, 0}));
  EXPECT_EQ(proposer->propose(1, {})->point, (DesignPoint{6, 6, 1}));
  EXPECT_EQ(proposer->propose(1, {{6, 6, 1}})->source, "random");
}

TEST(GivenProposer, BeginsWithTheFirstRung) {
  const Grid space;
  EXPECT_EQ(proposer_on(space)->propose(0, {})->fidelity, 1.0);
  EXPECT_EQ(proposer_on(space, {0.1, 1.0})->propose(0, {})->fidelity, 0.1);
}

}  // namespace
}  // namespace bitwright

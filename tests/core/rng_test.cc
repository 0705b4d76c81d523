// SPDX-License-Identifier: Apache-2.0
#include "core/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace bitwright {
namespace {

// First outputs of SplitMix64 from state 1234567: the test vector of Vigna's splitmix64.c, as Rosetta Code prints it.
TEST(Rng, IsSplitMix64) {
  Rng rng(1234567);
  EXPECT_EQ(rng.next(), 6457827717110365317u);
  EXPECT_EQ(rng.next(), 3203168211198807973u);
  EXPECT_EQ(rng.next(), 9817491932198370423u);
  EXPECT_EQ(rng.next(), 4593380528125082431u);
  EXPECT_EQ(rng.next(), 16408922859458223821u);
}

// Streams once started at multiples of the increment: stream 2 of seed 1 was stream 0 shifted by two numbers.
TEST(Rng, StreamsOfOneSeedShareNoNumbers) {
  std::set<uint64_t> seen;
  for (uint64_t seed = 0; seed < 4; ++seed)
    for (uint64_t stream = 0; stream < 100; ++stream) {
      Rng rng(seed, stream);
      for (int i = 0; i < 200; ++i) EXPECT_TRUE(seen.insert(rng.next()).second) << seed << " " << stream << " " << i;
    }
}

TEST(Rng, AStreamIsAFunctionOfSeedAndNumber) {
  EXPECT_EQ(Rng(3, 5).next(), Rng(3, 5).next());
  EXPECT_NE(Rng(3, 5).next(), Rng(5, 3).next());
}

// Chi-squared of 100000 draws over 10 cells: below 27.9 in 999 of 1000 sequences.
TEST(Rng, BelowIsUniform) {
  Rng rng(1);
  std::vector<int> count(10, 0);
  for (int i = 0; i < 100000; ++i) ++count[rng.below(10)];
  double chi_squared = 0.0;
  for (int c : count) chi_squared += (c - 10000.0) * (c - 10000.0) / 10000.0;
  EXPECT_LT(chi_squared, 27.9);
}

TEST(Rng, BelowOneIsZero) {
  Rng rng(1);
  EXPECT_EQ(rng.below(1), 0u);
}

TEST(Rng, UniformLiesInItsHalfOpenInterval) {
  Rng rng(2);
  double sum = 0.0;
  for (int i = 0; i < 100000; ++i) {
    const double u = rng.uniform(-3.0, 5.0);
    ASSERT_GE(u, -3.0);
    ASSERT_LT(u, 5.0);
    sum += u;
  }
  EXPECT_NEAR(sum / 100000, 1.0, 4.0 * 8.0 / std::sqrt(12.0 * 100000));  // four standard errors
}

// Moments of the standard normal: 0, 1, 0, 3; four standard errors each.
TEST(Rng, NormalHasTheMomentsOfTheNormal) {
  Rng rng(3);
  const int n = 200000;
  double m1 = 0.0, m2 = 0.0, m3 = 0.0, m4 = 0.0;
  for (int i = 0; i < n; ++i) {
    const double x = rng.normal();
    m1 += x, m2 += x * x, m3 += x * x * x, m4 += x * x * x * x;
  }
  const double root = std::sqrt(n);
  EXPECT_NEAR(m1 / n, 0.0, 4.0 / root);
  EXPECT_NEAR(m2 / n, 1.0, 4.0 * std::sqrt(2.0) / root);
  EXPECT_NEAR(m3 / n, 0.0, 4.0 * std::sqrt(15.0) / root);
  EXPECT_NEAR(m4 / n, 3.0, 4.0 * std::sqrt(96.0) / root);
}

TEST(Rng, ShuffleIsAPermutationAndReachesEveryOrder) {
  Rng rng(4);
  std::set<std::vector<int>> orders;
  for (int i = 0; i < 1000; ++i) {
    std::vector<int> items = {0, 1, 2, 3};
    rng.shuffle(items);
    orders.insert(items);
    std::sort(items.begin(), items.end());
    EXPECT_EQ(items, (std::vector<int>{0, 1, 2, 3}));
  }
  EXPECT_EQ(orders.size(), 24u);
}

}  // namespace
}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "search/hypervolume.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/rng.h"

namespace bitwright {
namespace {

// Unit cells of the grid below `reference` whose upper corner is dominated: exact for integer points.
double counted_cells(const std::vector<ObjectiveVector>& points, int side, size_t objectives) {
  int64_t cells = 0;
  const int64_t all = std::llround(std::pow(side, objectives));
  for (int64_t cell = 0; cell < all; ++cell) {
    bool covered = false;
    for (const ObjectiveVector& p : points) {
      bool inside = true;
      int64_t rest = cell;
      for (size_t k = 0; k < objectives; ++k, rest /= side) inside &= p[k] <= static_cast<double>(rest % side);
      covered |= inside;
    }
    cells += covered;
  }
  return static_cast<double>(cells);
}

std::vector<ObjectiveVector> staircase(int n) {
  std::vector<ObjectiveVector> points;
  for (int i = 0; i < n; ++i) points.push_back({double(i), double(n - 1 - i)});
  return points;
}

// n points on the anti-diagonal of an n x n grid dominate n^2 - n(n-1)/2 cells.
TEST(Hypervolume, StaircaseMatchesTheClosedForm) {
  for (int n = 1; n <= 20; ++n) EXPECT_EQ(hypervolume(staircase(n), {double(n), double(n)}), n * n - n * (n - 1) / 2);
}

TEST(Hypervolume, EqualsTheCountOfDominatedGridCells) {
  Rng rng(17);
  for (size_t objectives = 1; objectives <= 4; ++objectives) {
    const int side = objectives == 4 ? 6 : 9;
    for (int round = 0; round < 60; ++round) {
      std::vector<ObjectiveVector> points(1 + rng.below(14), ObjectiveVector(objectives));
      for (auto& p : points)
        for (double& v : p) v = static_cast<double>(rng.below(static_cast<uint64_t>(side) + 2));  // some outside
      EXPECT_EQ(hypervolume(points, ObjectiveVector(objectives, side)), counted_cells(points, side, objectives));
    }
  }
}

// The lattice points i + j + k = n of an n-sided cube dominate all its cells but the C(n + 2, 3) below their plane.
TEST(Hypervolume, OfTheSimplexLatticeMatchesTheClosedForm) {
  for (int n = 1; n <= 16; ++n) {
    std::vector<ObjectiveVector> points;
    for (int i = 0; i <= n; ++i)
      for (int j = 0; i + j <= n; ++j) points.push_back({double(i), double(j), double(n - i - j)});
    const double side = n;
    EXPECT_EQ(hypervolume(points, {side, side, side}), side * side * side - (side + 2) * (side + 1) * side / 6);
  }
}

TEST(Hypervolume, FourObjectivesAgreeWithMonteCarlo) {
  Rng rng(29);
  std::vector<ObjectiveVector> points(20, ObjectiveVector(4));
  for (auto& p : points)
    for (double& v : p) v = rng.uniform();
  constexpr int kDraws = 200000;
  int hits = 0;
  for (int i = 0; i < kDraws; ++i) {
    ObjectiveVector x(4);
    for (double& v : x) v = rng.uniform();
    hits += std::any_of(points.begin(), points.end(), [&](const auto& p) { return dominates(p, x); });
  }
  // Standard error at most 0.5 / sqrt(200000) = 0.0011; four of them are allowed.
  EXPECT_NEAR(hypervolume(points, {1, 1, 1, 1}), double(hits) / kDraws, 0.0045);
}

TEST(Hypervolume, IgnoresPointsBeyondTheReferenceCopiesAndNaN) {
  EXPECT_EQ(hypervolume({}, {1, 1}), 0.0);
  EXPECT_EQ(hypervolume({{2, 0}, {1, 0}}, {1, 1}), 0.0);
  EXPECT_EQ(hypervolume({{0.5, 0.5}, {0.5, 0.5}, {0.75, 0.5}, {std::nan(""), 0}}, {1, 1}), 0.25);
}

TEST(Hypervolume, DoesNotDependOnTheOrderOfPointsOrObjectives) {
  Rng rng(31);
  std::vector<ObjectiveVector> points(12, ObjectiveVector(3));
  for (auto& p : points)
    for (double& v : p) v = rng.uniform();
  const double volume = hypervolume(points, {1, 1, 1});
  for (int round = 0; round < 10; ++round) {
    rng.shuffle(points);
    for (auto& p : points) std::rotate(p.begin(), p.begin() + 1, p.end());
    EXPECT_NEAR(hypervolume(points, {1, 1, 1}), volume, 1e-12);
  }
}

}  // namespace
}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "search/initial_design.h"

#include <gtest/gtest.h>

#include "core/rng.h"

namespace bitwright {
namespace {

const std::vector<ModelInput> kInputs = {{}, {.choices = 3}};

PlacedPoint placed(double ordered, double choice, double cost) {
  Eigen::RowVectorXd row(2);
  row << ordered, choice;
  return {row, {cost}};
}

TEST(InitialDesign, TheFirstPointIsAsGoodAsAnyOther) {
  EXPECT_EQ(farthest(kInputs, {placed(0.2, 0, 1), placed(0.9, 1, 2)}, {}), 0u);
}

TEST(InitialDesign, TakesWhatIsFarFromTheNearest) {
  const std::vector<PlacedPoint> there = {placed(0.0, 0, 5), placed(1.0, 0, 5)};
  EXPECT_EQ(farthest(kInputs, {placed(0.1, 0, 5), placed(0.5, 0, 5), placed(0.9, 0, 5)}, there), 1u);
  EXPECT_EQ(farthest(kInputs, {placed(0.1, 0, 5), placed(0.5, 0, 5), placed(0.9, 2, 5)}, there), 2u);
}

// Costs of any unit: what counts is the order.
TEST(InitialDesign, ReachesFromCheapToDear) {
  for (const double unit : {1e-6, 1.0, 1e6}) {
    const std::vector<PlacedPoint> candidates = {placed(0.5, 0, 1 * unit), placed(0.5, 0, 2 * unit),
                                                 placed(0.5, 0, 900 * unit)};
    EXPECT_EQ(farthest(kInputs, candidates, {placed(0.5, 0, 1 * unit)}), 2u);
    EXPECT_EQ(farthest(kInputs, candidates, {placed(0.5, 0, 900 * unit)}), 0u);
  }
}

TEST(InitialDesign, WithoutKnownCostsTheInputsAloneCount) {
  std::vector<PlacedPoint> candidates = {placed(0.4, 0, 0), placed(0.9, 0, 0)};
  PlacedPoint there = placed(0.3, 0, 0);
  for (PlacedPoint* point : {&candidates[0], &candidates[1], &there}) point->known.clear();
  EXPECT_EQ(farthest(kInputs, candidates, {there}), 1u);
}

// Ten points chosen of a square: none has a neighbour as near as ten random ones have.
TEST(InitialDesign, SpreadsPoints) {
  const std::vector<ModelInput> square(2);
  const auto random = [](Rng& rng) {
    Eigen::RowVectorXd row(2);
    row << rng.uniform(), rng.uniform();
    return PlacedPoint{row, {}};
  };
  const auto nearest = [](const std::vector<PlacedPoint>& points) {
    double least = 2.0;
    for (size_t i = 0; i < points.size(); ++i)
      for (size_t j = 0; j < i; ++j) least = std::min(least, (points[i].row - points[j].row).norm());
    return least;
  };
  Rng rng(1);
  std::vector<PlacedPoint> spread, loose;
  for (int i = 0; i < 10; ++i) {
    std::vector<PlacedPoint> candidates;
    for (int k = 0; k < 200; ++k) candidates.push_back(random(rng));
    spread.push_back(candidates[farthest(square, candidates, spread)]);
    loose.push_back(random(rng));
  }
  EXPECT_GT(nearest(spread), 0.25);
  EXPECT_LT(nearest(loose), 0.15);
}

}  // namespace
}  // namespace bitwright

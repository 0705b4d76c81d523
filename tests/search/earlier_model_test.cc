// SPDX-License-Identifier: Apache-2.0
#include "search/earlier_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace bitwright {
namespace {

// What is left of a weight after so many results.
double left(double results) {
  return 1.0 / (1.0 + results * results / 400.0);
}

TEST(EarlierBelief, IsNoneBeforeFiveResultsAndGreatestWhereAllRanksAgree) {
  EXPECT_EQ(belief_in({{1, 2, 3, 4}}, {1, 2, 3, 4}).weight, 0.0);
  EXPECT_NEAR(belief_in({{1, 2, 3, 4, 5}}, {1, 2, 3, 4, 50}).weight, left(5), 1e-12);
  EXPECT_EQ(belief_in({}, {1, 2, 3, 4, 5}).weight, 0.0);
}

// Spearman's rho of six, one pair of which is the wrong way round: 1 - 6 * 2 / (6 * 35) = 33 / 35. Chance gives
// 1 / sqrt(5).
TEST(EarlierBelief, WeighsWhatIsBeyondChance) {
  const double least = 1.0 / std::sqrt(5.0);
  EXPECT_NEAR(belief_in({{1, 2, 3, 4, 5, 6}}, {10, 30, 20, 40, 50, 60}).weight,
              left(6) * (33.0 / 35.0 - least) / (1.0 - least), 1e-12);
  EXPECT_EQ(belief_in({{1, 2, 3, 4, 5, 6}}, {6, 5, 4, 3, 2, 1}).weight, 0.0);
  EXPECT_EQ(belief_in({{7, 7, 7, 7, 7}}, {1, 2, 3, 4, 5}).weight, 0.0);
}

TEST(EarlierBelief, FadesAsResultsComeIn) {
  std::vector<double> ranks(60);
  std::iota(ranks.begin(), ranks.end(), 1.0);
  EXPECT_NEAR(belief_in({ranks}, ranks).weight, 0.1, 1e-12);
}

// rho = 1 - 6 * 168 / (10 * 99) = -1 / 55.
TEST(EarlierBelief, IsNoneWhereRanksHardlyAgree) {
  EXPECT_EQ(belief_in({{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}}, {9, 4, 7, 2, 1, 10, 3, 8, 5, 6}).weight, 0.0);
}

TEST(EarlierBelief, TakesTheStudyThatAgreesBestAndItsLine) {
  const EarlierBelief belief = belief_in({{5, 4, 3, 2, 1}, {1, 2, 3, 4, 6}, {2, 1, 3, 4, 5}}, {5, 8, 11, 14, 20});
  EXPECT_EQ(belief.study, 1u);
  EXPECT_NEAR(belief.slope, 3.0, 1e-12);
  EXPECT_NEAR(belief.of(10.0), left(5) * 32.0, 1e-12);
}

TEST(EarlierModels, ReturnToWhatWasMeasured) {
  Eigen::MatrixXd rows(5, 1);
  rows << 0.0, 0.2, 0.4, 0.7, 1.0;
  Eigen::VectorXd targets(5);
  targets << 1.0, 1.4, 1.8, 2.4, 3.0;
  EarlierModels models(std::vector<ModelInput>(1));
  models.add(rows, targets);
  ASSERT_EQ(models.size(), 1u);
  const Eigen::VectorXd means = models.means(0, rows);
  for (Eigen::Index i = 0; i < 5; ++i) EXPECT_NEAR(means[i], targets[i], 0.15) << i;
}

TEST(EarlierModels, AreOfTheLastFourHundredResults) {
  Eigen::MatrixXd rows(420, 1);
  Eigen::VectorXd targets(420);
  for (Eigen::Index i = 0; i < 420; ++i)
    rows(i, 0) = static_cast<double>(i % 50) / 50, targets[i] = i < 20 ? 1e6 : rows(i, 0);
  EarlierModels models(std::vector<ModelInput>(1));
  models.add(rows, targets);
  EXPECT_LT(models.means(0, rows).maxCoeff(), 2.0);
}

}  // namespace
}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "search/outcome_models.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/rng.h"

namespace bitwright {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::RowVectorXd;
using Eigen::VectorXd;

constexpr uint64_t kLevels = 8, kChoices = 3;
constexpr Index kOrdered = 2, kCategories = 6;
constexpr Index kResults = 150;  // of which most forests are better

std::vector<ModelInput> inputs() {
  std::vector<ModelInput> inputs(kOrdered);
  inputs.insert(inputs.end(), kCategories, {.choices = kChoices});
  return inputs;
}

MatrixXd random_rows(Index count, uint64_t seed) {
  Rng rng(seed);
  MatrixXd rows(count, kOrdered + kCategories);
  for (Index i = 0; i < count; ++i)
    for (Index k = 0; k < rows.cols(); ++k)
      rows(i, k) = k < kOrdered ? static_cast<double>(rng.below(kLevels)) / kLevels : rng.below(kChoices);
  return rows;
}

// A level a choice up to a cliff, levels in no order beyond.
double cliff(const RowVectorXd& row) {
  if (row[0] < 0.6) return row[2] == 0 ? 1.0 : row[3] == 1 ? 1.3 : 1.1;
  uint64_t state = 0;
  for (const double value : row) state = Rng(state, static_cast<uint64_t>(kLevels * value)).next();
  return Rng(state).uniform(5.0, 9.0);
}

VectorXd cliffs(const MatrixXd& rows) {
  VectorXd values(rows.rows());
  for (Index i = 0; i < rows.rows(); ++i) values[i] = cliff(rows.row(i));
  return values;
}

// Each of a training of its own, of which one that stops early is worse.
void add(ResultModels& models, const MatrixXd& rows, double fidelity = 1.0) {
  for (Index i = 0; i < rows.rows(); ++i) {
    const ObjectiveVector measured = {cliff(rows.row(i)) + 1.0 - fidelity};
    models.add({.number = fidelity < 1.0 ? 1000 + i : i, .measured = measured, .fidelity = fidelity}, rows.row(i));
  }
}

OutcomeModels models_of(uint64_t seed, std::shared_ptr<const EarlierModels> earlier = {}) {
  ResultModels models(inputs(), 0.0, 1.0, std::move(earlier));
  add(models, random_rows(kResults, seed));
  return models.models();
}

VectorXd distances(const GaussianPosterior& said, const VectorXd& wanted) {
  return (said.mean - wanted).cwiseAbs();
}

TEST(OutcomeModels, LetAForestSpeakWhereItForetellsBetter) {
  const MatrixXd rows = random_rows(500, 1000);
  int forests = 0;
  double by_forest = 0.0, by_process = 0.0;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const OutcomeModels models = models_of(seed);
    if (!models.forest) continue;
    ++forests;
    EXPECT_EQ(models.source(), "forest");
    by_forest += distances(models.predict(rows)[0], cliffs(rows)).mean();
    by_process += distances(models.objectives[0].predict(rows), cliffs(rows)).mean();
  }
  EXPECT_GE(forests, 7);
  EXPECT_LT(by_forest, 0.93 * by_process);
}

TEST(OutcomeModels, AForestLearnsWhatEarlierStudiesLeave) {
  const auto earlier = std::make_shared<EarlierModels>(inputs());
  const MatrixXd before = random_rows(60, 2000), rows = random_rows(50, 1000);
  earlier->add(before, cliffs(before));
  const OutcomeModels models = models_of(0, earlier);
  ASSERT_TRUE(models.forest && models.belief.weight > 0.0);
  VectorXd wanted = models.forest->predict(rows).mean;
  for (Index i = 0; i < 50; ++i) wanted[i] += models.belief.of(earlier->means(0, rows)[i]);
  EXPECT_EQ(models.predict(rows)[0].mean, wanted);
}

TEST(OutcomeModels, AForestIsJudgedByWholeTrainings) {
  for (uint64_t seed = 0; seed < 4; ++seed) {
    ResultModels models(inputs(), 0.0, 0.1);
    add(models, random_rows(39, seed + 3000));
    add(models, random_rows(kResults, seed), 0.1);
    EXPECT_FALSE(models.models().forest);
  }
}

TEST(OutcomeModels, AForestIsAskedForWholeTrainings) {
  const MatrixXd rows = random_rows(50, 1000);
  ResultModels models(inputs(), 0.0, 0.1);
  add(models, random_rows(30, 3000), 0.1);
  add(models, random_rows(kResults, 0));
  const OutcomeModels learnt = models.models();
  ASSERT_TRUE(learnt.forest);
  MatrixXd whole = MatrixXd::Zero(50, rows.cols() + 1);
  whole.leftCols(rows.cols()) = rows;
  EXPECT_EQ(learnt.predict(rows)[0].mean, learnt.forest->predict(whole).mean);
}

TEST(OutcomeModels, AForestBelievesPointsUnderWay) {
  MatrixXd row = random_rows(1, 1000);
  row(0, 0) = 0.875;  // beyond the cliff, where much is open
  OutcomeModels models = models_of(0);
  ASSERT_TRUE(models.forest);
  const GaussianPosterior before = models.predict(row)[0];
  for (int i = 0; i < 5; ++i) models.add_pending(row);
  EXPECT_LT(models.predict(row)[0].deviation[0], 0.9 * before.deviation[0]);
  EXPECT_NEAR(models.believed(row)[0], before.mean[0], before.deviation[0]);
}

// Between two fits of the hyperparameters as at one.
TEST(OutcomeModels, AreThoseOfTheResultsHoweverOftenTheyWereAskedFor) {
  const MatrixXd rows = random_rows(kResults + 1, 0), asked = random_rows(50, 1000);
  ResultModels often(inputs(), 0.0);
  for (Index i = 0; i < rows.rows(); ++i) {
    add(often, rows.row(i));
    often.models();
  }
  ResultModels once(inputs(), 0.0);
  add(once, rows);
  const OutcomeModels one = once.models();
  ASSERT_TRUE(one.forest);
  EXPECT_EQ(often.models().predict(asked)[0].mean, one.predict(asked)[0].mean);
}

}  // namespace
}  // namespace bitwright

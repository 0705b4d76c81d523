// The table of trained nets as a problem: its points, its front, and what an evaluation tells.
// SPDX-License-Identifier: Apache-2.0
#include "experiments/search_bench/trained_nets.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "constraints/constraints.h"
#include "core/embedded.h"
#include "core/error.h"
#include "core/io/load_study.h"
#include "estimators/estimate.h"
#include "experiments/search_bench/named_problem.h"
#include "experiments/search_bench/problem_space.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

class TrainedNetsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { trained_ = std::make_shared<TrainedNets>(load_trained_nets()); }
  static void TearDownTestSuite() { trained_.reset(); }

  // Every combination of values, active or not.
  static std::vector<ProblemPoint> all_combinations(const Problem& problem) {
    std::vector<ProblemPoint> points = {{}};
    for (const ProblemParameter& parameter : problem.parameters) {
      std::vector<ProblemPoint> longer;
      for (const ProblemPoint& point : points)
        for (double value = parameter.low; value <= parameter.high; ++value) {
          longer.push_back(point);
          longer.back().push_back(value);
        }
      points = std::move(longer);
    }
    return points;
  }

  static std::shared_ptr<const TrainedNets> trained_;
  const Problem problem_ = nets_problem(trained_);
  // Depth 3; 32, 4 and 16 channels; kernel 9, int2, uint8, stride 1.
  const ProblemPoint point_ = {3, 3, 0, 2, 2, 1, 1, 0};
};
std::shared_ptr<const TrainedNets> TrainedNetsTest::trained_;

TEST_F(TrainedNetsTest, SpaceHasEveryNetOnce) {
  const ProblemSpace space(problem_);
  std::set<std::string> keys, nets;
  for (const ProblemPoint& point : all_combinations(problem_)) {
    const NetChoice& choice = net_at(*trained_, point).choice;
    EXPECT_EQ(static_cast<double>(choice.channels.size()), point[0]);
    keys.insert(space.key(point));
    nets.insert(choice_text(choice));
  }
  EXPECT_EQ(keys.size(), 4032u);
  EXPECT_EQ(nets.size(), 4032u);
  EXPECT_EQ(trained_->nets.size(), 4032u);
}

TEST_F(TrainedNetsTest, APointIsTheNetOfItsChoices) {
  EXPECT_EQ(choice_text(net_at(*trained_, point_).choice), "32-4-16,9,int2,uint8,1");
  EXPECT_EQ(choice_text(net_at(*trained_, {1, 1, 0, 0, 0, 0, 0, 1}).choice), "8,3,ternary,uint4,2");
}

// Read here by the line, not by the column.
TEST_F(TrainedNetsTest, ErrorsAreThoseOfTheTable) {
  std::ifstream file(BITWRIGHT_SOURCE_DIR "/experiments/search_bench/trained_nets.csv");
  std::array<RungErrors, 2> errors{};
  for (std::string line; std::getline(file, line);)
    for (const int seed : {1, 2})
      if (const std::string start = fmt::format("32-4-16,9,int2,uint8,1,{},", seed); line.starts_with(start)) {
        RungErrors& e = errors[static_cast<size_t>(seed) - 1];
        ASSERT_EQ(std::sscanf(line.c_str() + start.size(), "%lf,%lf,%lf,0", &e[0], &e[1], &e[2]), 3);
      }
  EXPECT_EQ(net_at(*trained_, point_).errors, errors);
  EXPECT_EQ(problem_.outcome(point_).objectives[0], (errors[0][2] + errors[1][2]) / 2);
}

TEST_F(TrainedNetsTest, AnEvaluationIsOneOfTheTwoTrainings) {
  const TrainedNet& net = net_at(*trained_, point_);
  ASSERT_NE(net.errors[0], net.errors[1]);
  std::array<int, 2> drawn{};
  for (uint64_t seed = 0; seed < 400; ++seed) {
    const std::vector<double> rungs = evaluate_rungs(problem_, point_, seed);
    const size_t training = rungs[0] == net.errors[1][0] ? 1 : 0;
    EXPECT_EQ(rungs, std::vector<double>(net.errors[training].begin(), net.errors[training].end()));
    EXPECT_EQ(evaluate(problem_, point_, seed).objectives[0], rungs.back());
    ++drawn[training];
  }
  EXPECT_NEAR(drawn[0], 200, 40);  // four deviations
}

TEST_F(TrainedNetsTest, ValuesThatAreNotActiveChangeNothing) {
  ProblemPoint shallow = point_, other = point_;
  shallow[0] = other[0] = 1;
  other[2] = other[3] = 1;
  EXPECT_EQ(&net_at(*trained_, shallow), &net_at(*trained_, other));
  for (uint64_t seed = 0; seed < 20; ++seed)
    EXPECT_EQ(evaluate(problem_, shallow, seed).objectives, evaluate(problem_, other, seed).objectives);
}

TEST_F(TrainedNetsTest, CostsAndLimitsAreThoseOfAStudy) {
  const Study study =
      study_from_yaml(std::string(*embedded_file("configs/studies/table.yaml")), "table.yaml", {"data.path=/"});
  for (size_t i = 0; i < trained_->nets.size(); i += 61) {
    const TrainedNet& net = trained_->nets[i];
    const Network network = network_of(net.choice, study.space, {256, 1, 1}, Format::kInt8, 10);
    ASSERT_TRUE(check_structure(network).empty());
    const Estimates e = estimate(network, study.board, study.limits);
    EXPECT_EQ(net.flash_bytes, static_cast<double>(e.flash_bytes));
    EXPECT_EQ(net.latency_us, e.latency_us);
    EXPECT_EQ(keeps_known_limits({{}, net.known_limits, {}}), check_budgets(e, study.limits, study.board).empty());
  }
}

TEST_F(TrainedNetsTest, ReferenceIsTheFrontOfAllNets) {
  std::vector<ObjectiveVector> all;
  for (const ProblemPoint& point : all_combinations(problem_))
    if (const ProblemOutcome outcome = problem_.outcome(point); keeps_all_limits(outcome))
      all.push_back(outcome.objectives);
  std::ranges::sort(all);
  all.erase(std::ranges::unique(all).begin(), all.end());
  std::vector<ObjectiveVector> front;
  const std::vector<int> ranks = non_dominated_rank(all);
  for (size_t i = 0; i < all.size(); ++i)
    if (ranks[i] == 0) front.push_back(all[i]);
  EXPECT_NEAR(reference_share(problem_, front), 1.0, 1e-12);
  for (size_t k = 0; k < 3; ++k) {
    const auto of_k = [&](const ObjectiveVector& a, const ObjectiveVector& b) { return a[k] < b[k]; };
    EXPECT_EQ(problem_.ideal[k], std::ranges::min(front, of_k)[k]);
    EXPECT_EQ(problem_.nadir[k], std::ranges::max(front, of_k)[k]);
  }
  front.erase(front.begin() + static_cast<std::ptrdiff_t>(front.size() / 2));
  EXPECT_LT(reference_share(problem_, front), 1.0);
}

TEST(NamedProblem, HasAllOfThem) {
  for (const std::string& name : problem_names()) EXPECT_EQ(named_problem(name).name, name);
  EXPECT_EQ(error_of<ConfigError>([] { named_problem("mcu4"); }),
            "problem = mcu4: one of bnh, tnk, osy, c2dtlz2, mi-c2dtlz2, mw7, cre22, cre23, cre24, cre25, mcu, mcu3, "
            "nets, nets-log, nets-early");
}

}  // namespace
}  // namespace bitwright

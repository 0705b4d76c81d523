// SPDX-License-Identifier: Apache-2.0
#include "experiments/search_bench/problems.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <numbers>

#include "experiments/search_bench/blake2b.h"
#include "search/hypervolume.h"

namespace bitwright {
namespace {

nlohmann::json fixture() {
  return nlohmann::json::parse(std::ifstream(BITWRIGHT_SOURCE_DIR "/tests/experiments/search_problems.json"));
}

void expect_near(const std::vector<double>& got, const std::vector<double>& wanted, const std::string& what) {
  ASSERT_EQ(got.size(), wanted.size()) << what;
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], wanted[i], 1e-9 * std::max(1.0, std::abs(wanted[i]))) << what << " " << i;
}

TEST(SearchProblems, EqualTheOtherImplementation) {
  for (const Problem& problem : search_problems()) {
    for (const auto& row : fixture().at(problem.name).at("rows")) {
      const ProblemOutcome outcome = problem.outcome(decode_unit(problem, row.at("unit")));
      expect_near(outcome.objectives, row.at("objectives"), problem.name + " objectives");
      expect_near(outcome.known_limits, row.at("known"), problem.name + " known limits");
      expect_near(outcome.unknown_limits, row.at("unknown"), problem.name + " unknown limits");
    }
  }
}

TEST(SearchProblems, HypervolumeEqualsTheOtherImplementation) {
  const nlohmann::json file = fixture();
  for (const Problem& problem : search_problems()) {
    std::vector<ObjectiveVector> points;
    for (const auto& row : file.at(problem.name).at("rows")) points.push_back(row.at("objectives"));
    const double wanted = file.at(problem.name).at("hypervolume");
    EXPECT_NEAR(hypervolume(points, file.at(problem.name).at("reference_point")), wanted, 1e-9 * wanted)
        << problem.name;
  }
}

// All 49^4 gear trains: the best error of each largest gear.
TEST(SearchProblems, ReferenceOfTheGearTrainIsItsExactFront) {
  const Problem problem = search_problem("cre25");
  std::map<double, double> best;
  for (double a = 12; a <= 60; ++a)
    for (double b = a; b <= 60; ++b)
      for (double c = 12; c <= 60; ++c)
        for (double d = c; d <= 60; ++d) {
          const double error = std::abs(6.931 - c / a * d / b);
          double& least = best.try_emplace(std::max(b, d), error).first->second;
          least = std::min(least, error);
        }
  std::vector<ObjectiveVector> front;
  for (const auto& [largest, error] : best)
    if (error / 6.931 <= 0.5) front.push_back({error, largest});
  EXPECT_NEAR(reference_share(problem, front), 1.0, 1e-12);
}

// The front is x0 = x1 to 3, then x1 = 3.
TEST(SearchProblems, ReferenceOfBnhIsItsAnalyticFront) {
  const Problem problem = search_problem("bnh");
  std::vector<ObjectiveVector> front;
  for (double a = 0; a <= 5; a += 0.0005) front.push_back(problem.outcome({a, std::min(a, 3.0)}).objectives);
  EXPECT_NEAR(reference_share(problem, front), 1.0, 2e-4);
}

// The parts of the unit circle that the limit leaves.
TEST(SearchProblems, ReferencesOfC2Dtlz2AreItsAnalyticFront) {
  for (const Problem& problem : {search_problem("c2dtlz2"), search_problem("mi-c2dtlz2")}) {
    std::vector<ObjectiveVector> front;
    for (int i = 0; i <= 20'000; ++i) {
      ProblemPoint point(problem.parameters.size(), 0.5);
      point[0] = i / 20'000.0;
      for (size_t k = 0; k < point.size(); ++k)
        if (problem.parameters[k].kind == ProblemParameter::Kind::kInteger) point[k] = 4;
      const ProblemOutcome outcome = problem.outcome(point);
      if (keeps_all_limits(outcome)) front.push_back(outcome.objectives);
    }
    EXPECT_NEAR(reference_share(problem, front), 1.0, 2e-4) << problem.name;
  }
}

TEST(SearchProblems, NoiseIsThatOfTheActiveValuesAndTheSeed) {
  const Problem problem = search_problem("mcu3");
  ProblemPoint point = decode_unit(problem, std::vector<double>(problem.parameters.size(), 0.3));
  const double error = evaluate(problem, point, 1).objectives[0];
  EXPECT_EQ(evaluate(problem, point, 1).objectives[0], error);
  EXPECT_NE(evaluate(problem, point, 2).objectives[0], error);
  ASSERT_FALSE(is_active(problem, point, 21));
  point[21] = 2;
  EXPECT_EQ(evaluate(problem, point, 1).objectives[0], error);
  double sum = 0, squares = 0;
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    const double noise = evaluate(problem, point, seed).objectives[0] - problem.outcome(point).objectives[0];
    sum += noise;
    squares += noise * noise;
  }
  EXPECT_NEAR(sum / 4000, 0.0, 4 * 0.004 / std::sqrt(4000));
  EXPECT_NEAR(std::sqrt(squares / 4000), 0.004, 0.0002);
}

// RFC 7693, appendix A, and hashlib for a digest of four bytes and for two blocks.
TEST(Blake2b, EqualsPublishedDigests) {
  const std::vector<uint8_t> abc = blake2b("abc", 64);
  EXPECT_EQ(std::vector<uint8_t>(abc.begin(), abc.begin() + 4), (std::vector<uint8_t>{0xba, 0x80, 0xa5, 0x3f}));
  EXPECT_EQ(abc.back(), 0x23);
  EXPECT_EQ(blake2b("abc", 4), (std::vector<uint8_t>{0x63, 0x90, 0x62, 0x48}));
  EXPECT_EQ(blake2b(std::string(128, 'x'), 4), (std::vector<uint8_t>{0xb0, 0xc6, 0x63, 0xe3}));
  EXPECT_EQ(blake2b(std::string(129, 'x'), 4), (std::vector<uint8_t>{0x59, 0xb0, 0x79, 0x30}));
}

}  // namespace
}  // namespace bitwright

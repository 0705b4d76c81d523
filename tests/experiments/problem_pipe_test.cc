// A problem behind a pipe says what the problem itself says, and what is wrong with a line that it cannot answer.
// SPDX-License-Identifier: Apache-2.0
#include "experiments/search_bench/problem_pipe.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "core/error.h"
#include "experiments/search_bench/score_rows.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

using Json = nlohmann::json;

// The description, then an answer a request.
std::vector<Json> served(const Problem& problem, const std::string& requests, uint64_t seed = 0) {
  std::istringstream in(requests);
  std::ostringstream out;
  serve_problem(problem, seed, in, out);
  std::istringstream lines(out.str());
  std::vector<Json> answers;
  for (std::string line; std::getline(lines, line);) answers.push_back(Json::parse(line));
  return answers;
}

// Values by name, choices by theirs, null where a parameter is not active.
Json json_of(const Problem& problem, const ProblemPoint& point) {
  Json json = Json::array();
  for (size_t i = 0; i < point.size(); ++i) {
    const ProblemParameter& parameter = problem.parameters[i];
    if (!is_active(problem, point, i))
      json.push_back(nullptr);
    else if (parameter.choices.empty())
      json.push_back(point[i]);
    else
      json.push_back(parameter.choices[static_cast<size_t>(point[i])]);
  }
  return json;
}

TEST(ProblemPipe, AnswersWhatTheProblemSays) {
  Rng rng(5);
  for (const Problem& problem : search_problems()) {
    std::vector<ProblemPoint> points;
    std::string requests;
    for (int i = 0; i < 20; ++i) {
      std::vector<double> unit(problem.parameters.size());
      for (double& u : unit) u = rng.uniform();
      points.push_back(decode_unit(problem, unit));
      const std::string point = json_of(problem, points.back()).dump();
      requests += fmt::format("{{\"known\": {}}}\n{{\"evaluate\": {}}}\n", point, point);
    }
    const std::vector<Json> answers = served(problem, requests, /*seed=*/7);
    ASSERT_EQ(answers.size(), 1 + 2 * points.size());
    for (size_t i = 0; i < points.size(); ++i) {
      const ProblemOutcome seen = evaluate(problem, points[i], 7), exact = problem.outcome(points[i]);
      const Json &known = answers[1 + 2 * i], &evaluation = answers[2 + 2 * i];
      EXPECT_EQ(known.at("known_limits"), Json(exact.known_limits));
      EXPECT_EQ(known.at("known_objectives").size(), problem.known_costs ? exact.objectives.size() - 1 : 0);
      EXPECT_EQ(evaluation.at("known_limits"), Json(exact.known_limits));
      EXPECT_EQ(evaluation.at("unknown_limits"), Json(exact.unknown_limits));
      EXPECT_EQ(evaluation.at("objectives"), Json(seen.objectives));
      EXPECT_EQ(evaluation.at("scored"), Json(exact.objectives));
    }
  }
}

TEST(ProblemPipe, DescribesTheProblem) {
  const Json description = served(search_problem("mcu3"), "").at(0);
  EXPECT_EQ(description["problem"], "mcu3");
  EXPECT_EQ(description["objectives"], 3);
  EXPECT_EQ(description["known_objectives"], 2);
  EXPECT_EQ(description["known_limits"], 3);
  EXPECT_EQ(description["unknown_limits"], 1);
  const Json& parameters = description["parameters"];
  ASSERT_EQ(parameters.size(), 22u);
  EXPECT_EQ(parameters[0], Json::parse(R"({"name": "depth", "kind": "integer", "low": 1, "high": 4, "log": false})"));
  EXPECT_EQ(parameters[2], Json::parse(R"({"name": "pool", "kind": "category", "choices": ["max", "avg"]})"));
  EXPECT_EQ(parameters[4]["log"], true);
  EXPECT_EQ(parameters[10]["active_where"], Json::parse(R"({"parameter": "depth", "least": 2})"));
}

TEST(ProblemPipe, TakesValuesByNameAndTellsARepeat) {
  const std::vector<Json> answers = served(search_problem("bnh"),
                                           "{\"evaluate\": [1, 2]}\n"
                                           "{\"known\": [1, 2.5]}\n"
                                           "{\"evaluate\": {\"x1\": 2.5, \"x0\": 1}}\n"
                                           "{\"evaluate\": {\"x0\": 1, \"x1\": 2}}\n");
  ASSERT_EQ(answers.size(), 5u);
  EXPECT_EQ(answers[1]["objectives"], Json({20, 25}));
  EXPECT_EQ(answers[1]["repeat"], false);
  EXPECT_EQ(answers[3]["repeat"], false);
  EXPECT_EQ(answers[4]["objectives"], answers[1]["objectives"]);
  EXPECT_EQ(answers[4]["repeat"], true);
}

TEST(ProblemPipe, ABadLineIsNamed) {
  const auto error = [](const char* name, const std::string& line) {
    const Problem problem = search_problem(name);
    const ProblemPoint middle = decode_unit(problem, std::vector<double>(problem.parameters.size(), 0.5));
    const std::string good = fmt::format("{{\"known\": {}}}\n", json_of(problem, middle).dump());
    return error_of<ConfigError>([&] { served(problem, good + line + "\n"); });
  };
  EXPECT_EQ(error("bnh", "[1, 2]"), R"(stdin:2: [1, 2]: {"known": point} or {"evaluate": point})");
  EXPECT_EQ(error("bnh", "{\"know\": [1, 2]}"),
            R"(stdin:2: {"know": [1, 2]}: {"known": point} or {"evaluate": point})");
  EXPECT_EQ(error("bnh", "{\"known\": [1]}"), "stdin:2: point = [1]: 2 values, or an object of them");
  EXPECT_EQ(error("bnh", "{\"known\": {\"x0\": 1, \"x1\": 1, \"x2\": 1}}"), "stdin:2: x2 = 1: no parameter of bnh");
  EXPECT_EQ(error("bnh", "{\"known\": [1, 3.5]}"), "stdin:2: x1 = 3.5: a number from 0 to 3");
  EXPECT_EQ(error("bnh", "{\"known\": [1, null]}"), "stdin:2: x1 = null: a number from 0 to 3");
  EXPECT_EQ(error("cre25", "{\"known\": [12, 13.5, 14, 15]}"), "stdin:2: x1 = 13.5: a whole number from 12 to 60");
  EXPECT_EQ(error("mcu", "{\"known\": {\"depth\": 1, \"stride\": 2}}"), "stdin:2: stride = 2: one of 1, 2, 4");
}

TEST(ScoreRows, AddsTheShareReachedByThen) {
  const Problem problem = search_problem("bnh");
  const std::string header = "peer,problem,seed,i,ask_cpu_s,known_ok,unknown_ok,dup,f0,f1,f2\n";
  const std::string scored = score_rows(problem,
                                        header +
                                            "a,bnh,0,0,0.1,1,1,0,20,25,\n"
                                            "b,bnh,0,0,0.1,1,0,0,4,40,\n" +
                                            header +
                                            "a,mcu,0,0,0.1,1,1,0,0.1,0.1,\n"
                                            "a,bnh,0,1,0.1,1,1,0,21,26,\n"
                                            "a,bnh,0,2,0.1,1,1,0,4,40,\n",
                                        "rows.csv");
  const double one = reference_share(problem, {{20, 25}}), two = reference_share(problem, {{20, 25}, {4, 40}});
  EXPECT_EQ(scored, fmt::format("peer,problem,seed,i,ask_cpu_s,known_ok,unknown_ok,dup,f0,f1,f2,share\n"
                                "a,bnh,0,0,0.1,1,1,0,20,25,,{:.6f}\n"
                                "b,bnh,0,0,0.1,1,0,0,4,40,,0.000000\n"
                                "a,bnh,0,1,0.1,1,1,0,21,26,,{:.6f}\n"
                                "a,bnh,0,2,0.1,1,1,0,4,40,,{:.6f}\n",
                                one, one, two));
}

TEST(ScoreRows, ARowThatCannotBeReadIsNamed) {
  const std::string header = "peer,problem,seed,i,ask_cpu_s,known_ok,unknown_ok,dup,f0,f1,f2\n";
  const auto error = [&](const std::string& row) {
    return error_of<DataError>([&] { score_rows(search_problem("bnh"), header + row, "rows.csv"); });
  };
  EXPECT_EQ(error("a,bnh,0,0,0.1,1,1,0,x,25,\n"), "rows.csv:2: f0 = x: a number");
  EXPECT_EQ(error("a,bnh,0\n"), "rows.csv:2: 3 values where the header has 11");
}

}  // namespace
}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "experiments/search_bench/problem_pipe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <istream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "core/error.h"
#include "core/io/json_text.h"
#include "experiments/search_bench/problem_space.h"

namespace bitwright {
namespace {

using Json = nlohmann::ordered_json;
using Kind = ProblemParameter::Kind;

// ---- the description ------------------------------------------------------------------------------------------------

Json description_of(const Problem& problem, const ProblemParameter& parameter) {
  Json json = {{"name", parameter.name}};
  if (parameter.kind == Kind::kCategory) {
    json["kind"] = "category";
    json["choices"] = parameter.choices;
  } else {
    json["kind"] = parameter.kind == Kind::kReal ? "real" : "integer";
    json["low"] = parameter.low;
    json["high"] = parameter.high;
    json["log"] = parameter.log_scale;
  }
  if (parameter.parent >= 0)
    json["active_where"] = {{"parameter", problem.parameters[static_cast<size_t>(parameter.parent)].name},
                            {"least", parameter.parent_least}};
  return json;
}

Json description_of(const Problem& problem) {
  const ProblemOutcome any = problem.outcome(decode_unit(problem, std::vector<double>(problem.parameters.size(), 0.5)));
  Json json = {{"problem", problem.name},
               {"objectives", any.objectives.size()},
               {"known_objectives", problem.known_costs ? any.objectives.size() - 1 : 0},
               {"known_limits", any.known_limits.size()},
               {"unknown_limits", any.unknown_limits.size()},
               {"parameters", Json::array()}};
  for (const ProblemParameter& parameter : problem.parameters)
    json["parameters"].push_back(description_of(problem, parameter));
  return json;
}

// ---- a request ------------------------------------------------------------------------------------------------------

std::string rule_of(const ProblemParameter& parameter) {
  if (parameter.kind == Kind::kCategory) return fmt::format("one of {}", fmt::join(parameter.choices, ", "));
  return fmt::format("a {} from {} to {}", parameter.kind == Kind::kReal ? "number" : "whole number", parameter.low,
                     parameter.high);
}

std::optional<double> value_of(const ProblemParameter& parameter, const Json& json) {
  if (parameter.kind == Kind::kCategory) {
    const auto choice = std::ranges::find(parameter.choices, json.is_string() ? json.get<std::string>() : "");
    if (choice == parameter.choices.end()) return std::nullopt;
    return static_cast<double>(choice - parameter.choices.begin());
  }
  if (!json.is_number()) return std::nullopt;
  const auto value = json.get<double>();
  const bool whole = parameter.kind == Kind::kReal || value == std::floor(value);
  if (!whole || value < parameter.low || value > parameter.high) return std::nullopt;
  return value;
}

// In the parameters' order; null where the point has no such value.
std::vector<Json> values_in(const Problem& problem, const Json& point) {
  const size_t count = problem.parameters.size();
  if (point.is_array() && point.size() == count) return {point.begin(), point.end()};
  if (!point.is_object())
    throw ConfigError(fmt::format("point = {}: {} values, or an object of them", json_text(point, -1), count));
  std::vector<Json> values;
  for (const ProblemParameter& parameter : problem.parameters) values.push_back(point.value(parameter.name, Json()));
  for (const auto& [name, value] : point.items())
    if (std::ranges::find(problem.parameters, name, &ProblemParameter::name) == problem.parameters.end())
      throw ConfigError(fmt::format("{} = {}: no parameter of {}", name, json_text(value, -1), problem.name));
  return values;
}

ProblemPoint point_of(const Problem& problem, const Json& json) {
  const std::vector<Json> values = values_in(problem, json);
  ProblemPoint point;
  for (const ProblemParameter& parameter : problem.parameters) point.push_back(parameter.low);
  for (size_t i = 0; i < point.size(); ++i) {
    if (values[i].is_null() && !is_active(problem, point, i)) continue;
    const ProblemParameter& parameter = problem.parameters[i];
    const std::optional<double> value = value_of(parameter, values[i]);
    if (!value)
      throw ConfigError(fmt::format("{} = {}: {}", parameter.name, json_text(values[i], -1), rule_of(parameter)));
    point[i] = *value;
  }
  return point;
}

// "known" or "evaluate", and the point.
std::pair<std::string, Json> read_request(const std::string& line) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (json.is_object() && json.size() == 1)
    if (const std::string verb = json.begin().key(); verb == "known" || verb == "evaluate")
      return {verb, json.begin().value()};
  throw ConfigError(fmt::format(R"({}: {{"known": point}} or {{"evaluate": point}})", line));
}

// ---- an answer ------------------------------------------------------------------------------------------------------

Json known_of(const Problem& problem, const ProblemPoint& point) {
  const ProblemOutcome outcome = problem.outcome(point);
  ObjectiveVector known;
  if (problem.known_costs) known.assign(outcome.objectives.begin() + 1, outcome.objectives.end());
  return {{"known_limits", outcome.known_limits}, {"known_objectives", known}};
}

Json evaluation_of(const Problem& problem, const ProblemPoint& point, uint64_t seed) {
  const ProblemOutcome seen = evaluate(problem, point, seed);
  return {{"known_limits", seen.known_limits},
          {"unknown_limits", seen.unknown_limits},
          {"objectives", seen.objectives},
          {"scored", problem.outcome(point).objectives}};
}

class Server {
 public:
  Server(const Problem& problem, uint64_t seed) : problem_(problem), space_(problem), seed_(seed) {}

  Json answer(const std::string& line) {
    const auto [verb, json] = read_request(line);
    const ProblemPoint point = point_of(problem_, json);
    if (verb == "known") return known_of(problem_, point);
    Json evaluation = evaluation_of(problem_, point, seed_);
    evaluation["repeat"] = !evaluated_.insert(space_.key(point)).second;
    return evaluation;
  }

 private:
  const Problem& problem_;
  const ProblemSpace space_;
  const uint64_t seed_;
  std::set<std::string> evaluated_;
};

}  // namespace

void serve_problem(const Problem& problem, uint64_t seed, std::istream& requests, std::ostream& answers) {
  Server server(problem, seed);
  answers << json_text(description_of(problem), -1) << std::endl;
  int number = 0;
  try {
    for (std::string line; std::getline(requests, line);) {
      ++number;
      answers << json_text(server.answer(line), -1) << std::endl;
    }
  } catch (const ConfigError& error) {
    throw ConfigError(fmt::format("stdin:{}: {}", number, error.what()));
  }
}

}  // namespace bitwright

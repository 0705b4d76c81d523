// SPDX-License-Identifier: Apache-2.0
#include "experiments/search_bench/named_problem.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.h"
#include "experiments/search_bench/trained_nets.h"

namespace bitwright {

std::vector<std::string> problem_names() {
  std::vector<std::string> names;
  for (const Problem& problem : search_problems()) names.push_back(problem.name);
  names.insert(names.end(), {"nets", "nets-log", "nets-early"});
  return names;
}

Problem named_problem(const std::string& name) {
  const auto nets = [](NetsScale scale, NetsTarget target = NetsTarget::kTrained) {
    return nets_problem(std::make_shared<TrainedNets>(load_trained_nets()), scale, target);
  };
  if (name == "nets") return nets(NetsScale::kLinear);
  if (name == "nets-log") return nets(NetsScale::kLogarithm);
  if (name == "nets-early") return nets(NetsScale::kLogarithm, NetsTarget::kEarly);
  for (Problem& problem : search_problems())
    if (problem.name == name) return problem;
  throw ConfigError(fmt::format("problem = {}: one of {}", name, fmt::join(problem_names(), ", ")));
}

}  // namespace bitwright

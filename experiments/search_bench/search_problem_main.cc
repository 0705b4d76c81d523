// bitwright-search-problem: one of our problems with known answers behind a pipe, for a search in any language.
// docs/search_bench.md has the protocol.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <iterator>

#include "experiments/run_main.h"
#include "experiments/search_bench/named_problem.h"
#include "experiments/search_bench/problem_pipe.h"
#include "experiments/search_bench/score_rows.h"

namespace bitwright {
namespace {

int run(int argc, char** argv) {
  CLI::App app("Answer a search, line by line, what its points are worth", "bitwright-search-problem");
  std::string name;
  uint64_t seed = 0;
  bool score = false;
  app.add_option("problem", name, fmt::format("One of {}", fmt::join(problem_names(), ", ")))->required();
  app.add_option("--seed", seed, "Of the noise")->capture_default_str();
  app.add_flag("--score", score, "Read the rows of searches instead, and add to each the share reached by then");
  if (const std::optional<int> status = parse_arguments(app, argc, argv)) return *status;
  const Problem problem = named_problem(name);
  if (!score) {
    serve_problem(problem, seed, std::cin, std::cout);
    return 0;
  }
  const std::string rows{std::istreambuf_iterator<char>(std::cin), {}};
  std::cout << score_rows(problem, rows, "stdin") << std::flush;
  return 0;
}

}  // namespace
}  // namespace bitwright

int main(int argc, char** argv) {
  return bitwright::run_main(bitwright::run, argc, argv);
}

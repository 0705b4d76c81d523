// bitwright-search-bench: search methods on problems with known answers: a CSV line an evaluation, and medians of
// the share of the best known hypervolume.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <fstream>

#include "core/study.h"
#include "experiments/run_main.h"
#include "experiments/search_bench/named_problem.h"
#include "experiments/search_bench/search_run.h"

namespace bitwright {
namespace {

struct BenchOptions {
  std::vector<std::string> problems = {"mcu", "mcu3"};
  std::vector<std::string> samplers = {"bayesian"};
  uint64_t first_seed = 0;
  int seeds = 5;
  SearchRunOptions run;
  std::string out;
  std::string earlier;  // problem of an earlier study; empty: there is none
  int earlier_evaluations = 60;
  std::string earlier_errors = "given";
};

// Of a search with a seed of its own; misleading where that is asked for.
EarlierResults earlier_study(const BenchOptions& options, uint64_t seed) {
  const SearchRunOptions run = {.evaluations = options.earlier_evaluations};
  EarlierResults results = earlier_results(run_search(named_problem(options.earlier), seed + 1000, run));
  if (options.earlier_errors == "negated")
    for (double& error : results.errors) error = -error;
  if (options.earlier_errors == "permuted") Rng(seed).shuffle(results.errors);
  return results;
}

std::vector<SearchRun> run_seeds(const Problem& problem, const std::string& sampler, const BenchOptions& options,
                                 std::ostream* out) {
  std::vector<SearchRun> runs;
  SearchRunOptions run = options.run;
  run.sampler = sampler;
  std::vector<SearchRun> cold;
  for (int i = 0; i < options.seeds; ++i) {
    const uint64_t seed = options.first_seed + static_cast<uint64_t>(i);
    if (!options.earlier.empty()) {
      run.bayesian.earlier.clear();
      cold.push_back(run_search(problem, seed, run));
      run.bayesian.earlier = {earlier_study(options, seed)};
    }
    runs.push_back(run_search(problem, seed, run));
    if (out) *out << csv_rows(runs.back()) << std::flush;
  }
  if (!cold.empty()) fmt::print("{}", warm_summary(problem, cold, runs));
  return runs;
}

void bench(const BenchOptions& options) {
  std::ofstream file;
  if (!options.out.empty()) {
    file.exceptions(std::ios::failbit | std::ios::badbit);
    file.open(options.out);
    file << csv_header();
  }
  for (const std::string& name : options.problems) {
    const Problem problem = named_problem(name);
    for (const std::string& sampler : options.samplers) {
      fmt::print("{}", summary(problem, run_seeds(problem, sampler, options, file.is_open() ? &file : nullptr)));
      std::fflush(stdout);
    }
  }
}

void add_options(CLI::App& app, BenchOptions& options) {
  app.add_option("--problems", options.problems, "Separated by commas")->delimiter(',')->capture_default_str();
  app.add_option("--samplers", options.samplers, "Separated by commas")
      ->delimiter(',')
      ->check(CLI::IsMember(std::vector<std::string>(kSamplers.begin(), kSamplers.end())))
      ->capture_default_str();
  app.add_option("--first-seed", options.first_seed)->capture_default_str();
  app.add_option("--seeds", options.seeds, "Searches a problem")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--evaluations", options.run.evaluations)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--workers", options.run.workers, "Points under way at once")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--halving", options.run.halving, "Trainings stop at the problem's rungs, the better ones go on");
  app.add_option("--earlier", options.earlier, "Problem of an earlier study that a search begins with: nets-early");
  app.add_option("--earlier-evaluations", options.earlier_evaluations, "Of that study")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--earlier-errors", options.earlier_errors, "Misleading ones to see what they cost")
      ->check(CLI::IsMember({"given", "negated", "permuted"}))
      ->capture_default_str();
  app.add_option("--out", options.out, "CSV file to write: a line an evaluation");
  BayesianOptions& proposer = options.run.bayesian;
  app.add_option("--pool", proposer.pool)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--refinements", proposer.refinements)->check(CLI::NonNegativeNumber)->capture_default_str();
  app.add_option("--initial", proposer.initial_points)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--evolution-every", proposer.evolution_every)->check(CLI::NonNegativeNumber)->capture_default_str();
}

int run(int argc, char** argv) {
  CLI::App app("Run search methods on problems with known answers", "bitwright-search-bench");
  BenchOptions options;
  add_options(app, options);
  if (const std::optional<int> status = parse_arguments(app, argc, argv)) return *status;
  bench(options);
  return 0;
}

}  // namespace
}  // namespace bitwright

int main(int argc, char** argv) {
  return bitwright::run_main(bitwright::run, argc, argv);
}

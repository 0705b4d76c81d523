// SPDX-License-Identifier: Apache-2.0
#include "experiments/search_bench/search_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <deque>
#include <set>

#include "experiments/search_bench/problem_space.h"

namespace bitwright {
namespace {

double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

DesignResult result_of(const Problem& problem, int64_t number, const DesignPoint& point, uint64_t seed) {
  const ProblemOutcome outcome = evaluate(problem, point, seed);
  if (!problem.known_costs) return {number, point, outcome.objectives, outcome.unknown_limits};
  if (!keeps_all_limits(outcome)) return {number, point, std::nullopt};
  return {number, point, ObjectiveVector{std::max(0.0, outcome.objectives[0])}};
}

EvaluatedPoint evaluated(const Problem& problem, const DesignPoint& point) {
  const ProblemOutcome outcome = problem.outcome(point);
  const bool known = keeps_known_limits(outcome);
  return {.keeps_known = known,
          .keeps_unknown = keeps_all_limits({{}, {}, outcome.unknown_limits}),
          .objectives = outcome.objectives};
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const size_t n = values.size();
  return n == 0 ? 0.0 : (values[(n - 1) / 2] + values[n / 2]) / 2;
}

// Of a proposal, over the ten up to `evaluations`.
double cpu_ms_at(const SearchRun& run, size_t evaluations) {
  std::vector<double> seconds;
  for (size_t i = evaluations - 10; i < evaluations; ++i) seconds.push_back(run.points[i].ask_cpu_s);
  return 1e3 * median(seconds);
}

std::unique_ptr<Proposer> proposer_of(const Problem& problem, const DesignSpace& space, uint64_t seed,
                                      const SearchRunOptions& options) {
  BayesianOptions bayesian = options.bayesian;
  if (!problem.known_costs) bayesian.error_resolution = 0.0;
  if (options.sampler == "bayesian") return std::make_unique<BayesianProposer>(space, seed, bayesian);
  return make_proposer({.sampler = options.sampler, .seed = seed, .error_resolution = bayesian.error_resolution},
                       space);
}

}  // namespace

SearchRun run_search(const Problem& problem, uint64_t seed, const SearchRunOptions& options) {
  const ProblemSpace space(problem);
  const std::unique_ptr<Proposer> proposer = proposer_of(problem, space, seed, options);
  SearchRun run{options.sampler, problem.name, seed, {}};
  std::deque<DesignPoint> pending;
  std::set<std::string> seen;
  for (int64_t number = 0; number < options.evaluations; ++number) {
    const double start = cpu_seconds();
    if (std::ssize(pending) == options.workers) {
      proposer->tell(result_of(problem, number - std::ssize(pending), pending.front(), seed));
      pending.pop_front();
    }
    const std::optional<DesignProposal> proposal = proposer->propose(number, {pending.begin(), pending.end()});
    const double seconds = cpu_seconds() - start;
    if (!proposal) break;
    run.points.push_back(evaluated(problem, proposal->point));
    run.points.back().ask_cpu_s = seconds;
    run.points.back().repeat = !seen.insert(space.key(proposal->point)).second;
    pending.push_back(proposal->point);
  }
  return run;
}

double share_after(const Problem& problem, const SearchRun& run, int evaluations) {
  std::vector<ObjectiveVector> reached;
  for (size_t i = 0; i < std::min(run.points.size(), static_cast<size_t>(evaluations)); ++i)
    if (run.points[i].keeps_known && run.points[i].keeps_unknown) reached.push_back(run.points[i].objectives);
  return reference_share(problem, reached);
}

std::string csv_header() {
  return "peer,problem,seed,i,ask_cpu_s,known_ok,unknown_ok,dup,f0,f1,f2\n";
}

std::string csv_rows(const SearchRun& run) {
  std::string rows;
  for (size_t i = 0; i < run.points.size(); ++i) {
    const EvaluatedPoint& point = run.points[i];
    rows += fmt::format("bitwright-{},{},{},{},{:.6f},{:d},{:d},{:d}", run.sampler, run.problem, run.seed, i,
                        point.ask_cpu_s, point.keeps_known, point.keeps_unknown, point.repeat);
    for (size_t k = 0; k < 3; ++k)
      rows += k < point.objectives.size() ? fmt::format(",{}", point.objectives[k]) : std::string(",");
    rows += '\n';
  }
  return rows;
}

std::string summary(const Problem& problem, std::span<const SearchRun> runs) {
  std::string line = fmt::format("{:<10} {:<10} {} seeds", problem.name, runs.front().sampler, runs.size());
  for (const int evaluations : {50, 100, 200}) {
    std::vector<double> shares, cpu_ms;
    for (const SearchRun& run : runs) {
      if (std::ssize(run.points) < evaluations) continue;
      shares.push_back(share_after(problem, run, evaluations));
      cpu_ms.push_back(cpu_ms_at(run, static_cast<size_t>(evaluations)));
    }
    if (!shares.empty()) line += fmt::format("   {}: {:.3f}, {:.0f} ms", evaluations, median(shares), median(cpu_ms));
  }
  return line + '\n';
}

}  // namespace bitwright

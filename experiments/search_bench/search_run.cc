// SPDX-License-Identifier: Apache-2.0
#include "experiments/search_bench/search_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <deque>
#include <set>

#include "experiments/search_bench/problem_space.h"
#include "search/given_proposer.h"

namespace bitwright {
namespace {

double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

DesignResult result_of(const Problem& problem, int64_t number, const DesignPoint& point, double share, uint64_t seed) {
  const ProblemOutcome outcome = evaluate(problem, point, seed);
  if (!problem.known_costs) return {number, point, outcome.objectives, outcome.unknown_limits};
  if (!keeps_all_limits(outcome)) return {number, point, std::nullopt};
  const auto rung = static_cast<size_t>(std::ranges::find(problem.rungs, share) - problem.rungs.begin());
  const double observed = evaluate_rungs(problem, point, seed).at(rung);
  const double error = problem.error_resolution > 0 ? std::max(0.0, observed) : observed;
  return {.number = number, .point = point, .measured = ObjectiveVector{error}, .fidelity = share};
}

EvaluatedPoint evaluated(const Problem& problem, const DesignPoint& point) {
  const ProblemOutcome outcome = problem.outcome(point);
  const bool known = keeps_known_limits(outcome);
  return {.keeps_known = known,
          .keeps_unknown = keeps_all_limits({{}, {}, outcome.unknown_limits}),
          .objectives = outcome.objectives,
          .point = point};
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const size_t n = values.size();
  return n == 0 ? 0.0 : (values[(n - 1) / 2] + values[n / 2]) / 2;
}

// Of a proposal, over the last ten whose trainings had ended when so much was spent.
double cpu_ms_at(const SearchRun& run, double evaluations) {
  std::vector<double> seconds;
  for (const EvaluatedPoint& point : run.points)
    if (point.spent <= evaluations + 1e-9) seconds.push_back(point.ask_cpu_s);
  seconds.erase(seconds.begin(), seconds.end() - std::min<std::ptrdiff_t>(10, std::ssize(seconds)));
  return 1e3 * median(seconds);
}

std::unique_ptr<Proposer> proposer_of(const Problem& problem, const DesignSpace& space, uint64_t seed,
                                      const SearchRunOptions& options) {
  BayesianOptions bayesian = options.bayesian;
  bayesian.error_resolution = problem.error_resolution;
  if (options.halving) bayesian.rungs = problem.rungs;
  const ProposerOptions proposer = {.sampler = options.sampler,
                                    .seed = seed,
                                    .error_resolution = bayesian.error_resolution,
                                    .rungs = bayesian.rungs,
                                    .earlier = bayesian.earlier};
  if (options.sampler != "bayesian") return make_proposer(proposer, space);
  return std::make_unique<GivenProposer>(space, std::make_unique<BayesianProposer>(space, seed, bayesian),
                                         earlier_points(proposer, space), bayesian.rungs.front());
}

// A search with several trainings under way, of which the oldest ends first.
class SimulatedSearch {
 public:
  SimulatedSearch(const Problem& problem, uint64_t seed, const SearchRunOptions& options)
      : problem_(problem),
        seed_(seed),
        options_(options),
        space_(problem),
        proposer_(proposer_of(problem, space_, seed, options)),
        run_{options.sampler, problem.name, seed, {}} {}

  SearchRun run() {
    while (begun_ < options_.evaluations - 1e-9) {
      if (std::ssize(running_) == options_.workers) end_oldest();
      if (begin()) continue;
      if (running_.empty()) break;
      end_oldest();
    }
    while (!running_.empty()) end_oldest();
    return std::move(run_);
  }

 private:
  struct Training {
    DesignPoint point;
    EvaluatedPoint evaluated;
    double reached = 0.0;  // share of its epochs
  };
  struct Job {
    size_t training;
    double share;  // to reach
  };

  // False where the space is exhausted.
  bool begin() {
    const double asked = cpu_seconds();
    std::vector<DesignPoint> pending;
    for (const Job& job : running_) pending.push_back(trainings_[job.training].point);
    std::optional<DesignProposal> proposal = proposer_->propose(std::ssize(trainings_), pending);
    if (!proposal) return false;
    if (!proposal->continues) trainings_.push_back({proposal->point, evaluated(problem_, proposal->point)});
    const auto number = static_cast<size_t>(proposal->continues.value_or(std::ssize(trainings_) - 1));
    trainings_[number].evaluated.ask_cpu_s += cpu_seconds() - asked;
    if (!proposal->continues) trainings_[number].evaluated.repeat = !seen_.insert(space_.key(proposal->point)).second;
    running_.push_back({number, proposal->fidelity});
    begun_ += cost(running_.back());
    return true;
  }

  void end_oldest() {
    const Job job = running_.front();
    running_.pop_front();
    Training& training = trainings_[job.training];
    ended_ += cost(job);
    training.reached = job.share;
    const double asked = cpu_seconds();
    const DesignResult result =
        result_of(problem_, static_cast<int64_t>(job.training), training.point, job.share, seed_);
    proposer_->tell(result);
    training.evaluated.ask_cpu_s += cpu_seconds() - asked;
    if (job.share < 1.0 && result.measured) return;
    training.evaluated.spent = ended_;
    run_.points.push_back(training.evaluated);
  }

  // In whole trainings.
  double cost(Job job) const { return job.share - trainings_[job.training].reached; }

  const Problem& problem_;
  uint64_t seed_;
  const SearchRunOptions& options_;
  ProblemSpace space_;
  std::unique_ptr<Proposer> proposer_;
  std::vector<Training> trainings_;
  std::deque<Job> running_;
  std::set<std::string> seen_;
  double begun_ = 0.0, ended_ = 0.0;  // whole trainings' worth of epochs
  SearchRun run_;
};

}  // namespace

SearchRun run_search(const Problem& problem, uint64_t seed, const SearchRunOptions& options) {
  return SimulatedSearch(problem, seed, options).run();
}

double share_after(const Problem& problem, const SearchRun& run, double evaluations) {
  std::vector<ObjectiveVector> reached;
  for (const EvaluatedPoint& point : run.points)
    if (point.spent <= evaluations + 1e-9 && point.keeps_known && point.keeps_unknown)
      reached.push_back(point.objectives);
  return reference_share(problem, reached);
}

std::optional<double> evaluations_to(const Problem& problem, const SearchRun& run, double share) {
  for (const EvaluatedPoint& point : run.points)
    if (share_after(problem, run, point.spent) >= share) return point.spent;
  return std::nullopt;
}

EarlierResults earlier_results(const SearchRun& run) {
  EarlierResults results;
  for (const EvaluatedPoint& point : run.points) {
    results.points.push_back(point.point);
    results.errors.push_back(point.objectives[0]);
  }
  return results;
}

std::string csv_header() {
  return "peer,problem,seed,i,ask_cpu_s,known_ok,unknown_ok,dup,f0,f1,f2\n";
}

std::string csv_rows(const SearchRun& run) {
  std::string rows;
  for (const EvaluatedPoint& point : run.points) {
    const int spent_before = static_cast<int>(std::ceil(point.spent - 1e-9)) - 1;
    rows += fmt::format("bitwright-{},{},{},{},{:.6f},{:d},{:d},{:d}", run.sampler, run.problem, run.seed, spent_before,
                        point.ask_cpu_s, point.keeps_known, point.keeps_unknown, point.repeat);
    for (size_t k = 0; k < 3; ++k)
      rows += k < point.objectives.size() ? fmt::format(",{}", point.objectives[k]) : std::string(",");
    rows += '\n';
  }
  return rows;
}

std::string summary(const Problem& problem, std::span<const SearchRun> runs) {
  std::string line = fmt::format("{:<10} {:<10} {} seeds", problem.name, runs.front().sampler, runs.size());
  for (const int evaluations : {50, 100, 200, 300}) {
    std::vector<double> shares, cpu_ms;
    for (const SearchRun& run : runs) {
      if (run.points.empty() || run.points.back().spent < evaluations - 1.0) continue;
      shares.push_back(share_after(problem, run, evaluations));
      cpu_ms.push_back(cpu_ms_at(run, evaluations));
    }
    if (!shares.empty()) line += fmt::format("   {}: {:.3f}, {:.0f} ms", evaluations, median(shares), median(cpu_ms));
  }
  std::vector<double> to_95;
  for (const SearchRun& run : runs)
    to_95.push_back(evaluations_to(problem, run, 0.95).value_or(std::numeric_limits<double>::infinity()));
  return line + fmt::format("   to 95 %: {:.0f}\n", median(to_95));
}

std::string warm_summary(const Problem& problem, std::span<const SearchRun> cold, std::span<const SearchRun> warm) {
  std::string line = fmt::format("{:<10} {:<10} warm", problem.name, warm.front().sampler);
  for (const double evaluations : {20.0, 50.0}) {
    line += fmt::format("   as cold after {}:", evaluations);
    for (size_t i = 0; i < cold.size(); ++i) {
      const auto spent = evaluations_to(problem, warm[i], share_after(problem, cold[i], evaluations));
      line += spent ? fmt::format(" {:.0f}", *spent) : std::string(" -");
    }
  }
  for (const double evaluations : {20.0, 50.0, 100.0}) {
    std::vector<double> shares_cold, shares_warm;
    for (size_t i = 0; i < cold.size(); ++i) {
      if (cold[i].points.empty() || cold[i].points.back().spent < evaluations - 1.0) continue;
      shares_cold.push_back(share_after(problem, cold[i], evaluations));
      shares_warm.push_back(share_after(problem, warm[i], evaluations));
    }
    if (!shares_cold.empty())
      line += fmt::format("   {}: {:.3f} cold, {:.3f} warm", evaluations, median(shares_cold), median(shares_warm));
  }
  return line + "\n";
}

}  // namespace bitwright

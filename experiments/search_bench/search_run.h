// experiments/search_bench/search_run.h: a search on a problem with a known answer, and what it reached.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "experiments/search_bench/problems.h"
#include "search/bayesian_proposer.h"

namespace bitwright {

struct SearchRunOptions {
  int evaluations = 200;             // >= 1
  int workers = 1;                   // points under way at once, of which the oldest ends first; >= 1
  std::string sampler = "bayesian";  // one of kSamplers, core/study.h
  BayesianOptions bayesian;          // its earlier studies are those of the other methods, too
  bool halving = false;              // trainings stop at the problem's rungs: search/successive_halving.h
};

// Of a whole training.
struct EvaluatedPoint {
  double ask_cpu_s = 0.0;  // of the proposal
  bool keeps_known = false, keeps_unknown = false;
  bool repeat = false;
  ObjectiveVector objectives{};  // without noise
  DesignPoint point{};
  double spent = 0.0;  // whole trainings' worth of epochs up to its end: 1, 2, ... where there is no halving
};

struct SearchRun {
  std::string sampler;
  std::string problem;
  uint64_t seed = 0;
  std::vector<EvaluatedPoint> points;  // in the order in which they end; fewer where the space is exhausted
};

// A point that breaks an unknown limit is a training that failed.
SearchRun run_search(const Problem& problem, uint64_t seed, const SearchRunOptions& options);

// reference_share of what the points reached that keep all limits and had ended when so much was spent.
double share_after(const Problem& problem, const SearchRun& run, double evaluations);
// What was spent when the share was reached first; nothing where it was not.
std::optional<double> evaluations_to(const Problem& problem, const SearchRun& run, double share);

// The points and their first objectives, as an earlier study of another search.
EarlierResults earlier_results(const SearchRun& run);

// peer,problem,seed,i,ask_cpu_s,known_ok,unknown_ok,dup,f0,f1,f2: a line an evaluation,
// i being what was spent before it, in whole trainings, and `peer` "bitwright-" and
// the sampler.
std::string csv_header();
std::string csv_rows(const SearchRun& run);

// A line: what each warm run, of the cold one's seed, spent until it had what the cold one has after 20 and after 50
// evaluations ("-": it never had), and the median shares of both after 20, 50 and 100, as far as the runs go.
std::string warm_summary(const Problem& problem, std::span<const SearchRun> cold, std::span<const SearchRun> warm);

// A line of medians over the runs, one at least, all of `problem` and one sampler: share and CPU of a proposal at 50,
// 100, 200 and 300 evaluations, as far as the runs go.
std::string summary(const Problem& problem, std::span<const SearchRun> runs);

}  // namespace bitwright

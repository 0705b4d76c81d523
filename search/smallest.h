// search/smallest.h: the networks of a space that need least: what tells a user whose limits nothing keeps which of
// them binds, by how much, and what to relax. No training.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "search/run_study.h"
#include "search/space.h"

namespace bitwright {

// What a candidate is judged by, less is better; nullopt where it cannot be built at all.
using CandidateScore = std::function<std::optional<double>(const Candidate&)>;

// The best point found by steepest descent over single dimensions, from the best of `samples` random points and from
// the first choice everywhere. A local optimum: the least of the space where dimensions act one by one, as costs mostly
// do. nullopt if no point tried has a score. samples >= 1.
std::optional<Candidate> least_candidate(const SearchSpace& space, const CandidateScore& score, int samples, Rng rng);

// The least that a space takes of one limited quantity.
struct LeastUse {
  std::string rule;  // of Violation: "flash", "latency", ...
  Candidate candidate;
  Violation violation;  // its value and the limit
};

// How long a diagnosis may take. A candidate costs an estimate: some microseconds a layer, more where memory is short.
struct DiagnosisEffort {
  int max_candidates = 50'000;
  std::function<bool()> stop;  // asked before every candidate; empty: never
};
enum class DiagnosisEnd { kWhole, kMaxCandidates, kStopped };

struct Infeasibility {
  int sampled = 0, sound = 0;                       // random candidates, and those of sound structure
  std::vector<std::pair<std::string, int>> broken;  // rule -> sound candidates that break it, most first
  // Limits that even the candidate that uses least of their quantity breaks, each alone.
  std::vector<LeastUse> impossible;
  // The candidate whose violations, each as a share of its limit, have the least sum, and what it costs; none where no
  // candidate is sound. Without violations where one fits after all, which random proposals did not meet.
  std::optional<Candidate> nearest;
  Estimates nearest_estimates;
  std::vector<Violation> nearest_violations;  // one a rule: of several boards the worst
  int candidates = 0;                         // costed in all
  DiagnosisEnd end = DiagnosisEnd::kWhole;    // else cut short: what is here holds, but better may be found
};

// Why nothing of the space keeps the rules; the same for the same seed, unless stopped. Some thousand estimates. rules:
// estimate and check_budgets are not empty.
Infeasibility diagnose_infeasibility(const SearchSpace& space, const CandidateRules& rules, uint64_t seed,
                                     const DiagnosisEffort& effort = {});

}  // namespace bitwright

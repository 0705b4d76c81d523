// SPDX-License-Identifier: Apache-2.0
#include "search/smallest.h"

#include <algorithm>
#include <map>

#include "constraints/constraints.h"
#include "core/check.h"

namespace bitwright {
namespace {

constexpr int kSamples = 1000, kDescentSamples = 100;

using Parameters = std::map<std::string, std::string>;

// Every active dimension has a value: its first choice where there was none. Parents come first.
Candidate completed(const SearchSpace& space, Parameters parameters) {
  Parameters complete;
  for (const Dimension& dimension : space.dimensions()) {
    if (!is_active(dimension, complete)) continue;
    const auto given = parameters.find(dimension.name);
    complete[dimension.name] = given == parameters.end() ? dimension.choices.front() : given->second;
  }
  return space.decode(complete);
}

struct Scored {
  Candidate candidate;
  double score = 0.0;
};

void keep_better(std::optional<Scored>& best, Candidate candidate, const CandidateScore& score) {
  const std::optional<double> value = score(candidate);
  if (value && (!best || *value < best->score)) best = Scored{std::move(candidate), *value};
}

// The best of all points that differ in one dimension, as long as there is a better one.
Scored descend(const SearchSpace& space, Scored from, const CandidateScore& score) {
  for (;;) {
    std::optional<Scored> best;
    for (const Dimension& dimension : space.dimensions()) {
      const auto now = from.candidate.parameters.find(dimension.name);
      if (now == from.candidate.parameters.end()) continue;
      for (const std::string& choice : dimension.choices) {
        if (choice == now->second) continue;
        Parameters changed = from.candidate.parameters;
        changed[dimension.name] = choice;
        keep_better(best, completed(space, std::move(changed)), score);
      }
    }
    if (!best || !(best->score < from.score)) return from;
    from = std::move(*best);
  }
}

// Judges candidates by the rules until the effort is spent: then none has a cost any more, so that every descent ends
// at its next step.
class Judge {
 public:
  Judge(const CandidateRules& rules, const DiagnosisEffort& effort) : rules_(rules), effort_(effort) {}

  // Of candidates that can be built.
  std::optional<Estimates> cost(const Candidate& candidate) {
    if (spent()) return std::nullopt;
    ++candidates_;
    if (rules_.check_structure && !rules_.check_structure(candidate.network).empty()) return std::nullopt;
    return rules_.estimate(candidate.network);
  }
  // One violation a rule.
  std::vector<Violation> broken(const Estimates& cost) const { return worst_by_rule(rules_.check_budgets(cost)); }
  std::optional<Violation> broken(const Estimates& cost, const std::string& rule) const {
    for (Violation& violation : broken(cost))
      if (violation.rule == rule) return std::move(violation);
    return std::nullopt;
  }

  bool spent() {
    if (end_ == DiagnosisEnd::kWhole && candidates_ >= effort_.max_candidates) end_ = DiagnosisEnd::kMaxCandidates;
    if (end_ == DiagnosisEnd::kWhole && effort_.stop && effort_.stop()) end_ = DiagnosisEnd::kStopped;
    return end_ != DiagnosisEnd::kWhole;
  }
  int candidates() const { return candidates_; }
  DiagnosisEnd end() const { return end_; }

 private:
  const CandidateRules& rules_;
  const DiagnosisEffort& effort_;
  int candidates_ = 0;
  DiagnosisEnd end_ = DiagnosisEnd::kWhole;
};

void count_broken(const SearchSpace& space, Judge& judge, Rng& rng, Infeasibility& result) {
  std::map<std::string, int> broken;
  for (result.sampled = 0; result.sampled < kSamples && !judge.spent(); ++result.sampled) {
    const std::optional<Estimates> cost = judge.cost(space.sample(rng));
    if (!cost) continue;
    ++result.sound;
    for (const Violation& violation : judge.broken(*cost)) ++broken[violation.rule];
  }
  result.broken.assign(broken.begin(), broken.end());
  std::stable_sort(result.broken.begin(), result.broken.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
}

// Limits are checked one by one: a candidate that keeps this one scores 0, whatever else it breaks. A descent that was
// cut short proves nothing.
void find_impossible(const SearchSpace& space, const CandidateRules& rules, Judge& judge, const Rng& rng,
                     Infeasibility& result) {
  for (const auto& [rule, count] : result.broken) {
    if (count < result.sound) continue;
    const auto score = [&](const Candidate& candidate) -> std::optional<double> {
      const std::optional<Estimates> cost = judge.cost(candidate);
      if (!cost) return std::nullopt;
      const std::optional<Violation> violation = judge.broken(*cost, rule);
      return violation ? overshoot(*violation) : 0.0;
    };
    std::optional<Candidate> least = least_candidate(space, score, kDescentSamples, rng);
    if (!least || judge.spent()) continue;
    if (auto violation = judge.broken(rules.estimate(least->network), rule))
      result.impossible.push_back({rule, std::move(*least), std::move(*violation)});
  }
}

void find_nearest(const SearchSpace& space, const CandidateRules& rules, Judge& judge, const Rng& rng,
                  Infeasibility& result) {
  const auto score = [&](const Candidate& candidate) -> std::optional<double> {
    const std::optional<Estimates> cost = judge.cost(candidate);
    if (!cost) return std::nullopt;
    double sum = 0.0;
    for (const Violation& violation : judge.broken(*cost)) sum += overshoot(violation);
    return sum;
  };
  result.nearest = least_candidate(space, score, kDescentSamples, rng);
  if (!result.nearest) return;
  result.nearest_estimates = rules.estimate(result.nearest->network);
  result.nearest_violations = judge.broken(result.nearest_estimates);
}

}  // namespace

std::optional<Candidate> least_candidate(const SearchSpace& space, const CandidateScore& score, int samples, Rng rng) {
  BW_CHECK(samples >= 1);
  std::optional<Scored> first, sampled;
  keep_better(first, completed(space, {}), score);
  for (int i = 0; i < samples; ++i) keep_better(sampled, space.sample(rng), score);
  std::optional<Scored> best;
  for (std::optional<Scored>* start : {&first, &sampled}) {
    if (!*start) continue;
    Scored end = descend(space, std::move(**start), score);
    if (!best || end.score < best->score) best = std::move(end);
  }
  if (!best) return std::nullopt;
  return std::move(best->candidate);
}

Infeasibility diagnose_infeasibility(const SearchSpace& space, const CandidateRules& rules, uint64_t seed,
                                     const DiagnosisEffort& effort) {
  Infeasibility result;
  Rng rng(seed);
  Judge judge(rules, effort);
  count_broken(space, judge, rng, result);
  find_impossible(space, rules, judge, rng, result);
  find_nearest(space, rules, judge, rng, result);
  result.candidates = judge.candidates();
  result.end = judge.end();
  return result;
}

}  // namespace bitwright

// search/successive_halving.h: which trainings are worth their further epochs: asynchronous successive halving over the
// whole front. Trainings stop at rungs, of a ninth and a third of the epochs, say. Of those that reached a rung the
// best third goes on, as soon as it is known to be that: by non-dominated rank over the error there and the known
// costs, and among equals by crowding distance.
//
// Whether a rung predicts is measured, once: the first trainings go through all rungs, and a rung is given up whose
// errors order the first to reach the last rung otherwise than their errors there do. Limits that a training tells play
// no part.
//
// Source: Schmucker et al., "Multi-objective Asynchronous Successive Halving", arXiv 2106.12639, 2021, alg. 2; Li et
// al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020, alg. 2.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "search/pareto.h"

namespace bitwright {

struct HalvingOptions {
  int rungs = 3;                   // the last is the whole training; >= 1, and one is no halving
  int reduction = 3;               // one of so many goes on; >= 2
  int whole_trainings = 10;        // the first so many go through all rungs, >= 2
  double least_correlation = 0.5;  // of ranks at a rung with those of whole trainings, -1..1; below it the rung goes
};

struct Promotion {
  int64_t number = 0;  // of the training
  int rung = 0;        // that it goes on to
};

// The ranks' correlation (Spearman's rho), ties at their mean rank; 0 where one side is all equal. Two pairs at least.
double rank_correlation(const std::vector<double>& a, const std::vector<double>& b);

class SuccessiveHalving {
 public:
  explicit SuccessiveHalving(HalvingOptions options);

  int last_rung() const { return options_.rungs - 1; }
  // Where a training stops first: at the lowest rung that was not given up.
  int first_rung() const { return rung_after(-1); }
  // A training that reached a rung: {error there, known objectives...}.
  void add(int64_t number, int rung, const ObjectiveVector& objectives);
  // A training that failed: it goes nowhere.
  void drop(int64_t number);
  // The training to go on with, of the highest rung that has one; it is taken for gone on from then on. Nothing: begin
  // another.
  std::optional<Promotion> next();

  // Rank correlation of a rung's errors with those of whole trainings; nothing before there are whole_trainings.
  std::optional<double> correlation(int rung) const;
  bool given_up(int rung) const;

 private:
  struct Rung {
    std::map<int64_t, ObjectiveVector> reached;  // by training
    std::set<int64_t> left;                      // of these, gone on
  };

  int rung_after(int rung) const;
  std::optional<int64_t> best_waiting(const Rung& rung) const;

  HalvingOptions options_;
  std::vector<Rung> rungs_;
  std::vector<int64_t> whole_;  // the first trainings that reached the last rung, whole_trainings of them at most
};

}  // namespace bitwright

// search/successive_halving.h: which trainings are worth their further epochs: asynchronous successive halving over the
// whole front. Trainings stop at rungs, of a ninth and a third of the epochs, say. Of those that reached a rung the
// best third goes on, as soon as it is known to be that: by non-dominated rank over the error there and the known
// costs, and among equals by crowding distance.
//
// The first trainings go through all rungs, by which rungs are judged (search/rung_trust.h): none stops at one that was
// given up. Limits that a training tells play no part.
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
#include "search/rung_trust.h"

namespace bitwright {

struct HalvingOptions {
  RungTrustOptions trust;  // one rung, the whole training, is no halving
  int reduction = 3;       // one of so many goes on; >= 2
};

struct Promotion {
  int64_t number = 0;  // of the training
  int rung = 0;        // that it goes on to
};

class SuccessiveHalving {
 public:
  explicit SuccessiveHalving(HalvingOptions options);

  const RungTrust& trust() const { return trust_; }
  // A training that reached a rung: {error there, known objectives...}.
  void add(int64_t number, int rung, const ObjectiveVector& objectives);
  // A training that failed: it goes nowhere.
  void drop(int64_t number);
  // The training to go on with, of the highest rung that has one; it is taken for gone on from then on. Nothing: begin
  // another.
  std::optional<Promotion> next();

 private:
  struct Rung {
    std::map<int64_t, ObjectiveVector> reached;  // by training
    std::set<int64_t> left;                      // of these, gone on
  };

  std::optional<int64_t> best_waiting(const Rung& rung) const;

  HalvingOptions options_;
  RungTrust trust_;
  std::vector<Rung> rungs_;
};

}  // namespace bitwright

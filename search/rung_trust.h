// search/rung_trust.h: whether errors in mid-training foretell those of whole trainings. Measured once: the first
// trainings go through all rungs, and a rung is given up whose errors order them otherwise than their errors at the
// end.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace bitwright {

struct RungTrustOptions {
  std::vector<double> rungs = {1.0};  // shares of the epochs: rising, above 0, the last 1
  int whole_trainings = 10;           // by which rungs are judged, >= 2
  double least_correlation = 0.5;     // of ranks at a rung with those of whole trainings, -1..1; below it the rung goes
};

// A rung at which trainings stop no more.
struct GivenUpRung {
  double fidelity = 1.0;     // its share of the epochs
  double correlation = 0.0;  // below what is asked of it
  bool operator==(const GivenUpRung&) const = default;
};

// The ranks' correlation (Spearman's rho), ties at their mean rank; 0 where one side is all equal. Two pairs at least.
double rank_correlation(const std::vector<double>& a, const std::vector<double>& b);

class RungTrust {
 public:
  explicit RungTrust(RungTrustOptions options);

  int whole_trainings() const { return options_.whole_trainings; }
  int last_rung() const { return static_cast<int>(options_.rungs.size()) - 1; }
  // Index of the rung of this share, one of RungTrustOptions::rungs.
  int rung_of(double fidelity) const;
  double fidelity_of(int rung) const { return options_.rungs.at(static_cast<size_t>(rung)); }
  // The next rung that was not given up; of -1: where a training stops first.
  int rung_after(int rung) const;

  // A training that reached a rung, with its error there.
  void add(int64_t number, int rung, double error);
  // Rank correlation of a rung's errors with those of whole trainings; nothing before there are whole_trainings.
  std::optional<double> correlation(int rung) const;
  bool given_up(int rung) const;
  std::vector<GivenUpRung> given_up() const;  // by rising share

 private:
  RungTrustOptions options_;
  std::vector<std::map<int64_t, double>> errors_;  // by rung, by training
  std::vector<int64_t> whole_;  // the first trainings that reached the last rung, whole_trainings of them at most
};

}  // namespace bitwright

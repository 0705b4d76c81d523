// search/svm_cbo.h: SVM-CBO: a support vector machine learns where evaluations succeed, and a Gaussian process searches
// there.
//
//   first     random points; then every other one, until two are feasible
//   phase 1   the point of least |decision| + coverage: near the estimated boundary, or where little was evaluated yet.
//             Coverage is the sum of the kernel between the point and all that were evaluated
//   phase 2   the point of least lower confidence bound, of those that the machine takes for feasible
//
// Feasible is a result that succeeded and keeps the measured limits; the machine is trained afresh for every proposal.
// The number minimised is, for several objectives, an augmented Tchebycheff scalar whose weights every proposal draws:
//
//   max over k of w_k f_k + 0.05 sum over k of w_k f_k      f: scaled to 0..1 over the feasible results
//
// Source: Candelieri, "Sequential Model Based Optimization of Partially Defined Functions under Unknown Constraints",
// Journal of Global Optimization 79, 2021; for networks on microcontrollers: Perego, Candelieri, Archetti, Pau, "Tuning
// Deep Neural Network's Hyperparameters Constrained to Deployability on Tiny Systems", ICANN 2020; the scalar: Knowles,
// "ParEGO", IEEE TEVC 10(1), 2006. Not of the source: random points while next to nothing is feasible, no phase 1 while
// nothing fails, and mutants in the pool (search/scalar_search.h).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "search/scalar_search.h"
#include "search/svm.h"

namespace bitwright {

struct SvmCboOptions {
  int initial_points = 10;       // at least, >= 2
  int boundary_points = 20;      // of phase 1, at most, >= 0. The source has a share of the budget, unknown here
  double gamma = 12.0;           // of rbf_kernel(), > 0: 1 / variance of a uniform number
  double coverage_gamma = 50.0;  // of the coverage's, > 0: the more, the less a point covers around it
  double beta = 1.0;             // deviations below the mean, >= 0
  SvmOptions svm{};
  PoolOptions pool{};
  double most_error = std::numeric_limits<double>::infinity();
};

// weights: as many, >= 0; objectives: scaled to 0..1.
double augmented_tchebycheff(const ObjectiveVector& objectives, const std::vector<double>& weights);

class SvmCbo : public Proposer {
 public:
  // `space` must outlive it.
  SvmCbo(const DesignSpace& space, uint64_t seed, const SvmCboOptions& options = {});

  void tell(const DesignResult& result) override;
  // Sources: "first population", "boundary", "model", and "random" where a pool would be empty.
  std::optional<DesignProposal> propose(int64_t number, const std::vector<DesignPoint>& pending) override;

 private:
  using Rows = std::vector<Eigen::RowVectorXd>;

  bool is_initial(int64_t number) const;
  bool is_boundary_turn() const;
  Svm machine() const;
  ScalarResults scalars(Rng& rng) const;
  std::optional<DesignProposal> boundary_proposal(PointDrawer& drawer, const Rows& pending) const;
  std::optional<DesignProposal> model_proposal(PointDrawer& drawer, const Rows& pending) const;

  const DesignSpace& space_;
  uint64_t seed_;
  SvmCboOptions options_;
  std::vector<ModelInput> inputs_;
  ToldResults results_;
  Rows rows_;                     // of its entries
  std::vector<size_t> feasible_;  // indices of these
};

}  // namespace bitwright

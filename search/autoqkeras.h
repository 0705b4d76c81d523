// search/autoqkeras.h: the search of AutoQKeras: one score, accuracy times a factor that forgives a lower accuracy for
// a smaller network, and a Bayesian search of that score alone. It is here to be compared with.
//
//   score = accuracy * (1 + delta),   delta = delta_p * log(reference / size) / log(rate)   where size < reference
//                                             delta_n * log(reference / size) / log(rate)   elsewhere
//
// so that at equal score a network of half the size may lose about 8 % of the accuracy. The size is the first known
// objective; of several the mean of their deltas counts; where none is known, the measured ones behind the error.
// Errors that are no shares of 1 are taken relative to the first results, the worst 0 and the best 1. The references
// are the medians of the first results that came out; the source's is the network before quantization.
//
// Source: Coelho et al., "Automatic Heterogeneous Quantization of Deep Neural Networks for Low-Latency Inference on the
// Edge for Particle Detectors", Nature Machine Intelligence 3, 2021; google/qkeras, qkeras/autoqkeras:
// forgiving_metrics/forgiving_factor.py (the deltas) and autoqkeras_internal.py (8 %, 8 %, rate 2 where no goal is
// given). Its search is Keras Tuner's BayesianOptimizationOracle: random points first, then the least lower confidence
// bound of a Gaussian process, beta 2.6. The oracle climbs from random points along
// gradients, here mutants do (search/scalar_search.h); and it begins with three random points a dimension, which would
// be most of a study. It leaves failed trials out, and so tries their neighbours for ever; here they have the least
// score of the first results.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "search/scalar_search.h"

namespace bitwright {

struct ForgivingFactor {
  double delta_p = 0.08,
         delta_n = 0.08;  // of the accuracy, for a size `rate` times smaller or larger than the reference
  double rate = 2.0;      // > 1
};

// size: at least a thousandth of the reference counts; a reference of nothing or less forgives nothing.
double forgiving_delta(double size, double reference, const ForgivingFactor& factor = {});

struct AutoQKerasOptions {
  int initial_points = 10;  // results that came out, and make the references, >= 2
  double beta = 2.6;        // deviations below the mean, >= 0
  ForgivingFactor factor{};
  PoolOptions pool{};
};

class AutoQKeras : public Proposer {
 public:
  // `space` must outlive it.
  AutoQKeras(const DesignSpace& space, uint64_t seed, const AutoQKerasOptions& options = {});

  // Results that exceed measured limits have failed.
  void tell(const DesignResult& result) override;
  // Sources: "first population", "model", and "random" where a pool would be empty.
  std::optional<DesignProposal> propose(int64_t number, const std::vector<DesignPoint>& pending) override;

  // Of {error, costs...}, or of nothing for a failure; larger is better, 0 at least. After initial_points results.
  double score(const ObjectiveVector& objectives) const;

 private:
  void set_references();

  const DesignSpace& space_;
  uint64_t seed_;
  AutoQKerasOptions options_;
  ToldResults results_;
  PrefixModel model_;
  std::vector<Eigen::RowVectorXd> rows_;     // of all results
  std::vector<ObjectiveVector> objectives_;  // of these, {error, costs...}; nothing: it failed
  int came_out_ = 0;                         // of these
  double best_error_ = 0.0, worst_error_ = 1.0;
  ObjectiveVector references_;  // of the costs
  double least_score_ = 0.0;    // of the first results
};

}  // namespace bitwright

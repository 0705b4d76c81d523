// search/earlier_model.h: what the errors of earlier studies say of those of this one.
//
// An earlier study had other data, another board or other limits, but networks that both spaces have. Its own Gaussian
// process has the mean m(x), which never saw a result of this study, so that ranks are what tells whether to believe
// it:
//
//   log error(x) = weight (offset + slope m(x)) + residual(x)
//   weight = max(0, (rho - t) / (1 - t)) / (1 + (n / 20)^2),  t = max(0.3, 1 / sqrt(n - 1)),  0 while n < 5
//
// with rho Spearman's between m and the n results of this study, and their least-squares line. The residual is what
// this study's own model learns, of all of the error where the weight is 0. 1 / sqrt(n - 1) is the deviation of rho
// where there is nothing but chance. With more results the study's own model knows better than any other study: without
// the second factor, searches on the table of trained nets that were ahead after 20 evaluations were behind after 100.
//
// Source: the idea of weighing earlier models by how they rank new results: Feurer, Letham, Bakshy, "Scalable
// Meta-Learning for Bayesian Optimization using Ranking-Weighted Gaussian Process Ensembles", arXiv 1802.02219.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/Core>
#include <memory>
#include <vector>

#include "search/gaussian_process.h"

namespace bitwright {

// A model of each earlier study.
class EarlierModels {
 public:
  explicit EarlierModels(std::vector<ModelInput> inputs) : inputs_(std::move(inputs)) {}

  // A study: a row a point, as the models of this study see it, and their errors in the same unit. Of more than 400
  // the last: time grows with their cube.
  void add(const Eigen::MatrixXd& rows, const Eigen::VectorXd& targets);

  size_t size() const { return models_.size(); }
  Eigen::VectorXd means(size_t study, const Eigen::MatrixXd& rows) const { return models_[study].means(rows); }

 private:
  std::vector<ModelInput> inputs_;
  std::vector<GaussianProcess> models_;
};

// What is believed of an error before this study's own model.
struct EarlierBelief {
  size_t study = 0;     // whose model agrees best
  double weight = 0.0;  // 0..1; 0: nothing is believed
  double offset = 0.0, slope = 1.0;

  double of(double mean) const { return weight * (offset + slope * mean); }
};

// results: of this study. means: of each earlier study at their points.
EarlierBelief belief_in(const std::vector<std::vector<double>>& means, const std::vector<double>& results);

}  // namespace bitwright

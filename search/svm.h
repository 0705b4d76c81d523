// search/svm.h: a support vector machine of two classes, with a soft margin.
//
//   maximise sum over i of y_i b_i - 1/2 sum over i, j of b_i b_j K_ij, where 0 <= y_i b_i <= C and sum of b_i = 0
//
// for labels y_i of -1 and 1 and a kernel K; a point of kernel row k is of class 1 where k b + bias > 0.
//
// Source: Cortes and Vapnik, "Support-Vector Networks", Machine Learning 20, 1995; solved by the pair that violates
// optimality most: Keerthi et al., "Improvements to Platt's SMO Algorithm for SVM Classifier Design", Neural
// Computation 13, 2001.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/Core>
#include <vector>

#include "search/gaussian_process.h"

namespace bitwright {

struct SvmOptions {
  double c = 10.0;          // the most that a point on the wrong side counts, > 0: the more, the fewer are left there
  double tolerance = 1e-3;  // of labels, by which margins may be missed, > 0
  int max_steps = 100'000;  // of O(n) each
};

struct Svm {
  Eigen::VectorXd coefficients;  // b: of each point, its label times 0..C
  double bias = 0.0;

  // Positive on the side of class 1, -1 and 1 at the margins. kernel: a row a point asked for, a column a point learnt.
  Eigen::VectorXd decide(const Eigen::MatrixXd& kernel) const;
};

// kernel: of every pair of points, positive semidefinite; labels: -1 or 1, one at least. Where all are of one class,
// the decision is that class everywhere.
Svm train_svm(const Eigen::MatrixXd& kernel, const Eigen::VectorXd& labels, const SvmOptions& options = {});

// exp(-gamma d), d being the mean of input_distance() over the inputs, 0..1: radial basis functions of mixed inputs.
// Uniform numbers are 1/6 apart on average.
Eigen::MatrixXd rbf_kernel(const std::vector<ModelInput>& inputs, const Eigen::MatrixXd& a, const Eigen::MatrixXd& b,
                           double gamma);

}  // namespace bitwright

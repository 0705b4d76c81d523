// search/initial_design.h: points that a search begins with: far from each other, in what the model sees of them and in
// what they are known to cost, so that the first front already reaches from cheap to dear.
//
// Source: Johnson, Moore, Ylvisaker, "Minimax and Maximin Distance Designs", Journal of Statistical Planning and
// Inference 26, 1990; chosen greedily from random candidates.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/Core>
#include <vector>

#include "search/gaussian_process.h"
#include "search/pareto.h"

namespace bitwright {

struct PlacedPoint {
  Eigen::RowVectorXd row;  // as a model sees it
  ObjectiveVector known;   // objectives; of all points alike, perhaps none
};

// Index of the candidate whose nearest of `there` is farthest, the first where `there` is empty. The squared distance
// is the mean of input_distance() over the inputs, and the mean over known objectives of the squared difference in
// rank: the share of the candidates that have no more. One candidate at least. O(candidates x there).
size_t farthest(const std::vector<ModelInput>& inputs, const std::vector<PlacedPoint>& candidates,
                const std::vector<PlacedPoint>& there);

}  // namespace bitwright

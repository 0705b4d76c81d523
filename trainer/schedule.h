// trainer/schedule.h: learning rate over the steps of a training.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/network.h"
#include "core/recipe.h"

namespace bitwright {

// The recipe's, or by the lowest width of the network's weights: 1e-2 up to 2 bits, 4e-3 for 3..8, 2e-3 float.
double peak_learning_rate(const Network& network, const Recipe& recipe);

// Of step 0 .. steps - 1: linear from 0 to peak over warmup_fraction of the steps, then half a cosine (arXiv
// 1608.03983, eq. 5) that ends at final_learning_rate in the last step.
double learning_rate_at(int64_t step, int64_t steps, double peak, const Recipe& recipe);

}  // namespace bitwright

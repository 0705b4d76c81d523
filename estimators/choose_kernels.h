// estimators/choose_kernels.h: which C kernel runs each layer on a core: the fastest of those that can.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/kernel.h"
#include "estimators/cost_table.h"

namespace bitwright {

// For every layer the one of kernels_for() that takes the fewest cycles by the core's cost table, the first of equals. A
// kernel that the table lacks is not chosen; where it lacks all, the first, whose cost is then a MissingCost.
Kernels choose_kernels(const Network& network, const CoreCosts& costs);

// The same with the embedded table of `core`; the portable kernels where there is no table for it.
Kernels choose_kernels(const Network& network, const std::string& core);

}  // namespace bitwright

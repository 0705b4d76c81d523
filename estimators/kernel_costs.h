// estimators/kernel_costs.h: memory that a network takes with a kernel for every layer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/kernel.h"
#include "core/memory_plan.h"
#include "estimators/cost_table.h"

namespace bitwright {

// Runtime files and members of libraries that the package links, plus the emitted calls.
int64_t code_bytes(const Kernels& kernels, const CoreCosts& costs);
int64_t constant_bytes(const Network& network, const Kernels& kernels);
// Of the deepest kernel, plus the run function's own frame.
int64_t stack_bytes(const Network& network, const Kernels& kernels, const CoreCosts& costs);

// All throw MissingCost for a kernel that the table lacks.

}  // namespace bitwright

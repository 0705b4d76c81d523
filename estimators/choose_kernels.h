// estimators/choose_kernels.h: which C kernel runs each layer on a core: the fastest of those that can, as far as
// memory allows.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/board.h"
#include "core/execution.h"
#include "core/kernel.h"
#include "estimators/cost_table.h"

namespace bitwright {

struct MemoryLimits {
  int64_t flash_bytes = 0;  // code and constants; 0: no limit
  int64_t ram_bytes = 0;    // arena and stack
  int64_t both_bytes = 0;   // of the two together
};
// The tighter of the study's limits and the board's flash and first RAM bank; for both what they share.
MemoryLimits memory_limits(const Board& board, const Limits& limits = {});

// For every layer the one of kernels_for() that takes the fewest cycles by the core's cost table, the first of equals.
// A kernel that the table lacks is not chosen; where it lacks all, the first, whose cost is then a MissingCost.
Kernels fastest_kernels(const Network& network, const CoreCosts& costs);

// These kernels where they keep within the limits. Else layer by layer another one is taken, always that which gives
// back the most bytes beyond the limits for the cycles that it costs, until the limits hold or nothing more is gained.
Kernels kernels_within(const Network& network, Kernels kernels, const CoreCosts& costs, const MemoryLimits& limits,
                       Execution execution = Execution::kLayers);

// Both, with the board's embedded table; the portable kernels where there is none for its core.
// execution: not kAuto.
Kernels choose_kernels(const Network& network, const Board& board, const Limits& limits = {},
                       Execution execution = Execution::kLayers);

}  // namespace bitwright

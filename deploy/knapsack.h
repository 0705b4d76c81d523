// deploy/knapsack.h: which things to take, each whole or not at all, so that they are worth most.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bitwright {

struct KnapsackItem {
  int64_t words = 1;  // > 0
  int64_t value = 0;
};

// Indices, ascending, of a subset of at most `capacity` words that is worth most; of several that of the fewest words;
// of several such the one that holds the earliest items. Exact: dynamic programming, items * capacity steps and bits.
std::vector<size_t> best_subset(std::span<const KnapsackItem> items, int64_t capacity);

}  // namespace bitwright

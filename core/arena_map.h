// core/arena_map.h: what lies where in the arena, and when: a memory plan as people read it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/memory_plan.h"
#include "core/network.h"
#include "core/stream_plan.h"

namespace bitwright {

// Bytes of the arena that one thing holds from one step to another, both included. Layer i runs at step i.
struct ArenaRegion {
  std::string name;  // "input", "conv1", "conv1 scratch", "stream state"
  int64_t offset = 0, bytes = 0;
  int first = 0, last = 0;
  bool is_alive(int step) const { return first <= step && step <= last; }
};

// Tensors in the network's order, then what a stream keeps, then scratch memories; none without bytes.
std::vector<ArenaRegion> arena_regions(const Network& network, const MemoryPlan& plan,
                                       const std::optional<StreamPlan>& stream);

// Bytes in use at a step: those of two regions, where an output lies over an input, once.
int64_t alive_bytes(const std::vector<ArenaRegion>& regions, int step);

// 'a', 'b', ... for the regions in their order, '#' beyond the alphabets.
char region_letter(size_t region);

// The arena at a step in slices of equal size, a letter each, '.' where nothing lies; a slice that holds parts of
// several regions, or an output over an input, shows the first of them.
std::string arena_row(const std::vector<ArenaRegion>& regions, int step, int64_t arena_bytes);

}  // namespace bitwright

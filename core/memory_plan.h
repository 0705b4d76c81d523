// core/memory_plan.h: where every tensor lies in the arena. Written once: the RAM estimate and the emitter use it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/network.h"

namespace bitwright {

// A buffer that must exist from step `first` to step `last`, both included. Layer i runs at step i.
struct Lifetime {
  int64_t bytes = 0;
  int first = 0, last = 0;
};

// Buffer `lower` may lie over buffer `upper` while both are alive if it starts at least `lead` bytes before it: what is
// written front to back in one destroys nothing that is yet to be read in the other (core/overlap.h).
struct Overlap {
  int lower = 0, upper = 0;
  int64_t lead = 0;  // a multiple of 4 from 0 to the bytes of `lower`
};

struct Placement {
  std::vector<int64_t> offsets;  // bytes, multiples of 4, one per Lifetime
  int64_t bytes = 0;             // the arena
  int64_t bound = 0;             // no placement takes less than this
  bool is_least = false;  // no placement takes less than `bytes`: they equal the bound, or the search was complete
};

// What must exist at least at each step from 0 on: the sum of the buffers alive, less what those that may lie over
// others can have in common with them.
std::vector<int64_t> bytes_alive(const std::vector<Lifetime>& buffers, const std::vector<Overlap>& overlaps);

// Offsets such that no two buffers alive at the same step overlap but as `overlaps` allow. Sizes are rounded up to
// whole 32-bit words. Never below the most of bytes_alive(), and without overlaps equal to it for a chain of any
// length, with or without buffers that live for one of its steps. Least (branch and bound over placement orders) for up
// to 8 buffers that need space; of 9 to 12 the best of 10000 nodes of that search; where it is not complete, and of
// more buffers, the best of first-fit by size, by start, by end, by length of life, from both ends, and of 400
// exchanges of two in the best of these orders. Never more than without overlaps.
Placement place(const std::vector<Lifetime>& buffers, const std::vector<Overlap>& overlaps = {});

// The buffers of a network and their places. Tensor t is the output of layer t - 1; tensor 0 the network's input.
// Flatten shares its input's place. Input and output live in the arena, so that this is all the RAM a run needs
// beside its stack.
struct MemoryPlan {
  std::vector<int64_t> tensor_bytes;       // packed, whole words; 0 for a tensor that shares another's place
  std::vector<int64_t> tensor_offsets;     // bytes into the arena
  std::vector<int> first_step, last_step;  // inclusive; the input is alive from step 0, the output to the last step
  std::vector<int64_t> scratch_bytes, scratch_offsets;  // of every layer's kernel, alive at its step only
  int64_t state_offset = 0, sums_offset = 0;            // of a streamed network (core/stream_plan.h)
  int64_t arena_bytes = 0;
  bool is_least = false;  // no plan of these buffers takes less
  int peak_step = 0;      // the layer at which most bytes are alive
};

// Tensor t is the output of layer t - 1. owner[t]: the tensor whose place it shares, itself if it has one.
struct TensorLifetimes {
  std::vector<int> owner;
  std::vector<Lifetime> life;
};
TensorLifetimes tensor_lifetimes(const Network& network);
// The plan of these tensors and of further buffers, whose places are scratch_bytes and scratch_offsets.
// overlaps: between tensors.
MemoryPlan place_tensors(const Network& network, const TensorLifetimes& tensors, const std::vector<Lifetime>& scratch,
                         const std::vector<Overlap>& overlaps = {});

// Without overlaps; plan_layers() of core/overlap.h has them. scratch_bytes: what each layer's kernel works in
// (core/kernel.h), or empty if none does.
MemoryPlan plan_memory(const Network& network, const std::vector<int64_t>& scratch_bytes = {});

// Bytes of a packed tensor: element i (HWC order) occupies bits [i * b, (i + 1) * b), least significant bit first in
// little-endian 32-bit words; the size is rounded up to whole words.
int64_t packed_bytes(int64_t elements, Format storage);

}  // namespace bitwright

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

struct Placement {
  std::vector<int64_t> offsets;  // bytes, multiples of 4, one per Lifetime
  int64_t bytes = 0;             // the arena
};

// Offsets such that no two buffers alive at the same step overlap. Sizes are rounded up to whole 32-bit words.
// Never below the largest sum alive at one step, and equal to it for a chain of any length, with or without buffers
// that live for one of its steps. Exact (branch and bound over placement orders) for up to 8 buffers that need space; of
// 9 to 12 the best of 200000 nodes of that search, of more the best of first-fit by size, by start, by length of life,
// and from both ends.
Placement place(const std::vector<Lifetime>& buffers);

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
  int peak_step = 0;  // the layer at which most bytes are alive
};

// Tensor t is the output of layer t - 1. owner[t]: the tensor whose place it shares, itself if it has one.
struct TensorLifetimes {
  std::vector<int> owner;
  std::vector<Lifetime> life;
};
TensorLifetimes tensor_lifetimes(const Network& network);
// The plan of these tensors and of further buffers, whose places are scratch_bytes and scratch_offsets.
MemoryPlan place_tensors(const Network& network, const TensorLifetimes& tensors, const std::vector<Lifetime>& scratch);

// scratch_bytes: what each layer's kernel works in (core/kernel.h), or empty if none does.
MemoryPlan plan_memory(const Network& network, const std::vector<int64_t>& scratch_bytes = {});

// Bytes of a packed tensor: element i (HWC order) occupies bits [i * b, (i + 1) * b), least significant bit first in
// little-endian 32-bit words; the size is rounded up to whole words.
int64_t packed_bytes(int64_t elements, Format storage);

}  // namespace bitwright

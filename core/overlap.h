// core/overlap.h: how far a layer's output may reach over what it reads.
//
// A kernel goes through its output from front to back and writes every word once, when it is full. What it has yet to
// read then starts at some word of its input, further back the later. So the output may lie over the input if it starts
// early enough: in the same place for a layer of one position's window and equal widths, a window's rows before it for
// a convolution. docs/adr/0019-memory-planner.md.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/kernel.h"
#include "core/memory_plan.h"

namespace bitwright {

// The least number of bytes by which the output of `layer` must start before its operand `from` (a layer or
// kNetworkInput; of an Add either of both), so that no word is written that is yet to be read. A multiple of 4, at
// least 0, at most the output's bytes. Strides that skip columns count as if these were read. Nothing where the kernel
// is not known to write from front to back (polynomials clear their output first) and of a Flatten.
std::optional<int64_t> safe_lead(const Network& network, int layer, int from, const std::string& kernel);

// The overlaps that the kernel of a layer allows, between tensors: its output over the operands that it is the last to
// read.
std::vector<Overlap> layer_overlaps(const Network& network, const TensorLifetimes& tensors, int layer,
                                    const std::string& kernel);
// Of all layers.
std::vector<Overlap> layer_overlaps(const Network& network, const TensorLifetimes& tensors, const Kernels& kernels);

// The memory of layers that run one after another with these kernels.
MemoryPlan plan_layers(const Network& network, const Kernels& kernels);

}  // namespace bitwright

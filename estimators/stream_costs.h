// estimators/stream_costs.h: what a network that runs as a stream (core/stream_plan.h) costs.
//
// The kernels cost what they cost layer by layer, and what it costs to call them in bands: for every run but one what
// the closed form of the kernel says of a band beside a map. A dense layer at the end costs what its ordinary kernel
// does of each run's columns, and a part that is linear in its runs and sums. What the stream adds between calls is
// linear in three counts: runs; stages that are asked whether they can run; words that move within buffers. The
// coefficients are measured (CoreCosts::stream). What takes CoreCosts throws MissingCost for a core on which streams
// were not measured.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "core/execution.h"
#include "estimators/cost_table.h"

namespace bitwright {

// Instructions and cycles of one inference.
struct StageCosts {
  double instructions = 0.0, cycles = 0.0;
};

// The kernel whose stack a "part_" kernel has, and whose speed on columns its own begins with; any other kernel itself.
std::string costed_kernel(const Network& network, int layer, const std::string& kernel);
Kernels costed_kernels(const Network& network, Kernels kernels);

// All runs of one stage. kernel: as in the plan.
StageCosts stage_costs(const Network& network, const StreamStage& stage, const LayerShapes& shapes,
                       const std::string& kernel, const CoreCosts& costs);

// Without those of a last dense layer, which are within its stage_costs().
StreamCounts stream_counts(const StreamPlan& stream);
// Those alone; stage: the last.
StreamCounts part_counts(const Network& network, const StreamStage& stage, const LayerShapes& shapes);

// What moves the stages along, beside their kernels.
StageCosts driver_costs(const StreamPlan& stream, const CoreCosts& costs);

// Runtime files and emitted code of a plan that has a stream.
int64_t stream_code_bytes(const Network& network, const ExecutionPlan& plan, const CoreCosts& costs);
// Of the functions around the kernels, beside those of layers one after another.
int64_t stream_stack_bytes(const CoreCosts& costs);

}  // namespace bitwright

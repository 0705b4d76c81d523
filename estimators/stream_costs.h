// estimators/stream_costs.h: what a network that runs as a stream (core/stream_plan.h) costs.
//
// The kernels cost what they cost layer by layer, and what it costs to call them in bands: for every run but one what
// the closed form of the kernel says of a band beside a map. A dense layer at the end costs what its ordinary kernel
// does. What the stream adds beside them is linear in four counts, with measured coefficients (stream_costs.cc): runs;
// stages that are asked whether they can run; words that move within buffers; sums that are taken up again.
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

// The kernel whose speed and stack a "part_" kernel has; any other kernel itself.
std::string costed_kernel(const Network& network, int layer, const std::string& kernel);
Kernels costed_kernels(const Network& network, Kernels kernels);

// All runs of one stage. kernel: as in the plan.
StageCosts stage_costs(const Network& network, const StreamStage& stage, const LayerShapes& shapes,
                       const std::string& kernel, const CoreCosts& costs);

// How often each part of the stream's own code runs in one inference.
struct StreamCounts {
  double runs = 0.0;         // of all stages
  double checks = 0.0;       // stages that bw_next_stage looks at
  double moved_words = 0.0;  // by bw_end_run
  double part_sums = 0.0;    // runs of a last dense layer times its outputs
};
StreamCounts stream_counts(const Network& network, const StreamPlan& stream);

// What moves the stages along, beside their kernels.
StageCosts driver_costs(const Network& network, const StreamPlan& stream, const CoreCosts& costs);

// Runtime files and emitted code of a plan that has a stream.
int64_t stream_code_bytes(const Network& network, const ExecutionPlan& plan, const CoreCosts& costs);
// Of the functions around the kernels, beside those of layers one after another.
int64_t stream_stack_bytes(const CoreCosts& costs);

// All throw MissingCost for a core on which streams were not measured.

}  // namespace bitwright

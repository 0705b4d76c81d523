// estimators/estimate.h: what a candidate costs on a board, before training.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/board.h"
#include "core/estimates.h"
#include "core/execution.h"
#include "core/network.h"

namespace bitwright {

// A pure function, some microseconds a layer.
//   constants  exact to the byte: core/kernel.h
//   arena      exact: plan_execution, with which the emitter places tensors
//   code       runtime files and library members that the package links, plus the emitted calls (fitted)
//   stack      deepest kernel of the network, measured, plus the run function's own frame
//   cycles     closed form per kernel (cost_table.h), zero wait states; the board's flash wait states are not in it.
//              A stream's are those of its kernels on bands, plus what moves them along (stream_costs.h)
//   latency    cycles / clock; as the lower end of an interval that ends at 1.15 times it (deploy/timing.h)
//   energy     latency x supply x current per MHz x clock, where the board file gives both; else 0
//   average    power of the duty cycle (duty_cycle.h); 0 without one
// With the kernels of choose_kernels(): limits are the study's; the board's memory always holds.
// execution: of kAuto what choose_execution() takes.
// Throws MissingCost for a core or kernel without a measured cost, StructureError where infer_shapes does.
Estimates estimate(const Network& network, const Board& board, const Limits& limits = {},
                   Execution execution = Execution::kLayers, const DutyCycle& duty = {});

}  // namespace bitwright

// core/stream_plan.h: running the first layers of a 1-D network column by column, so that no whole feature map between
// them is ever in memory: each keeps the few columns that its window still needs.
//
// A stage is one layer. Its input lies in a buffer of `capacity` columns (of the first stage: in the network's input
// itself); once the columns for `band` outputs are there, the kernel runs on them as on a short map, its outputs go to the
// next stage's buffer, and columns that no later output needs are dropped. The latest stage that can run always runs
// first, which keeps buffers small. A dense layer behind a flatten can be the last stage: it adds up its sums as the
// columns come.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/kernel.h"
#include "core/memory_plan.h"

namespace bitwright {

struct StreamStage {
  int layer = 0;
  int band = 1;                        // outputs a run; the last run may have fewer
  int step = 1, window = 1, pad = 0;   // input columns: from one output to the next, that one needs, before the map
  int inputs = 1, outputs = 1;         // columns in all
  int64_t column_bits = 0;             // of an input column
  int64_t out_bits = 0;                // of an output column
  int align = 1;                       // input columns that fill whole words
  int capacity = 0;                    // input columns in memory
};

struct StreamPlan {
  std::vector<StreamStage> stages;  // at least two
  bool ends_dense = false;          // the last stage is a Dense layer that adds up
  int last_layer() const { return stages.back().layer; }
};

// Bytes of the state of one stage (bw_stage_state) and of its description (bw_stage), on a 32-bit core.
inline constexpr int64_t kStageStateBytes = 8;
inline constexpr int64_t kStageBytes = 20;
// Of a bw_placed_stage, in a package whose kernels are compiled for their layers.
inline constexpr int64_t kPlacedStageBytes = 28;

// Nothing where fewer than two layers from the first on can be run so. kernels: of every layer; that of a Dense that
// adds up becomes its "part_" kernel, which has the same weights.
std::optional<StreamPlan> plan_stream(const Network& network, Kernels& kernels);

// As plan_memory: stages' buffers are the tensors between them, all alive until the last stage ends; so are the stages'
// state, the sums of a last Dense, and one scratch memory for all.
MemoryPlan plan_stream_memory(const Network& network, const Kernels& kernels, const StreamPlan& stream);

}  // namespace bitwright

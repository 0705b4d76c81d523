// SPDX-License-Identifier: Apache-2.0
#include "core/execution.h"

#include "core/check.h"
#include "core/overlap.h"

namespace bitwright {

ExecutionPlan plan_execution(const Network& network, const Kernels& kernels, Execution execution) {
  BW_CHECK(execution != Execution::kAuto);
  ExecutionPlan layers{kernels, std::nullopt, plan_layers(network, kernels)};
  if (execution == Execution::kLayers) return layers;
  ExecutionPlan streamed{kernels, std::nullopt, {}};
  streamed.stream = plan_stream(network, streamed.kernels);
  if (!streamed.stream) return layers;
  streamed.memory = plan_stream_memory(network, streamed.kernels, *streamed.stream);
  return streamed.memory.arena_bytes < layers.memory.arena_bytes ? streamed : layers;
}

}  // namespace bitwright

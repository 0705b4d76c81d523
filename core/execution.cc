// SPDX-License-Identifier: Apache-2.0
#include "core/execution.h"

#include <fmt/format.h>

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

std::string no_stream_reason(const Network& network, const Kernels& kernels) {
  if (plan_execution(network, kernels, Execution::kStream).stream) return "";
  Kernels streamed = kernels;
  const auto stream = plan_stream(network, streamed);
  if (!stream) return "fewer than two of the first layers run along a signal, or a later add reads a map of theirs";
  return fmt::format("it would take an arena of {} B, layer by layer {} B",
                     plan_stream_memory(network, streamed, *stream).arena_bytes,
                     plan_layers(network, kernels).arena_bytes);
}

}  // namespace bitwright

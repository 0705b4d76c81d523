// core/execution.h: how layers follow one another, and the memory that takes. Written once: the estimates and the
// emitter use it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/kernel.h"
#include "core/memory_plan.h"
#include "core/stream_plan.h"

namespace bitwright {

enum class Execution : uint8_t {
  kLayers,  // each layer over its whole map
  kStream,  // the first ones column by column (core/stream_plan.h), where that takes a smaller arena; else as kLayers
  kAuto,    // to be chosen within limits (estimators/choose_execution.h); no plan is made of it
};

struct ExecutionPlan {
  Kernels kernels;                   // those given; of a stream's last dense layer its "part_" kernel
  std::optional<StreamPlan> stream;  // the first layers run column by column
  MemoryPlan memory;
};

// kernels: of every layer. execution: not kAuto.
ExecutionPlan plan_execution(const Network& network, const Kernels& kernels, Execution execution);

// Why kStream plans no stream of these, in a few words; empty where it plans one.
std::string no_stream_reason(const Network& network, const Kernels& kernels);

}  // namespace bitwright

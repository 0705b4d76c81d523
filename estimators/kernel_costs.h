// estimators/kernel_costs.h: memory that a network takes with a kernel for every layer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "core/execution.h"
#include "core/kernel.h"
#include "estimators/cost_table.h"

namespace bitwright {

// Runtime files and members of libraries that are linked besides those of the kernels.
struct FurtherCode {
  std::map<std::string, int64_t> files;
  std::set<std::string> members;
};
// Runtime files and members of libraries that the package links, plus the emitted calls.
int64_t code_bytes(const Kernels& kernels, const CoreCosts& costs, const FurtherCode& further = {});
int64_t constant_bytes(const Network& network, const Kernels& kernels);
// Of the deepest kernel, plus the run function's own frame.
int64_t stack_bytes(const Network& network, const Kernels& kernels, const CoreCosts& costs);

// Of a network that runs as planned, layers or stream.
struct MemoryNeed {
  int64_t code_bytes = 0, constant_bytes = 0, arena_bytes = 0, stack_bytes = 0;
  int64_t flash_bytes() const { return code_bytes + constant_bytes; }
  int64_t ram_bytes() const { return arena_bytes + stack_bytes; }
};
MemoryNeed memory_need(const Network& network, const ExecutionPlan& plan, const CoreCosts& costs);

// All throw MissingCost for a kernel that the table lacks.

}  // namespace bitwright

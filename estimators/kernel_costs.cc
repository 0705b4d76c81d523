// SPDX-License-Identifier: Apache-2.0
#include "estimators/kernel_costs.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/kernel.h"
#include "estimators/stream_costs.h"

namespace bitwright {

int64_t code_bytes(const Kernels& kernels, const CoreCosts& costs, const FurtherCode& further) {
  int calls = 0, epilogues = 0;
  std::map<std::string, int64_t> files = further.files;  // the most that a kernel links of each
  std::set<std::string> members = further.members;
  for (const std::string& kernel : kernels) {
    if (kernel.empty()) continue;
    const KernelCost& cost = costs.kernel(kernel);
    ++calls;
    epilogues += has_epilogue(kernel) ? 1 : 0;
    for (const auto& [file, bytes] : cost.file_bytes) files[file] = std::max(files[file], bytes);
    members.insert(cost.library.begin(), cost.library.end());
  }
  if (members.contains("_arm_muldivsf3.o")) members.erase("_arm_mulsf3.o");  // the first holds the multiplication, too
  int64_t sum = std::llround(costs.glue_bytes(calls, epilogues));
  for (const auto& [file, bytes] : files) sum += bytes;
  for (const std::string& member : members) sum += costs.library_bytes.at(member);
  return sum;
}

int64_t constant_bytes(const Network& network, const Kernels& kernels) {
  int64_t sum = 0;
  for (int i = 0; i < static_cast<int>(kernels.size()); ++i)
    sum += constant_bytes(network, i, kernels[static_cast<size_t>(i)]);
  return sum;
}

int64_t stack_bytes(const Network& network, const Kernels& kernels, const CoreCosts& costs) {
  int64_t deepest = 0;
  for (int i = 0; i < static_cast<int>(kernels.size()); ++i)
    deepest = std::max(deepest, costs.stack_bytes(network, i, kernels[static_cast<size_t>(i)]));
  return costs.glue_stack_bytes + deepest;
}

MemoryNeed memory_need(const Network& network, const ExecutionPlan& plan, const CoreCosts& costs) {
  MemoryNeed need;
  need.arena_bytes = plan.memory.arena_bytes;
  need.constant_bytes = constant_bytes(network, plan.kernels);
  const Kernels kernels = costed_kernels(network, plan.kernels);
  need.stack_bytes = stack_bytes(network, kernels, costs);
  if (!plan.stream) {
    need.code_bytes = code_bytes(kernels, costs);
    return need;
  }
  need.constant_bytes += kStageBytes * static_cast<int64_t>(plan.stream->stages.size());
  need.stack_bytes += stream_stack_bytes(costs);
  need.code_bytes = stream_code_bytes(network, plan, costs);
  return need;
}

}  // namespace bitwright

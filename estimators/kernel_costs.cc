// SPDX-License-Identifier: Apache-2.0
#include "estimators/kernel_costs.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace bitwright {

int64_t code_bytes(const Kernels& kernels, const CoreCosts& costs) {
  double bytes = costs.glue_bytes;
  std::set<std::string> members;
  for (const std::string& kernel : kernels) {
    if (kernel.empty()) continue;
    bytes += costs.glue_bytes_per_call;
    const auto& library = costs.kernel(kernel).library;
    members.insert(library.begin(), library.end());
  }
  if (members.contains("_arm_muldivsf3.o")) members.erase("_arm_mulsf3.o");  // the first holds the multiplication, too
  int64_t sum = std::llround(bytes);
  for (const std::string& member : members) sum += costs.library_bytes.at(member);
  for (const std::string& file : runtime_files(kernels)) {
    if (!file.ends_with(".c")) continue;
    const auto it = costs.file_bytes.find(file);
    if (it == costs.file_bytes.end()) throw MissingCost("file " + file + " has no measured size on " + costs.core);
    sum += it->second;
  }
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

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "estimators/choose_kernels.h"

#include <algorithm>
#include <map>

#include "core/memory_plan.h"
#include "core/overlap.h"
#include "estimators/kernel_costs.h"
#include "estimators/layer_features.h"

namespace bitwright {
namespace {

double cycles(const Network& network, int layer, const LayerShapes& shapes, const std::string& kernel,
              const CoreCosts& costs) {
  return costs.kernel(kernel).cycles(layer_features(network, layer, shapes, kernel));
}

std::string fastest(const Network& network, int layer, const LayerShapes& shapes,
                    const std::vector<std::string>& kernels, const CoreCosts& costs) {
  std::string best = kernels.front();
  double least = -1.0;
  for (const std::string& kernel : kernels) {
    if (!costs.kernels.contains(kernel)) continue;
    const double needed = cycles(network, layer, shapes, kernel, costs);
    if (least >= 0.0 && needed >= least) continue;
    least = needed;
    best = kernel;
  }
  return best;
}

int64_t tighter(int64_t limit, int64_t has) {
  if (limit <= 0) return std::max<int64_t>(has, 0);
  return has <= 0 ? limit : std::min(limit, has);
}

// Takes memory from layers, a kernel at a time.
class Thrift {
 public:
  Thrift(const Network& network, Kernels kernels, const CoreCosts& costs, const MemoryLimits& limits,
         Execution execution)
      : network_(network),
        kernels_(std::move(kernels)),
        costs_(costs),
        limits_(limits),
        execution_(execution),
        shapes_(infer_shapes(network)),
        tensors_(tensor_lifetimes(network)) {}

  Kernels spend_less() {
    int64_t left = excess(kernels_);
    if (left <= 0) return kernels_;
    for (int i = 0; i < static_cast<int>(kernels_.size()); ++i) able_.push_back(kernels_for(network_, i));
    while (left > 0) {
      const Swap swap = best_swap(left);
      if (swap.left >= left) break;
      kernels_[static_cast<size_t>(swap.layer)] = swap.kernel;
      left = swap.left;
    }
    return kernels_;
  }

 private:
  struct Swap {
    int layer = 0;
    std::string kernel;
    int64_t left = 0;  // excess after it
  };

  // Of a layer that a kernel runs.
  struct LayerNeed {
    int64_t constant_bytes = 0, scratch_bytes = 0, stack_bytes = 0;
    std::vector<Overlap> overlaps;
  };

  // Bytes beyond the limits: of flash, and of RAM at every step, since all full steps must be relieved before the arena
  // shrinks. A stream has one step that counts.
  int64_t excess(const Kernels& kernels) const {
    return execution_ == Execution::kStream ? stream_excess(kernels) : layers_excess(kernels);
  }

  int64_t stream_excess(const Kernels& kernels) const {
    const MemoryNeed need = memory_need(network_, plan_execution(network_, kernels, execution_), costs_);
    int64_t sum = 0;
    if (limits_.flash_bytes > 0) sum += std::max<int64_t>(0, need.flash_bytes() - limits_.flash_bytes);
    if (limits_.ram_bytes > 0) sum += std::max<int64_t>(0, need.ram_bytes() - limits_.ram_bytes);
    return sum + shared_excess(need);
  }

  int64_t shared_excess(const MemoryNeed& need) const {
    if (limits_.both_bytes <= 0) return 0;
    return std::max<int64_t>(0, need.flash_bytes() + need.ram_bytes() - limits_.both_bytes);
  }

  int64_t layers_excess(const Kernels& kernels) const {
    int64_t sum = 0;
    if (limits_.both_bytes > 0)
      sum += shared_excess(memory_need(network_, plan_execution(network_, kernels, execution_), costs_));
    if (limits_.flash_bytes <= 0 && limits_.ram_bytes <= 0) return sum;
    std::vector<const LayerNeed*> needs;
    for (size_t i = 0; i < kernels.size(); ++i) needs.push_back(&need_of(static_cast<int>(i), kernels[i]));
    if (limits_.flash_bytes > 0) {
      int64_t flash = code_bytes(kernels, costs_);
      for (const LayerNeed* need : needs) flash += need->constant_bytes;
      sum += std::max<int64_t>(0, flash - limits_.flash_bytes);
    }
    return limits_.ram_bytes > 0 ? sum + ram_excess(needs) : sum;
  }

  // Summed over the steps.
  int64_t ram_excess(const std::vector<const LayerNeed*>& needs) const {
    int64_t stack = 0;
    std::vector<Overlap> overlaps;
    for (const LayerNeed* need : needs) {
      stack = std::max(stack, need->stack_bytes);
      overlaps.insert(overlaps.end(), need->overlaps.begin(), need->overlaps.end());
    }
    const int64_t arena = limits_.ram_bytes - costs_.glue_stack_bytes - stack;
    const std::vector<int64_t> alive = bytes_alive(tensors_.life, overlaps);
    int64_t sum = 0;
    for (size_t step = 0; step < needs.size(); ++step)
      sum += std::max<int64_t>(0, alive[step] + needs[step]->scratch_bytes - arena);
    return sum;
  }

  const LayerNeed& need_of(int layer, const std::string& kernel) const {
    const auto [known, is_new] = needs_.try_emplace({layer, kernel});
    if (is_new)
      known->second = {constant_bytes(network_, layer, kernel), scratch_bytes(network_, layer, kernel),
                       costs_.stack_bytes(network_, layer, kernel), layer_overlaps(network_, tensors_, layer, kernel)};
    return known->second;
  }

  // That with the most bytes given back per cycle lost.
  Swap best_swap(int64_t before) const {
    Swap best{0, kernels_.front(), before};
    double most = 0.0;
    for (int i = 0; i < static_cast<int>(kernels_.size()); ++i)
      for (const std::string& kernel : able_[static_cast<size_t>(i)]) {
        const std::string& present = kernels_[static_cast<size_t>(i)];
        if (kernel == present || !costs_.kernels.contains(kernel) || !costs_.kernels.contains(present)) continue;
        Kernels others = kernels_;
        others[static_cast<size_t>(i)] = kernel;
        const int64_t left = excess(others);
        const double lost = std::max(1.0, cycles_of(i, kernel) - cycles_of(i, present));
        const double gain = static_cast<double>(before - left) / lost;
        if (gain <= most) continue;
        most = gain;
        best = {i, kernel, left};
      }
    return best;
  }

  double cycles_of(int layer, const std::string& kernel) const {
    const auto [known, is_new] = cycles_.try_emplace({layer, kernel});
    if (is_new) known->second = cycles(network_, layer, shapes_[static_cast<size_t>(layer)], kernel, costs_);
    return known->second;
  }

  const Network& network_;
  Kernels kernels_;
  const CoreCosts& costs_;
  MemoryLimits limits_;
  Execution execution_;
  std::vector<LayerShapes> shapes_;
  TensorLifetimes tensors_;
  std::vector<std::vector<std::string>> able_;  // kernels of each layer
  using LayerKernel = std::pair<int, std::string>;
  mutable std::map<LayerKernel, LayerNeed> needs_;
  mutable std::map<LayerKernel, double> cycles_;
};

}  // namespace

MemoryLimits memory_limits(const Board& board, const Limits& limits) {
  const int64_t bank = board.ram.empty() ? 0 : board.ram.front().bytes;
  return {tighter(limits.flash_bytes, board.flash_bytes), tighter(limits.ram_bytes, bank), board.shared_memory_bytes};
}

Kernels fastest_kernels(const Network& network, const CoreCosts& costs) {
  const std::vector<LayerShapes> shapes = infer_shapes(network);
  Kernels chosen;
  for (int i = 0; i < static_cast<int>(shapes.size()); ++i) {
    const std::vector<std::string> able = kernels_for(network, i);
    if (able.size() > 1)
      chosen.push_back(fastest(network, i, shapes[static_cast<size_t>(i)], able, costs));
    else
      chosen.push_back(able.empty() ? "" : able.front());
  }
  return chosen;
}

Kernels kernels_within(const Network& network, Kernels kernels, const CoreCosts& costs, const MemoryLimits& limits,
                       Execution execution) {
  return Thrift(network, std::move(kernels), costs, limits, execution).spend_less();
}

Kernels choose_kernels(const Network& network, const Board& board, const Limits& limits, Execution execution) {
  if (!has_cost_table(board.core)) return default_kernels(network);
  const CoreCosts& costs = core_costs(board.core);
  return kernels_within(network, fastest_kernels(network, costs), costs, memory_limits(board, limits), execution);
}

}  // namespace bitwright

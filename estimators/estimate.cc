// SPDX-License-Identifier: Apache-2.0
#include "estimators/estimate.h"

#include <algorithm>

#include "core/kernel.h"
#include "core/memory_plan.h"
#include "estimators/choose_kernels.h"
#include "estimators/cost_table.h"
#include "estimators/kernel_costs.h"
#include "estimators/layer_features.h"

namespace bitwright {
namespace {

LayerEstimate estimate_layer(const Network& network, int layer, const LayerShapes& shapes, const std::string& kernel,
                             int64_t output_bytes, const CoreCosts& costs) {
  const LayerSpec& spec = network.layers[static_cast<size_t>(layer)];
  LayerEstimate e;
  e.name = spec.name;
  e.kernel = kernel;
  e.macs = macs(spec, shapes);
  e.constant_bytes = constant_bytes(network, layer, kernel);
  e.output_bytes = output_bytes;
  if (e.kernel.empty()) return e;
  const FeatureVector features = layer_features(network, layer, shapes, kernel);
  const KernelCost& cost = costs.kernel(e.kernel);
  e.instructions = cost.instructions(features);
  e.cycles = cost.cycles(features);
  return e;
}

void add_layer(Estimates& sum, LayerEstimate layer) {
  sum.macs += layer.macs;
  sum.constant_bytes += layer.constant_bytes;
  sum.instructions += layer.instructions;
  sum.cycles += layer.cycles;
  sum.layers.push_back(std::move(layer));
}

Estimates estimate_with(const Network& network, const Kernels& kernels, const Board& board, const CoreCosts& costs) {
  const std::vector<LayerShapes> shapes = infer_shapes(network);
  const MemoryPlan plan = plan_memory(network, scratch_bytes(network, kernels));
  Estimates e;
  for (size_t i = 0; i < shapes.size(); ++i)
    add_layer(e, estimate_layer(network, static_cast<int>(i), shapes[i], kernels[i], plan.tensor_bytes[i + 1], costs));
  const auto calls =
      static_cast<double>(kernels.size()) - static_cast<double>(std::count(kernels.begin(), kernels.end(), ""));
  if (calls > 0) {
    e.instructions += costs.glue_instructions(calls);
    e.cycles += costs.glue_cycles(calls);
  }
  e.code_bytes = code_bytes(kernels, costs);
  e.flash_bytes = e.code_bytes + e.constant_bytes;
  e.arena_bytes = plan.arena_bytes;
  e.stack_bytes = stack_bytes(network, kernels, costs);
  e.ram_bytes = e.arena_bytes + e.stack_bytes;
  e.parameters = parameter_count(network);
  e.latency_us = board.clock_hz > 0 ? e.cycles / static_cast<double>(board.clock_hz) * 1e6 : 0.0;
  // uA/MHz = pC a cycle; times V = pJ a cycle.
  e.energy_uj = e.cycles * board.current_ua_per_mhz * board.supply_v * 1e-6;
  return e;
}

bool exceeds(int64_t bytes, int64_t limit) {
  return limit > 0 && bytes > limit;
}

}  // namespace

Estimates estimate(const Network& network, const Board& board, const Limits& limits) {
  const CoreCosts& costs = core_costs(board.core);
  const MemoryLimits memory = memory_limits(board, limits);
  const Kernels kernels = fastest_kernels(network, costs);
  Estimates e = estimate_with(network, kernels, board, costs);
  if (!exceeds(e.flash_bytes, memory.flash_bytes) && !exceeds(e.ram_bytes, memory.ram_bytes)) return e;
  const Kernels thrifty = kernels_within(network, kernels, costs, memory);
  return thrifty == kernels ? e : estimate_with(network, thrifty, board, costs);
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "estimators/estimate.h"

#include <algorithm>

#include "core/kernel.h"
#include "core/memory_plan.h"
#include "estimators/choose_execution.h"
#include "estimators/choose_kernels.h"
#include "estimators/cost_table.h"
#include "estimators/duty_cycle.h"
#include "estimators/kernel_costs.h"
#include "estimators/layer_features.h"
#include "estimators/stream_costs.h"

namespace bitwright {
namespace {

// Instructions and cycles of all calls of a layer's kernel.
StageCosts layer_costs(const Network& network, const ExecutionPlan& plan, int layer, const LayerShapes& shapes,
                       const CoreCosts& costs) {
  const std::string& kernel = plan.kernels[static_cast<size_t>(layer)];
  if (kernel.empty()) return {};
  if (plan.stream)
    for (const StreamStage& stage : plan.stream->stages)
      if (stage.layer == layer) return stage_costs(network, stage, shapes, kernel, costs);
  const FeatureVector features = layer_features(network, layer, shapes, kernel);
  const KernelCost& cost = costs.kernel(kernel);
  return {cost.instructions(features), cost.cycles(features)};
}

LayerEstimate estimate_layer(const Network& network, const ExecutionPlan& plan, int layer, const LayerShapes& shapes,
                             const CoreCosts& costs) {
  const LayerSpec& spec = network.layers[static_cast<size_t>(layer)];
  LayerEstimate e;
  e.name = spec.name;
  e.kernel = plan.kernels[static_cast<size_t>(layer)];
  e.macs = macs(spec, shapes);
  e.constant_bytes = constant_bytes(network, layer, e.kernel);
  e.output_bytes = plan.memory.tensor_bytes[static_cast<size_t>(layer) + 1];
  const StageCosts calls = layer_costs(network, plan, layer, shapes, costs);
  e.instructions = calls.instructions;
  e.cycles = calls.cycles;
  return e;
}

void add_layer(Estimates& sum, LayerEstimate layer) {
  sum.macs += layer.macs;
  sum.instructions += layer.instructions;
  sum.cycles += layer.cycles;
  sum.layers.push_back(std::move(layer));
}

void add_speed(const Network& network, const ExecutionPlan& plan, const CoreCosts& costs, Estimates& e) {
  const std::vector<LayerShapes> shapes = infer_shapes(network);
  for (size_t i = 0; i < shapes.size(); ++i)
    add_layer(e, estimate_layer(network, plan, static_cast<int>(i), shapes[i], costs));
  const auto calls = static_cast<double>(plan.kernels.size()) -
                     static_cast<double>(std::count(plan.kernels.begin(), plan.kernels.end(), ""));
  if (calls > 0) {
    e.instructions += costs.glue_instructions(calls);
    e.cycles += costs.glue_cycles(calls);
  }
  if (!plan.stream) return;
  const StageCosts driver = driver_costs(*plan.stream, costs);
  e.instructions += driver.instructions;
  e.cycles += driver.cycles;
}

Estimates estimate_with(const Network& network, const Kernels& kernels, const Board& board, const CoreCosts& costs,
                        Execution execution) {
  const ExecutionPlan plan = plan_execution(network, kernels, execution);
  Estimates e;
  add_speed(network, plan, costs, e);
  const MemoryNeed need = memory_need(network, plan, costs);
  e.constant_bytes = need.constant_bytes;
  e.code_bytes = need.code_bytes;
  e.flash_bytes = need.flash_bytes();
  e.arena_bytes = need.arena_bytes;
  e.stack_bytes = need.stack_bytes;
  e.ram_bytes = need.ram_bytes();
  e.parameters = parameter_count(network);
  e.latency_us = board.clock_hz > 0 ? e.cycles / static_cast<double>(board.clock_hz) * 1e6 : 0.0;
  e.energy_uj = energy_of_cycles_uj(board, e.cycles);
  return e;
}

bool exceeds(int64_t bytes, int64_t limit) {
  return limit > 0 && bytes > limit;
}

Estimates estimate_within(const Network& network, const Board& board, const Limits& limits, Execution execution) {
  const CoreCosts& costs = core_costs(board.core);
  const MemoryLimits memory = memory_limits(board, limits);
  const Kernels kernels = fastest_kernels(network, costs);
  Estimates e = estimate_with(network, kernels, board, costs, execution);
  const bool fits = !exceeds(e.flash_bytes, memory.flash_bytes) && !exceeds(e.ram_bytes, memory.ram_bytes) &&
                    !exceeds(e.flash_bytes + e.ram_bytes, memory.both_bytes);
  if (fits) return e;
  const Kernels thrifty = kernels_within(network, kernels, costs, memory, execution);
  return thrifty == kernels ? e : estimate_with(network, thrifty, board, costs, execution);
}

}  // namespace

Estimates estimate(const Network& network, const Board& board, const Limits& limits, Execution execution,
                   const DutyCycle& duty) {
  Estimates e = estimate_within(network, board, limits, choose_execution(network, board, limits, execution, duty));
  e.average_power_uw = average_power_uw(e, board, duty);
  return e;
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "estimators/estimate.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/kernel.h"
#include "core/memory_plan.h"
#include "estimators/choose_kernels.h"
#include "estimators/cost_table.h"

namespace bitwright {
namespace {

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

int64_t stack_bytes(const Network& network, const Kernels& kernels, const CoreCosts& costs) {
  int64_t deepest = 0;
  for (int i = 0; i < static_cast<int>(network.layers.size()); ++i)
    deepest = std::max(deepest, costs.stack_bytes(network, i, kernels[static_cast<size_t>(i)]));
  return costs.glue_stack_bytes + deepest;
}

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

}  // namespace

Estimates estimate(const Network& network, const Board& board) {
  const CoreCosts& costs = core_costs(board.core);
  const std::vector<LayerShapes> shapes = infer_shapes(network);
  const Kernels kernels = choose_kernels(network, costs);
  const MemoryPlan plan = plan_memory(network, scratch_bytes(network, kernels));
  Estimates e;
  for (size_t i = 0; i < shapes.size(); ++i)
    add_layer(e, estimate_layer(network, static_cast<int>(i), shapes[i], kernels[i], plan.tensor_bytes[i + 1], costs));
  const bool calls =
      std::any_of(e.layers.begin(), e.layers.end(), [](const LayerEstimate& l) { return !l.kernel.empty(); });
  if (calls) {
    e.instructions += costs.glue_instructions;
    e.cycles += costs.glue_cycles;
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

}  // namespace bitwright

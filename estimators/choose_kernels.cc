// SPDX-License-Identifier: Apache-2.0
#include "estimators/choose_kernels.h"

#include "core/embedded.h"
#include "estimators/layer_features.h"

namespace bitwright {
namespace {

std::string fastest(const Network& network, int layer, const LayerShapes& shapes,
                    const std::vector<std::string>& kernels, const CoreCosts& costs) {
  std::string best = kernels.front();
  double least = -1.0;
  for (const std::string& kernel : kernels) {
    const auto cost = costs.kernels.find(kernel);
    if (cost == costs.kernels.end()) continue;
    const double cycles = cost->second.cycles(layer_features(network, layer, shapes, kernel));
    if (least >= 0.0 && cycles >= least) continue;
    least = cycles;
    best = kernel;
  }
  return best;
}

}  // namespace

Kernels choose_kernels(const Network& network, const CoreCosts& costs) {
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

Kernels choose_kernels(const Network& network, const std::string& core) {
  if (!embedded_file("configs/costs/" + core + ".yaml")) return default_kernels(network);
  return choose_kernels(network, core_costs(core));
}

}  // namespace bitwright

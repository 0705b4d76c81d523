// SPDX-License-Identifier: Apache-2.0
#include "trainer/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace bitwright {

double peak_learning_rate(const Network& network, const Recipe& recipe) {
  if (recipe.learning_rate > 0.0) return recipe.learning_rate;
  int bits = 32;
  for (const LayerSpec& layer : network.layers)
    if (has_weights(layer.op)) bits = std::min(bits, bit_width(layer.weights));
  return bits <= 2 ? 1e-2 : bits <= 8 ? 4e-3 : 2e-3;
}

double learning_rate_at(int64_t step, int64_t steps, double peak, const Recipe& recipe) {
  const double done = static_cast<double>(step + 1), all = static_cast<double>(steps);
  const double warmup = std::min(std::floor(recipe.warmup_fraction * all), all - 1.0);
  if (done <= warmup) return peak * done / warmup;
  const double angle = std::numbers::pi * (done - warmup) / (all - warmup);
  return recipe.final_learning_rate + 0.5 * (peak - recipe.final_learning_rate) * (1.0 + std::cos(angle));
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "estimators/choose_execution.h"

#include "constraints/constraints.h"
#include "estimators/cost_table.h"
#include "estimators/estimate.h"

namespace bitwright {

Execution choose_execution(const Network& network, const Board& board, const Limits& limits, Execution asked,
                           const DutyCycle& duty) {
  if (asked != Execution::kAuto) return asked;
  if (!has_cost_table(board.core)) return Execution::kLayers;
  const Estimates layers = estimate(network, board, limits, Execution::kLayers, duty);
  if (check_budgets(layers, limits, board, duty).empty()) return Execution::kLayers;
  const Estimates stream = estimate(network, board, limits, Execution::kStream, duty);
  const bool fits = check_budgets(stream, limits, board, duty).empty();
  return fits || stream.ram_bytes < layers.ram_bytes ? Execution::kStream : Execution::kLayers;
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "search/cost_margins.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/check.h"
#include "core/quantity.h"
#include "search/quantile.h"

namespace bitwright {
namespace {

constexpr double kShare = 0.95;

}  // namespace

void CostMargins::add(const Trial& trial) {
  for (const auto& [quantity, boards] : trial.measured) {
    double ratio = -1.0;
    for (const auto& [board, cost] : boards)
      if (std::isfinite(cost.measured / cost.estimated)) ratio = std::max(ratio, cost.measured / cost.estimated);
    if (ratio < 0.0) continue;
    std::vector<double>& ratios = ratios_[quantity];
    ratios.push_back(ratio);
    double& margin = margins_.try_emplace(quantity, 1.0).first->second;
    const double before = std::exchange(margin, std::max(1.0, quantile(ratios, kShare)));
    if (margin != before) ++revision_;
  }
}

Estimates CostMargins::with_margins(Estimates estimates) const {
  for (const auto& [name, margin] : margins_) {
    const Quantity* quantity = find_quantity(name);
    BW_CHECK(quantity != nullptr);
    if (margin > 1.0) quantity->set_cost(estimates, margin * quantity->cost(estimates));
  }
  for (Estimates& board : estimates.boards) board = with_margins(std::move(board));
  return estimates;
}

}  // namespace bitwright

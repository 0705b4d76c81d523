// SPDX-License-Identifier: Apache-2.0
#include "search/measurement.h"

#include <fmt/format.h>

#include <algorithm>

#include "constraints/constraints.h"
#include "core/check.h"
#include "core/quantity.h"
#include "estimators/worst_board.h"

namespace bitwright {
namespace {

// Each board's own figures.
std::vector<Estimates> by_board(const Estimates& estimates) {
  return estimates.boards.empty() ? std::vector<Estimates>{estimates} : estimates.boards;
}

double cost(const std::string& quantity, const Estimates& estimates) {
  const Quantity* found = find_quantity(quantity);
  BW_CHECK(found != nullptr);
  return found->cost(estimates);
}

// What a rule of check_budgets() holds against its limit.
double amount(const std::string& rule, const Estimates& e) {
  if (rule == "memory") return static_cast<double>(e.flash_bytes + e.ram_bytes);
  return cost(rule == "duty_cycle" ? "latency" : rule, e);
}

// On the board whose measured figure the violation is of.
double estimated_amount(const Violation& violation, const Estimates& estimated, const Estimates& measured) {
  const std::vector<Estimates> before = by_board(estimated), after = by_board(measured);
  const auto board =
      std::ranges::find_if(after, [&](const Estimates& e) { return amount(violation.rule, e) == violation.value; });
  return amount(violation.rule, before[board == after.end() ? 0 : static_cast<size_t>(board - after.begin())]);
}

}  // namespace

Estimates with_measured(Estimates estimated, const std::vector<BoardCosts>& measured) {
  std::vector<Estimates> boards = by_board(estimated);
  BW_CHECK(boards.size() == measured.size());
  for (size_t i = 0; i < boards.size(); ++i)
    for (const auto& [quantity, value] : measured[i].costs) find_quantity(quantity)->set_cost(boards[i], value);
  return worst_board(std::move(boards));
}

std::map<std::string, MeasuredCost> measured_costs(const Estimates& estimated,
                                                   const std::vector<BoardCosts>& measured) {
  const std::vector<Estimates> boards = by_board(estimated);
  BW_CHECK(boards.size() == measured.size());
  const auto ratio = [](const MeasuredCost& c) { return c.measured / c.estimated; };
  std::map<std::string, MeasuredCost> costs;
  for (size_t i = 0; i < boards.size(); ++i)
    for (const auto& [quantity, value] : measured[i].costs) {
      const MeasuredCost here{measured[i].board, cost(quantity, boards[i]), value};
      const auto [worst, is_new] = costs.try_emplace(quantity, here);
      if (!is_new && ratio(here) > ratio(worst->second)) worst->second = here;
    }
  return costs;
}

std::vector<Violation> check_measured(const Estimates& estimated, const std::vector<BoardCosts>& measured,
                                      const CandidateRules& rules) {
  const Estimates taken = with_measured(estimated, measured);
  std::vector<Violation> violations = check_limits(taken, rules);
  for (Violation& violation : violations)
    violation.message += fmt::format(", as measured; estimated {}",
                                     amount_text(violation.rule, estimated_amount(violation, estimated, taken)));
  return violations;
}

}  // namespace bitwright

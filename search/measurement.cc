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

MeasuredCosts measured_costs(const Estimates& estimated, const std::vector<BoardCosts>& measured) {
  const std::vector<Estimates> boards = by_board(estimated);
  BW_CHECK(boards.size() == measured.size());
  MeasuredCosts costs;
  for (size_t i = 0; i < boards.size(); ++i)
    for (const auto& [quantity, value] : measured[i].costs)
      costs[quantity][measured[i].board] = {cost(quantity, boards[i]), value};
  return costs;
}

Estimates with_measured(Estimates estimated, const std::vector<std::string>& boards, const MeasuredCosts& measured) {
  std::vector<Estimates> each = by_board(estimated);
  BW_CHECK(each.size() == boards.size());
  for (const auto& [quantity, by_name] : measured)
    for (size_t i = 0; i < each.size(); ++i)
      if (const auto found = by_name.find(boards[i]);
          found != by_name.end() && found->second.estimated == cost(quantity, each[i]))
        find_quantity(quantity)->set_cost(each[i], found->second.measured);
  return worst_board(std::move(each));
}

std::vector<Violation> check_measured(const Estimates& estimated, const std::vector<std::string>& boards,
                                      const MeasuredCosts& measured, const CandidateRules& rules) {
  const Estimates taken = with_measured(estimated, boards, measured);
  std::vector<Violation> violations = check_limits(taken, rules);
  for (Violation& violation : violations) {
    const double before = estimated_amount(violation, estimated, taken);
    if (before != violation.value)
      violation.message += fmt::format(", as measured; estimated {}",
                                       amount_texts(violation.rule, {before, violation.value, violation.limit})[0]);
  }
  return violations;
}

}  // namespace bitwright

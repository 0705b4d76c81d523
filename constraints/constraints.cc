// SPDX-License-Identifier: Apache-2.0
#include "constraints/constraints.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <string>

#include "core/check.h"
#include "core/error.h"
#include "core/kernel.h"

namespace bitwright {
namespace {

std::optional<Violation> layer_count(const Network& network) {
  const auto layers = static_cast<double>(network.layers.size());
  if (layers <= kMaxLayers) return std::nullopt;
  return Violation{"structure", layers, kMaxLayers,
                   fmt::format("{} layers exceed the limit of {} by {}", layers, kMaxLayers, layers - kMaxLayers)};
}

std::optional<Violation> shapes_close(const Network& network) {
  try {
    infer_shapes(network);
    return std::nullopt;
  } catch (const StructureError& error) {
    return Violation{"structure", 1, 0, error.what()};
  }
}

std::optional<Violation> kernels_exist(const Network& network) {
  try {
    for (int i = 0; i < static_cast<int>(network.layers.size()); ++i) kernel_of(network, i);
    return std::nullopt;
  } catch (const StructureError& error) {
    return Violation{"kernel", 1, 0, error.what()};
  }
}

// In the order asked; each guards those after it.
using Rule = std::optional<Violation> (*)(const Network&);
constexpr std::array<Rule, 3> kRules = {layer_count, shapes_close, kernels_exist};

// At most one decimal, and none where it would be 0; two digits of less than that.
std::string number(double value) {
  if (value > 0.0 && value < 0.05) return fmt::format("{:.2g}", value);
  const std::string text = fmt::format("{:.1f}", value);
  return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
}

using Unit = std::string (*)(double);

std::string bytes(double value) {
  return value < 1024 ? fmt::format("{:.0f} B", value) : number(value / 1024) + " KiB";
}
std::string microseconds(double value) {
  return value < 1000 ? number(value) + " us" : number(value / 1000) + " ms";
}
std::string microjoules(double value) {
  return value < 1000 ? number(value) + " uJ" : number(value / 1000) + " mJ";
}
std::string microwatts(double value) {
  return value < 1000 ? number(value) + " uW" : number(value / 1000) + " mW";
}
std::string count(double value) {
  return fmt::format("{:.0f}", value);
}

struct Budget {
  const char* rule;
  double value, limit;  // limit 0: none
  Unit unit;
  double of = 0.0;  // what the limit is a part of; 0: not said
};

std::optional<Violation> check(const Budget& b) {
  if (b.limit <= 0 || b.value <= b.limit) return std::nullopt;
  return Violation{b.rule, b.value, b.limit,
                   fmt::format("{} {} exceeds the limit of {}{} by {}", b.rule, b.unit(b.value), b.unit(b.limit),
                               b.of > 0 ? " of " + b.unit(b.of) : "", b.unit(b.value - b.limit))};
}

// What the board has, where the study's own limit does not say no already.
std::optional<Violation> check_board(const Budget& b, const std::string& place) {
  if (b.limit <= 0 || b.value <= b.limit) return std::nullopt;
  return Violation{b.rule, b.value, b.limit,
                   fmt::format("{} {} exceeds the {} of {} by {}", b.rule, b.unit(b.value), b.unit(b.limit), place,
                               b.unit(b.value - b.limit))};
}

void add(std::vector<Violation>& violations, std::optional<Violation> violation) {
  if (violation) violations.push_back(std::move(*violation));
}

// The tighter of the study's limit and the board's memory.
std::optional<Violation> check_memory(const char* rule, int64_t value, int64_t limit, int64_t of, int64_t has,
                                      const std::string& place) {
  const auto v = static_cast<double>(value);
  const bool study_is_tighter = limit > 0 && (has <= 0 || limit <= has);
  if (study_is_tighter) return check({rule, v, static_cast<double>(limit), bytes, static_cast<double>(of)});
  return check_board({rule, v, static_cast<double>(has), bytes}, place);
}

// Where program and data lie in one memory, they must fit it together.
std::optional<Violation> check_shared_memory(const Estimates& estimates, const Board& board) {
  const auto needed = static_cast<double>(estimates.flash_bytes + estimates.ram_bytes);
  return check_board({"memory", needed, static_cast<double>(board.shared_memory_bytes), bytes},
                     board.name + "'s memory for program and data");
}

// Of energy and power: a figure that the board's file does not give cannot be shown to keep a limit.
std::optional<Violation> check_power(const Budget& b, const Board& board, const std::vector<std::string>& unknown) {
  if (b.limit <= 0 || b.value > 0 || unknown.empty()) return check(b);
  return Violation{b.rule, 0, b.limit,
                   fmt::format("{}: board {} gives no {}, so a limit of {} cannot be checked", b.rule, board.name,
                               fmt::join(unknown, ", "), b.unit(b.limit))};
}

std::optional<Violation> check_energy(const Estimates& estimates, const Limits& limits, const Board& board) {
  return check_power({"energy", estimates.energy_uj, limits.energy_uj, microjoules}, board,
                     unknown_power_figures(board, /*sleep=*/false));
}

std::optional<Violation> check_average_power(const Estimates& estimates, const Limits& limits, const Board& board,
                                             const DutyCycle& duty) {
  if (!duty.given()) return std::nullopt;
  return check_power({"average_power", estimates.average_power_uw, limits.average_power_uw, microwatts}, board,
                     unknown_power_figures(board, /*sleep=*/true, duty));
}

// So many inferences must fit an hour.
std::optional<Violation> check_duty_cycle(const Estimates& estimates, const DutyCycle& duty) {
  if (!duty.given()) return std::nullopt;
  const double period_us = 3600e6 / duty.inferences_per_hour;
  if (estimates.latency_us <= period_us) return std::nullopt;
  return Violation{"duty_cycle", estimates.latency_us, period_us,
                   fmt::format("duty_cycle: latency {} exceeds the {} that each of {:g} inferences an hour has by {}",
                               microseconds(estimates.latency_us), microseconds(period_us), duty.inferences_per_hour,
                               microseconds(estimates.latency_us - period_us))};
}

}  // namespace

std::vector<Violation> check_structure(const Network& network) {
  for (Rule rule : kRules)
    if (auto violation = rule(network)) return {std::move(*violation)};
  return {};
}

std::vector<Violation> check_budgets(const Estimates& estimates, const Limits& limits, const Board& board,
                                     const DutyCycle& duty) {
  std::vector<Violation> violations;
  const RamBank bank = board.ram.empty() ? RamBank{} : board.ram.front();
  add(violations, check_memory("flash", estimates.flash_bytes, limits.flash_bytes, limits.flash_of_bytes,
                               board.flash_bytes, board.name + "'s flash"));
  add(violations, check_memory("ram", estimates.ram_bytes, limits.ram_bytes, limits.ram_of_bytes, bank.bytes,
                               board.name + "'s " + bank.name));
  add(violations, check_shared_memory(estimates, board));
  add(violations, check({"latency", estimates.latency_us, limits.latency_us, microseconds}));
  add(violations, check_energy(estimates, limits, board));
  add(violations, check({"macs", static_cast<double>(estimates.macs), static_cast<double>(limits.macs), count}));
  add(violations,
      check({"params", static_cast<double>(estimates.parameters), static_cast<double>(limits.params), count}));
  add(violations, check_average_power(estimates, limits, board, duty));
  add(violations, check_duty_cycle(estimates, duty));
  return violations;
}

std::vector<Violation> check_budgets(const Estimates& estimates, const Limits& limits, const std::vector<Board>& boards,
                                     const DutyCycle& duty) {
  if (boards.size() == 1) return check_budgets(estimates, limits, boards.front(), duty);
  BW_CHECK(estimates.boards.size() == boards.size());
  std::vector<Violation> all;
  for (size_t i = 0; i < boards.size(); ++i)
    for (Violation& violation : check_budgets(estimates.boards[i], limits, boards[i], duty)) {
      violation.message = boards[i].name + ": " + violation.message;
      all.push_back(std::move(violation));
    }
  return all;
}

std::string amount_text(const std::string& rule, double value) {
  static const std::map<std::string, Unit> kUnits = {{"flash", bytes},
                                                     {"ram", bytes},
                                                     {"memory", bytes},
                                                     {"latency", microseconds},
                                                     {"duty_cycle", microseconds},
                                                     {"energy", microjoules},
                                                     {"average_power", microwatts}};
  const auto unit = kUnits.find(rule);
  return unit == kUnits.end() ? count(value) : unit->second(value);
}

std::vector<Violation> worst_by_rule(const std::vector<Violation>& violations) {
  std::vector<Violation> worst;
  for (const Violation& violation : violations) {
    const auto known =
        std::find_if(worst.begin(), worst.end(), [&](const Violation& w) { return w.rule == violation.rule; });
    if (known == worst.end())
      worst.push_back(violation);
    else if (overshoot(violation) > overshoot(*known))
      *known = violation;
  }
  return worst;
}

double overshoot(const Violation& violation) {
  const bool amounts = violation.limit > 0 && violation.value > violation.limit;
  return amounts ? violation.value / violation.limit - 1.0 : 1.0;
}

}  // namespace bitwright

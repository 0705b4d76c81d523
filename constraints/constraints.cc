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

// Of amounts from `large_from` on another unit.
struct Unit {
  const char* name = nullptr;  // null: a count
  double large_from = 0.0;
  const char* large_name = "";
};

Unit unit_of(const std::string& rule) {
  static const std::map<std::string, Unit> kUnits = {
      {"flash", {"B", 1024, "KiB"}},        {"ram", {"B", 1024, "KiB"}},        {"memory", {"B", 1024, "KiB"}},
      {"latency", {"us", 1000, "ms"}},      {"duty_cycle", {"us", 1000, "ms"}}, {"energy", {"uJ", 1000, "mJ"}},
      {"average_power", {"uW", 1000, "mW"}}};
  const auto unit = kUnits.find(rule);
  return unit == kUnits.end() ? Unit{} : unit->second;
}

std::string exact_text(const std::string& rule, double value) {
  const Unit unit = unit_of(rule);
  return fmt::format("{:.10g} {}", value, unit.name ? unit.name : "");
}

struct Budget {
  const char* rule;
  double value, limit;  // limit 0: none
  double of = 0.0;      // what the limit is a part of; 0: not said
};

struct BudgetTexts {
  std::string value, limit, over;
};

BudgetTexts texts_of(const Budget& b) {
  const std::vector<std::string> texts = amount_texts(b.rule, {b.value, b.limit});
  return {texts[0], texts[1], amount_text(b.rule, b.value - b.limit)};
}

std::optional<Violation> check(const Budget& b) {
  if (b.limit <= 0 || b.value <= b.limit) return std::nullopt;
  const BudgetTexts texts = texts_of(b);
  return Violation{b.rule, b.value, b.limit,
                   fmt::format("{} {} exceeds the limit of {}{} by {}", b.rule, texts.value, texts.limit,
                               b.of > 0 ? " of " + amount_text(b.rule, b.of) : "", texts.over)};
}

// What the board has, where the study's own limit does not say no already.
std::optional<Violation> check_board(const Budget& b, const std::string& place) {
  if (b.limit <= 0 || b.value <= b.limit) return std::nullopt;
  const BudgetTexts texts = texts_of(b);
  return Violation{
      b.rule, b.value, b.limit,
      fmt::format("{} {} exceeds the {} of {} by {}", b.rule, texts.value, texts.limit, place, texts.over)};
}

void add(std::vector<Violation>& violations, std::optional<Violation> violation) {
  if (violation) violations.push_back(std::move(*violation));
}

// The tighter of the study's limit and the board's memory.
std::optional<Violation> check_memory(const char* rule, int64_t value, int64_t limit, int64_t of, int64_t has,
                                      const std::string& place) {
  const auto v = static_cast<double>(value);
  const bool study_is_tighter = limit > 0 && (has <= 0 || limit <= has);
  if (study_is_tighter) return check({rule, v, static_cast<double>(limit), static_cast<double>(of)});
  return check_board({rule, v, static_cast<double>(has)}, place);
}

// Where program and data lie in one memory, they must fit it together.
std::optional<Violation> check_shared_memory(const Estimates& estimates, const Board& board) {
  const auto needed = static_cast<double>(estimates.flash_bytes + estimates.ram_bytes);
  return check_board({"memory", needed, static_cast<double>(board.shared_memory_bytes)},
                     board.name + "'s memory for program and data");
}

// Of energy and power: a figure that the board's file does not give cannot be shown to keep a limit.
std::optional<Violation> check_power(const Budget& b, const Board& board, const std::vector<std::string>& unknown) {
  if (b.limit <= 0 || b.value > 0 || unknown.empty()) return check(b);
  return Violation{b.rule, 0, b.limit,
                   fmt::format("{}: board {} gives no {}, so a limit of {} cannot be checked", b.rule, board.name,
                               fmt::join(unknown, ", "), amount_text(b.rule, b.limit))};
}

std::optional<Violation> check_energy(const Estimates& estimates, const Limits& limits, const Board& board) {
  return check_power({"energy", estimates.energy_uj, limits.energy_uj}, board,
                     unknown_power_figures(board, /*sleep=*/false));
}

std::optional<Violation> check_average_power(const Estimates& estimates, const Limits& limits, const Board& board,
                                             const DutyCycle& duty) {
  if (!duty.given()) return std::nullopt;
  return check_power({"average_power", estimates.average_power_uw, limits.average_power_uw}, board,
                     unknown_power_figures(board, /*sleep=*/true, duty));
}

// So many inferences must fit an hour.
std::optional<Violation> check_duty_cycle(const Estimates& estimates, const DutyCycle& duty) {
  if (!duty.given()) return std::nullopt;
  const double period_us = 3600e6 / duty.inferences_per_hour;
  if (estimates.latency_us <= period_us) return std::nullopt;
  const BudgetTexts texts = texts_of({"duty_cycle", estimates.latency_us, period_us});
  return Violation{"duty_cycle", estimates.latency_us, period_us,
                   fmt::format("duty_cycle: latency {} exceeds the {} that each of {:g} inferences an hour has by {}",
                               texts.value, texts.limit, duty.inferences_per_hour, texts.over)};
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
  add(violations, check({"latency", estimates.latency_us, limits.latency_us}));
  add(violations, check_energy(estimates, limits, board));
  add(violations, check({"macs", static_cast<double>(estimates.macs), static_cast<double>(limits.macs)}));
  add(violations, check({"params", static_cast<double>(estimates.parameters), static_cast<double>(limits.params)}));
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
  const Unit unit = unit_of(rule);
  if (!unit.name) return fmt::format("{:.0f}", value);
  if (value >= unit.large_from) return fmt::format("{} {}", number(value / unit.large_from), unit.large_name);
  return fmt::format("{} {}", unit.large_from == 1024 ? fmt::format("{:.0f}", value) : number(value), unit.name);
}

std::vector<std::string> amount_texts(const std::string& rule, const std::vector<double>& values) {
  std::map<std::string, double> meanings;
  std::vector<std::string> texts, exact;
  bool told_apart = true;
  for (const double value : values) {
    texts.push_back(amount_text(rule, value));
    exact.push_back(exact_text(rule, value));
    told_apart &= meanings.try_emplace(texts.back(), value).first->second == value;
  }
  return told_apart ? texts : exact;
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

// SPDX-License-Identifier: Apache-2.0
#include "constraints/constraints.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <optional>
#include <string>

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

// At most one decimal, and none where it would be 0.
std::string number(double value) {
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
std::string count(double value) {
  return fmt::format("{:.0f}", value);
}

struct Budget {
  const char* rule;
  double value, limit;  // limit 0: none
  Unit unit;
};

std::optional<Violation> check(const Budget& b) {
  if (b.limit <= 0 || b.value <= b.limit) return std::nullopt;
  return Violation{b.rule, b.value, b.limit,
                   fmt::format("{} {} exceeds the limit of {} by {}", b.rule, b.unit(b.value), b.unit(b.limit),
                               b.unit(b.value - b.limit))};
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
std::optional<Violation> check_memory(const char* rule, int64_t value, int64_t limit, int64_t has,
                                      const std::string& place) {
  const auto v = static_cast<double>(value);
  const bool study_is_tighter = limit > 0 && (has <= 0 || limit <= has);
  if (study_is_tighter) return check({rule, v, static_cast<double>(limit), bytes});
  return check_board({rule, v, static_cast<double>(has), bytes}, place);
}

// Where program and data lie in one memory, they must fit it together.
std::optional<Violation> check_shared_memory(const Estimates& estimates, const Board& board) {
  const auto needed = static_cast<double>(estimates.flash_bytes + estimates.ram_bytes);
  return check_board({"memory", needed, static_cast<double>(board.shared_memory_bytes), bytes},
                     board.name + "'s memory for program and data");
}

std::optional<Violation> check_energy(const Estimates& estimates, const Limits& limits, const Board& board) {
  const bool known = board.supply_v > 0 && board.current_ua_per_mhz > 0;
  if (limits.energy_uj > 0 && !known)
    return Violation{"energy", 0, limits.energy_uj,
                     fmt::format("energy: board {} gives no current, so a limit of {} cannot be checked", board.name,
                                 microjoules(limits.energy_uj))};
  return check({"energy", estimates.energy_uj, limits.energy_uj, microjoules});
}

}  // namespace

std::vector<Violation> check_structure(const Network& network) {
  for (Rule rule : kRules)
    if (auto violation = rule(network)) return {std::move(*violation)};
  return {};
}

std::vector<Violation> check_budgets(const Estimates& estimates, const Limits& limits, const Board& board) {
  std::vector<Violation> violations;
  const RamBank bank = board.ram.empty() ? RamBank{} : board.ram.front();
  add(violations,
      check_memory("flash", estimates.flash_bytes, limits.flash_bytes, board.flash_bytes, board.name + "'s flash"));
  add(violations,
      check_memory("ram", estimates.ram_bytes, limits.ram_bytes, bank.bytes, board.name + "'s " + bank.name));
  add(violations, check_shared_memory(estimates, board));
  add(violations, check({"latency", estimates.latency_us, limits.latency_us, microseconds}));
  add(violations, check_energy(estimates, limits, board));
  add(violations, check({"macs", static_cast<double>(estimates.macs), static_cast<double>(limits.macs), count}));
  return violations;
}

}  // namespace bitwright

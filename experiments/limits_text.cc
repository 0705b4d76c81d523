// SPDX-License-Identifier: Apache-2.0
#include "experiments/limits_text.h"

#include <fmt/format.h>

#include "experiments/table.h"

namespace bitwright {
namespace {

std::string part_text(int64_t bytes, int64_t of) {
  return format_bytes(bytes) + (of > 0 ? " of " + format_bytes(of) : "");
}

std::string costs_text(const Limits& limits) {
  std::string text;
  const auto add = [&](const char* name, bool given, const std::string& value) {
    if (given) text += fmt::format("  {} <= {}", name, value);
  };
  add("flash", limits.flash_bytes > 0, part_text(limits.flash_bytes, limits.flash_of_bytes));
  add("ram", limits.ram_bytes > 0, part_text(limits.ram_bytes, limits.ram_of_bytes));
  add("latency", limits.latency_us > 0, format_microseconds(limits.latency_us));
  add("energy", limits.energy_uj > 0, format_microjoules(limits.energy_uj));
  add("average power", limits.average_power_uw > 0, format_microwatts(limits.average_power_uw));
  add("macs", limits.macs > 0, format_count(static_cast<double>(limits.macs)));
  add("params", limits.params > 0, format_count(static_cast<double>(limits.params)));
  return text;
}

}  // namespace

std::string limits_text(const Study& study) {
  std::string text = costs_text(study.limits);
  if (study.accuracy_floor > 0) text += "  accuracy >= " + format_percent(study.accuracy_floor);
  const std::string soft = costs_text(study.soft_limits);
  return soft.empty() ? text : text + "  soft:" + soft.substr(1);
}

std::string board_names_text(const Study& study) {
  const std::vector<Board> boards = boards_of(study);
  std::string text = boards.front().name;
  for (size_t i = 1; i < boards.size(); ++i) text += (i + 1 < boards.size() ? ", " : " and ") + boards[i].name;
  return text;
}

std::string figures_of_text(const Study& study) {
  return (study.further_boards.empty() ? "" : "the worst of ") + board_names_text(study);
}

}  // namespace bitwright

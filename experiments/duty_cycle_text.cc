// SPDX-License-Identifier: Apache-2.0
#include "experiments/duty_cycle_text.h"

#include <fmt/format.h>

#include "estimators/duty_cycle.h"
#include "experiments/table.h"

namespace bitwright {
namespace {

std::string source_of(const Board& board, const std::string& field) {
  const auto source = board.sources.find(field);
  return source == board.sources.end() ? "no source" : source->second;
}

std::string sleep_source(const Board& board, const DutyCycle& duty) {
  return duty.sleep_current_ua > 0 ? "duty_cycle.sleep_current" : source_of(board, "sleep_current");
}

std::string board_text(const Board& board, const DutyCycle& duty) {
  return fmt::format("  {}: {} running ({:g} uA/MHz, {:g} MHz, {:g} V), {} asleep ({:g} uA)\n", board.name,
                     format_microwatts(running_uw(board)), board.current_ua_per_mhz,
                     static_cast<double>(board.clock_hz) / 1e6, board.supply_v,
                     format_microwatts(asleep_uw(board, duty)), sleep_current_ua(board, duty)) +
         fmt::format("    current: {}\n    sleep current: {}\n", source_of(board, "current"),
                     sleep_source(board, duty));
}

}  // namespace

bool tells_battery(const Study& study) {
  return study.duty_cycle.battery_mah > 0 && study.further_boards.empty();
}

std::string duty_cycle_text(const Study& study) {
  const DutyCycle& duty = study.duty_cycle;
  if (!duty.given()) return "";
  std::string text = fmt::format("duty cycle: {:g} inferences an hour, one every {:.4g} s{}\n",
                                 duty.inferences_per_hour, 3600.0 / duty.inferences_per_hour,
                                 duty.battery_mah > 0 ? fmt::format("; battery {:g} mAh", duty.battery_mah) : "");
  for (const Board& board : boards_of(study)) text += board_text(board, duty);
  return text + "  " + kDutyCycleOmits + "\n";
}

nlohmann::json duty_cycle_json(const Study& study) {
  const DutyCycle& duty = study.duty_cycle;
  nlohmann::json boards = nlohmann::json::array();
  for (const Board& board : boards_of(study))
    boards.push_back(
        {{"board", board.name},
         {"running_uw", running_uw(board)},
         {"asleep_uw", asleep_uw(board, duty)},
         {"sources", {{"current", source_of(board, "current")}, {"sleep_current", sleep_source(board, duty)}}}});
  return {{"inferences_per_hour", duty.inferences_per_hour},
          {"battery_mah", duty.battery_mah},
          {"boards", boards},
          {"omitted", kDutyCycleOmits}};
}

}  // namespace bitwright

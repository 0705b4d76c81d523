// SPDX-License-Identifier: Apache-2.0
#include "core/board.h"

namespace bitwright {

std::vector<std::string> unknown_power_figures(const Board& board, bool sleep, const DutyCycle& duty) {
  std::vector<std::string> unknown;
  if (board.supply_v <= 0) unknown.emplace_back("supply");
  if (board.current_ua_per_mhz <= 0) unknown.emplace_back("current");
  if (sleep && sleep_current_ua(board, duty) <= 0) unknown.emplace_back("sleep_current");
  return unknown;
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "estimators/worst_board.h"

#include <algorithm>

#include "core/check.h"

namespace bitwright {
namespace {

template <class T>
const Estimates& largest(const std::vector<Estimates>& boards, T Estimates::*quantity) {
  return *std::max_element(boards.begin(), boards.end(),
                           [&](const Estimates& a, const Estimates& b) { return a.*quantity < b.*quantity; });
}

double largest_known(const std::vector<Estimates>& boards, double Estimates::*quantity) {
  const bool known = std::all_of(boards.begin(), boards.end(), [&](const Estimates& e) { return e.*quantity > 0; });
  return known ? largest(boards, quantity).*quantity : 0.0;
}

}  // namespace

Estimates worst_board(std::vector<Estimates> boards) {
  BW_CHECK(!boards.empty());
  if (boards.size() == 1) return std::move(boards.front());
  Estimates worst = largest(boards, &Estimates::latency_us);
  const Estimates& flash = largest(boards, &Estimates::flash_bytes);
  worst.flash_bytes = flash.flash_bytes;
  worst.code_bytes = flash.code_bytes;
  worst.constant_bytes = flash.constant_bytes;
  const Estimates& ram = largest(boards, &Estimates::ram_bytes);
  worst.ram_bytes = ram.ram_bytes;
  worst.arena_bytes = ram.arena_bytes;
  worst.stack_bytes = ram.stack_bytes;
  worst.energy_uj = largest_known(boards, &Estimates::energy_uj);
  worst.average_power_uw = largest_known(boards, &Estimates::average_power_uw);
  worst.boards = std::move(boards);
  return worst;
}

}  // namespace bitwright

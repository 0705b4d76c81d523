// core/quantity.h: what candidates cost, by the names that study files give it: in limits, objectives and --pick.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/board.h"
#include "core/estimates.h"

namespace bitwright {

struct Quantity {
  std::string name;                           // "flash"
  double (*cost)(const Estimates&);           // in bytes, us, uJ, uW or a count
  double (*limit)(const Limits&);             // in the same unit; 0: none
  void (*set_cost)(Estimates&, double cost);  // bytes and counts rounded up
};

// flash, ram, latency, energy, average_power, macs, params.
const std::vector<Quantity>& quantities();
std::vector<std::string> quantity_names();
// Null for another name.
const Quantity* find_quantity(const std::string& name);

}  // namespace bitwright

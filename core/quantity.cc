// SPDX-License-Identifier: Apache-2.0
#include "core/quantity.h"

namespace bitwright {
namespace {

template <auto Member, class Struct>
double read(const Struct& values) {
  return static_cast<double>(values.*Member);
}

template <auto Cost, auto Limit>
Quantity quantity(const char* name) {
  return {name, read<Cost, Estimates>, read<Limit, Limits>};
}

}  // namespace

const std::vector<Quantity>& quantities() {
  static const std::vector<Quantity> all = {
      quantity<&Estimates::flash_bytes, &Limits::flash_bytes>("flash"),
      quantity<&Estimates::ram_bytes, &Limits::ram_bytes>("ram"),
      quantity<&Estimates::latency_us, &Limits::latency_us>("latency"),
      quantity<&Estimates::energy_uj, &Limits::energy_uj>("energy"),
      quantity<&Estimates::average_power_uw, &Limits::average_power_uw>("average_power"),
      quantity<&Estimates::macs, &Limits::macs>("macs"),
      quantity<&Estimates::parameters, &Limits::params>("params"),
  };
  return all;
}

std::vector<std::string> quantity_names() {
  std::vector<std::string> names;
  for (const Quantity& quantity : quantities()) names.push_back(quantity.name);
  return names;
}

const Quantity* find_quantity(const std::string& name) {
  for (const Quantity& quantity : quantities())
    if (quantity.name == name) return &quantity;
  return nullptr;
}

}  // namespace bitwright

// SPDX-License-Identifier: Apache-2.0
#include "core/quantity.h"

#include <cmath>
#include <type_traits>

namespace bitwright {
namespace {

template <auto Member, class Struct>
double read(const Struct& values) {
  return static_cast<double>(values.*Member);
}

constexpr double kRounding = 1e-6;  // of a product that stands for a whole number

template <auto Member>
void write(Estimates& estimates, double value) {
  using Value = std::remove_reference_t<decltype(estimates.*Member)>;
  if constexpr (std::is_integral_v<Value>)
    estimates.*Member = static_cast<Value>(std::ceil(value - kRounding));
  else
    estimates.*Member = value;
}

template <auto Cost, auto Limit>
Quantity quantity(const char* name) {
  return {name, read<Cost, Estimates>, read<Limit, Limits>, write<Cost>};
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

// SPDX-License-Identifier: Apache-2.0
#include "core/identity.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <random>

namespace bitwright {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

std::string random_name() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", device(), device(), device(), device());
}

}  // namespace bitwright

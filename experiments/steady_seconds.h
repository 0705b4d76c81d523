// experiments/steady_seconds.h: seconds of a clock that nobody sets and that never goes back.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace bitwright {

inline double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace bitwright

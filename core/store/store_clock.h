// core/store/store_clock.h: the times that a store writes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

namespace bitwright {

// UTC when it is made, from there by a clock that nobody sets: times of one run never jump, and none is before the last
// that the store has.
class StoreClock {
 public:
  // last_us: the latest time stored, microseconds since 1970; 0: none.
  explicit StoreClock(int64_t last_us);

  int64_t now_us() const;  // microseconds since 1970

 private:
  int64_t base_us_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace bitwright

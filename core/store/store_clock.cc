// SPDX-License-Identifier: Apache-2.0
#include "core/store/store_clock.h"

#include <algorithm>

namespace bitwright {
namespace {

template <class Duration>
int64_t microseconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

}  // namespace

StoreClock::StoreClock(int64_t last_us)
    : base_us_(std::max(last_us, microseconds(std::chrono::system_clock::now().time_since_epoch()))),
      start_(std::chrono::steady_clock::now()) {}

int64_t StoreClock::now_us() const {
  return base_us_ + microseconds(std::chrono::steady_clock::now() - start_);
}

}  // namespace bitwright

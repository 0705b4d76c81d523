// search/quantile.h: order statistics of a few values.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace bitwright {

// The least value that a share of the values, 0..1, is not above. One value at least.
inline double quantile(std::vector<double> values, double share) {
  const auto rank = static_cast<std::ptrdiff_t>(std::ceil(share * static_cast<double>(values.size()))) - 1;
  const auto nth = values.begin() + std::max<std::ptrdiff_t>(rank, 0);
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

}  // namespace bitwright

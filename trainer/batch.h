// trainer/batch.h: examples of a data set as one float map.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/dataset.h"
#include "core/rng.h"

namespace bitwright {

struct Batch {
  std::vector<float> codes;  // size() x C x H x W
  std::vector<int32_t> labels;
  int64_t size() const { return static_cast<int64_t>(labels.size()); }
};

// The examples of these numbers, in this order. With `shift`, each is rotated along its first axis (time) by a number
// of positions drawn from it.
void gather(const Dataset& data, std::span<const int64_t> examples, Rng* shift, Batch& batch);

}  // namespace bitwright

// experiments/fast_weights_budget.h: --fast-weights as the user writes it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace bitwright {

// In bytes. "": 0; "4096" or, with the units of a study's limits, "4 KiB"; "auto": the largest number. Throws
// ConfigError.
int64_t fast_weights_budget(const std::string& text);

}  // namespace bitwright

// experiments/check_estimates/measure_inferences.h: what whole packages take on a core: linked, and one inference of
// each emulated.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "deploy/link_map.h"
#include "deploy/lower.h"

namespace bitwright {

struct MeasuredInference : PackageBytes {  // no static RAM, as the caller owns the arena
  int64_t stack_bytes = 0;                 // painted and read back
  double instructions = 0.0, cycles = 0.0;
};

// One program runs them all, so that their names must differ; sizes are those of each package by itself, as `verify`
// measures them. The input is calibration_input(), the output is held against the integer reference. Files are written
// to `folder`. Throws ToolError where a tool is missing, a program does not end well, or an output differs.
std::vector<MeasuredInference> measure_inferences(const std::string& core, const std::vector<Program>& programs,
                                                  const std::string& folder);

}  // namespace bitwright

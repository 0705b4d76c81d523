// experiments/calibrate/calibrate.h: measures what every C kernel costs on a core, for estimators/cost_table.h.
//
// Per kernel: emits `samples` layers of random shapes, runs each alone in the emulator, checks its output against the
// integer reference, and fits instructions and cycles to the layer's features by non-negative least squares on
// relative errors. Code bytes come from the linker's map, stack from painting it. Nothing depends on the date or the
// machine: same compiler, same table.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "estimators/cost_table.h"

namespace bitwright {

struct CalibrationOptions {
  int samples = 90;  // layers per kernel, >= 1; more makes the fit surer and the calibration longer
  uint64_t seed = 1;
  std::function<void(const std::string& line)> progress = [](const std::string&) {};
};

// Throws ToolError if a tool is missing or a kernel's output differs from the reference.
CoreCosts calibrate(const std::string& core, const CalibrationOptions& options = {});

}  // namespace bitwright

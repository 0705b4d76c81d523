// experiments/calibrate/calibrate.h: measures what every C kernel costs on a core, for estimators/cost_table.h.
//
// Per kernel: emits `samples` layers of random shapes, runs each alone in the emulator, checks its output against the
// integer reference, and fits instructions and cycles to the layer's features by least squares on relative
// errors: with coefficients that are not negative, from which a ridge then lets them stray. Code bytes come
// from the linker's map, stack from painting it. Nothing depends on the date or the machine: same compiler, same table.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/quantized_model.h"
#include "estimators/cost_table.h"

namespace bitwright {

struct CalibrationOptions {
  int samples = 200;  // layers per kernel, >= 1, and some more where a feature is seldom seen
  uint64_t seed = 1;
  std::vector<std::string> kernels;  // these alone, neither run function nor stream; empty: all
  std::function<void(const std::string& line)> progress = [](const std::string&) {};
};

// Throws ToolError if a tool is missing or a kernel's output differs from the reference, ConfigError on a kernel that
// there is not.
CoreCosts calibrate(const std::string& core, const CalibrationOptions& options = {});

// The core's table with its stream measured anew. Throws MissingCost if there is none, else as calibrate().
CoreCosts calibrate_stream(const std::string& core, const std::function<void(const std::string& line)>& progress);

// The layers that a kernel is measured with.
std::vector<QuantizedModel> covering_models(const std::string& kernel, int count, uint64_t seed);

// One line on the kernels that the fit tells worst, by the mean error of instructions and of cycles.
std::string worst_fits(const CoreCosts& costs, size_t count = 6);

}  // namespace bitwright

// experiments/calibrate/measure.h: runs the layers of models alone in the emulator, or a whole package of one, and
// counts what they execute and what they take.
//
// Every output is compared with the integer reference, for one input of random codes (calibration_input). Nothing
// depends on the date or the machine: same compiler, same figures.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "core/kernel.h"
#include "core/quantized_model.h"
#include "deploy/link_map.h"
#include "deploy/timing.h"

namespace bitwright {

// Writes deploy/runtime below `folder` and compiles its sources with the flags of emitted packages. Returns the
// objects.
std::vector<std::string> compile_runtime(const std::string& core, const std::string& folder);

// One kernel call, emulated alone.
struct MeasuredCall {
  size_t model = 0;  // index in the models
  int layer = 0;     // index in the network
  std::string kernel;
  LayerShapes shapes;
  double instructions = 0.0, cycles = 0.0;
  std::vector<PredictedBranch> branches;  // of a core that predicts them
  int64_t stack_bytes = 0;
};

// Every kernel call of the models, in their order. All run in one program, so that networks and layers must have
// different names. runtime, folder: those of compile_runtime(). kernels: of every model, or empty for those that
// lower() takes by itself. Throws ToolError if a tool is missing, a program does not end well, or an output differs
// from the reference.
std::vector<MeasuredCall> measure_calls(const std::string& core, const std::vector<QuantizedModel>& models,
                                        const std::vector<std::string>& runtime, const std::string& folder,
                                        const std::vector<Kernels>& kernels = {});

// A frame is a multiple of 8 bytes, and paint cannot tell its last word where nothing was written there.
inline constexpr int64_t kUnseenStackBytes = 8;

// A whole inference by the emitted package. Its runtime is compiled anew: its functions bear a version in their names.
struct MeasuredPackage {
  ObjectBytes sizes;              // by the name of the source file, libraries by member
  std::set<std::string> sources;  // those names in `sizes` that are files of the package
  int64_t stack_bytes = 0;
  double instructions = 0.0, cycles = 0.0;
};
MeasuredPackage measure_package(const std::string& core, const QuantizedModel& model, const Kernels& kernels = {});

}  // namespace bitwright

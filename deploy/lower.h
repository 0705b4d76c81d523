// deploy/lower.h: from a quantized model to what C needs: ops in order, arena offsets, packed constants.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/execution.h"
#include "core/kernel.h"
#include "core/memory_plan.h"
#include "core/quantized_model.h"
#include "core/stream_plan.h"
#include "deploy/placement.h"

namespace bitwright {

// One read-only array of a layer, named LAYER_SUFFIX in C.
struct Constant {
  std::string suffix;           // "weights", "threshold", ...
  std::string type;             // "uint32_t", "int32_t", "int16_t", "uint8_t", "float"
  std::vector<int64_t> values;  // float: IEEE 754 bits
  int64_t bytes() const;
};

// Value of a field of a C struct, in the struct's order; a pointer field names the Constant it points at.
struct Field {
  std::string name;
  int64_t value = 0;
  std::string constant;   // suffix; empty: `value` counts
  bool is_float = false;  // `value` is IEEE 754 bits
};

// One call of a kernel.
struct LoweredOp {
  int layer = 0;       // index in the network
  std::string kernel;  // empty for Flatten, which is no call
  LayerShapes shapes;
  std::vector<Constant> constants;
  std::vector<Field> layer_fields;     // bw_layer; zeros left out
  std::string epilogue_type;           // "bw_epilogue", "bw_float_epilogue", "bw_poly", "bw_poly2", "bw_sliced"; empty where codes are moved
  std::vector<Field> epilogue_fields;
  int64_t in_word = 0, with_word = 0, out_word = 0;  // arena offsets in 32-bit words; with_word of an add
  int64_t scratch_word = -1;                         // of the memory that the kernel works in; -1 if it takes none
};

struct Program {
  QuantizedModel model;
  MemoryPlan plan;
  std::vector<LoweredOp> ops;  // one per layer
  Kernels kernels;
  std::optional<StreamPlan> stream;  // the first layers run column by column
  ConstantPlacement placement;       // constants in RAM: none from lower(), see place_constants()
  std::string signature;       // model_signature()
  int64_t input_word = 0, output_word = 0;
  int64_t input_bytes = 0, output_bytes = 0;  // packed, whole words
  Format output_format = Format::kInt8;
};

// Real units per output code of the network; 1 where the output is float32 or a plain accumulator.
double output_scale(const QuantizedModel& model);

// SHA-256 over structure, names, weights and tables: 64 hex digits. Equal models, equal packages.
std::string model_signature(const QuantizedModel& model);

// kernels: one of kernels_for() for every layer; empty: default_kernels(). execution: not kAuto. Throws StructureError
// where check_model does, where a layer has no kernel, a bias lies where the network has none or reaches 2^30, or a float
// is not finite: on the device nothing is left to fail.
Program lower(const QuantizedModel& model, const Kernels& kernels = {}, Execution execution = Execution::kLayers);

}  // namespace bitwright

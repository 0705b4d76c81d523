// deploy/reference.h: integer inference on the host: the definition that the emitted C equals bit for bit.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/dataset.h"
#include "core/quantized_model.h"

namespace bitwright {

// A tensor in HWC order: `codes` where its storage format is integer, `reals` where it is float32.
struct Tensor {
  Format storage = Format::kInt8;
  std::vector<int32_t> codes;
  std::vector<float> reals;
  bool operator==(const Tensor&) const = default;
};

// input: codes in the range of network.input_format, as many as the input has elements.
Tensor reference_infer(const QuantizedModel& model, std::span<const int16_t> input);
// Outputs of every layer, for tests and debugging.
std::vector<Tensor> reference_layers(const QuantizedModel& model, std::span<const int16_t> input);

// Index of the largest output, the first of equals.
int argmax(const Tensor& output);
// Outputs of the whole data set in real units (output scale x code, rounded to float32), HWC, example by example: what
// core/metrics.h scores. Two integer outputs beyond 2^24 that differ by less than a float's last place become equal.
std::vector<float> reference_outputs(const QuantizedModel& model, const Dataset& data);

}  // namespace bitwright

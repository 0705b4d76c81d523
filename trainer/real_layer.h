// trainer/real_layer.h: one layer on maps in real units, in plain loops: what calibration after training looks at.
//
// A map holds `count` examples one after another, each in HWC order. Weights are real: those of a float network, or
// step * code of a quantized one. The definition of inference is deploy/reference; this agrees with it up to the
// rounding of float32 sums.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/network.h"
#include "core/parameters.h"

namespace bitwright {

using RealMap = std::vector<float>;

// What an operator's kernel sees at one position of its output.
struct PatchReader {
  Window window;
  Padding padding = Padding::kValid;
  Shape input;
  float border = 0.0f;      // real value of a tap in the border
  double code_scale = 0.0;  // of GlobalLogVariance: of its input, or 0

  int64_t size() const { return int64_t{window.h} * window.w * input.c; }
  // patch: [window.h][window.w][c] around the accumulator (y, x).
  void read(const float* example, int y, int x, float* patch) const;
};

// Of Conv2d, DepthwiseConv2d, Dense (a kernel of 1 x 1), AvgPool2d and GlobalAvgPool (sums), GlobalLogVariance.
// code_scale: real units per code of the input, which a border of -1 or +1 and GlobalLogVariance need; 0 where the
// input is not made of codes.
PatchReader patch_reader(const LayerSpec& layer, const LayerShapes& shapes, double code_scale);

// The accumulators of one patch. weights: [taps][outputs], and empty for layers that have none.
void accumulate(const Op& op, const PatchReader& reader, const float* patch, const std::vector<float>& weights,
                int64_t outputs, float* acc);

// weights [outputs][taps] as [taps][outputs], where outputs are the inner loop.
std::vector<float> taps_first(std::span<const float> weights, int64_t outputs);

// The layer's affine (trainer/affine.h) of its pooled accumulators, before relu or quantizer; only of layers that have
// accumulators. `with`: the other side of Add, else ignored.
RealMap pre_activations(const LayerSpec& layer, const LayerShapes& shapes, const LayerParameters& parameters,
                        double code_scale, const RealMap& in, const RealMap& with);

// The largest of every window, of all examples.
RealMap max_pooled(const RealMap& in, const Shape& from, const Window& window, const Shape& to);
// Every pixel as a block of equal ones, of all examples.
RealMap upsampled(const RealMap& in, const Shape& from, const Upsample2d& op);

}  // namespace bitwright

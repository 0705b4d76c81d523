// experiments/bench/kernels/kernel_cases.h: the layers that the kernel benchmark measures: shapes times pairs of
// formats.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/network.h"

namespace bitwright {

// One operator over one input. 1-D shapes are 600 samples long, 2-D maps have as many pixels.
struct KernelShape {
  std::string name;  // "conv_k5"
  Shape input;
  Op op;
};
const std::vector<KernelShape>& kernel_shapes();

// Formats of weights and input; the output has the input's format, so that an epilogue thresholds or requantizes.
struct FormatPair {
  std::string
      name;  // "W1A1": t is ternary, s8 int8, u8 uint8; W8A8, W4A8 and W2A8 have int8 inputs, W2A2 and W4A4 uint
  Format weights, input;
};
const std::vector<FormatPair>& format_pairs();

struct KernelCase {
  std::string shape, pair;
  // The last layer is the one to measure. Networks read codes only, so a float kernel has a layer before it that makes
  // floats of them.
  Network network;
};
// All combinations of the named shapes and pairs, an empty list meaning every one. Throws ConfigError for a name that
// does not exist.
std::vector<KernelCase> kernel_cases(const std::vector<std::string>& shapes = {},
                                     const std::vector<std::string>& pairs = {});

// Multiply-accumulates of the last layer.
int64_t measured_macs(const Network& network);

}  // namespace bitwright

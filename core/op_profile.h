// core/op_profile.h: operations of a network by type, as QKeras's print_qstats counts them, and a table of its layers.
//
// Every tensor has a mode: 0 multi-bit, 2 ternary, 3 binary, 5 float (1 and 4, powers of two and {0, 1}, have no
// format here). The modes of weight and input choose the operation:
//   weight \ input   0      2     3     5
//         0          mult   mux   mux   fmult
//         2          mux    mux   mux   fmult
//         3          mux    mux   xor   fmult
// and its name is s or u (signed if weight or input is), the operation, weight bits, input bits: smult_8_8, sxor_1_1,
// smux_1_16, sfmult_1_32. Our weights are all signed.
// Mode of a layer's output: of its activation quantizer; none counts as 32-bit float after quantized weights, and
// every other layer (pooling, flatten, add, float weights) passes on the mode of its first input.
// Layers with float32 weights are plain Keras layers, which print_qstats does not count.
// Source: QKeras 0.9.0, qkeras/estimate.py (Coelho et al., Nature Machine Intelligence 3, 2021).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/network.h"

namespace bitwright {

// A counted layer: Conv2d, DepthwiseConv2d or Dense with quantized weights.
struct LayerProfile {
  std::string layer;
  std::string operation;   // "sxor_1_1"
  int64_t operations = 0;  // multiply-accumulates: macs() in core/network.h
  // As print_qstats prints it: that of a depthwise layer is channels times too large. weight_count() is exact.
  int64_t weights = 0;
  int bits = 0;        // of one weight
  int64_t biases = 0;  // not quantized: 32 bits each
};

struct OpProfile {
  std::map<std::string, int64_t> operations;  // by name, summed over layers
  std::vector<LayerProfile> layers;           // in the network's order
  int64_t total_bits = 0;                     // of weights and biases
};

// Throws StructureError as infer_shapes does.
OpProfile op_profile(const Network& network);

// The text of print_qstats without its sparsity, which needs trained weights; at the end of a line the share of the
// operations, of the weights' bits.
std::string qstats_text(const OpProfile& profile);

// One line a layer (name, operator, shapes, formats, multiply-accumulates, weights) between a head and the sums.
std::string layer_table(const Network& network);

}  // namespace bitwright

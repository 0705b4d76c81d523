// trainer/equalization.h: moves scale from channels with large weights to those that read them, before rounding.
// No torch type. Source: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction",
// ICCV 2019 (arXiv 1906.04721), sec. 4.1.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/network.h"
#include "core/parameters.h"

namespace bitwright {

// Two layers with weights of which the second alone reads the first, directly or through layers that a positive factor
// passes: MaxPool2d, Flatten, and averages without batch norm.
struct EqualizedPair {
  int first = 0, second = 0;  // indices of layers
};
std::vector<EqualizedPair> equalized_pairs(const Network& float_network);

// Largest |weight| of every output channel, batch norm folded in.
std::vector<double> output_ranges(const LayerSpec& layer, const LayerShapes& shapes, const LayerParameters& parameters);
// Likewise of every channel it reads, where it reads maps of `channels`, perhaps flattened.
std::vector<double> input_ranges(const LayerSpec& layer, const LayerShapes& shapes, const LayerParameters& parameters,
                                 int channels);

// Divides channel i of every pair's first layer by s_i = sqrt(r1_i / r2_i) and multiplies what reads it (eq. 11; r1 and
// r2 are the two ranges above), pair after pair until all factors are 1. The network's function stays the same.
// Batch norm takes the factor into gamma and beta. s_i is at most 64 and at least 1/64, and 1 where a range is 0: a
// channel whose weights have all but vanished would otherwise become a huge constant.
Parameters equalize(const Network& float_network, Parameters parameters);

}  // namespace bitwright

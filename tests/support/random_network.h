// tests/support/random_network.h: networks, parameters and models drawn at random, to hold two implementations against
// each other. A seed gives the same network everywhere.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/network.h"
#include "core/parameters.h"
#include "core/kernel.h"
#include "core/quantized_model.h"

namespace bitwright::testing {

// A valid network of one to eight layers and at most some 100,000 MACs, 1-D or 2-D, its name "net" + seed. All
// operators, formats and paddings occur over the seeds; so do 1x1 maps, channels that are no multiple of 32, windows
// larger than their map, strides larger than their window, and layers that compute in floating point.
Network random_network(uint64_t seed);

// A signal through convolutions of every kind, window, stride, border and pooling to a dense layer, a pooling or a map;
// named "signal" + seed. Throws StructureError where the map becomes too short.
Network random_signal_network(uint64_t seed);

// One layer with weights, whose pair of formats, window, border, pooling and output are drawn evenly: kernels that
// random_network() seldom needs. Its shapes may not close (infer_shapes() then throws StructureError). "layer" + seed.
Network random_layer_network(uint64_t seed);

// One convolution, half of them depthwise, whose windows reach beyond a small map on all sides: mistakes in borders, which
// are few in larger maps. Its shapes may not close. "border" + seed.
Network random_border_network(uint64_t seed);

// A signal through two or three convolutions that have strides and pooling at once, to a dense layer whose sums are the
// output. Throws StructureError where the map becomes too short. "reduced" + seed.
Network random_reduced_signal_network(uint64_t seed);

// For every layer one of the kernels that can run it, drawn by the network: equal networks, equal kernels.
Kernels random_kernels(const Network& network);

// Finite parameters in the ranges that training gives; gamma is sometimes negative, sometimes zero; some channels have
// constant weights.
Parameters random_parameters(const Network& network, uint64_t seed);

// A model that passes check_model and lower(). Its epilogue tables are drawn, not derived from parameters, so that
// they cover what export never makes: thresholds in any order and out of reach, negative multipliers, extreme shifts.
QuantizedModel random_model(const Network& network, uint64_t seed);

// Codes of the network's input: uniform over the format; now and then all at one end of it.
std::vector<int16_t> random_input(const Network& network, uint64_t seed);

}  // namespace bitwright::testing

// experiments/calibrate/drawn_weights.h: models and inputs to measure, drawn at random.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/quantized_model.h"
#include "core/rng.h"

namespace bitwright {

// Weights are uniform, thresholds and multipliers of the size that training gives.
QuantizedModel draw_model(Rng& rng, const Network& network);
QuantizedModel with_random_weights(const Network& network, uint64_t seed);

// Uniform codes of the network's input.
std::vector<int16_t> calibration_input(const Network& network, uint64_t seed);

}  // namespace bitwright

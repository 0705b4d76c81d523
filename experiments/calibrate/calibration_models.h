// experiments/calibrate/calibration_models.h: small models that exercise every kernel in many shapes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/kernel.h"
#include "core/quantized_model.h"

namespace bitwright {

// Every name that kernels_for() can give, sorted.
std::vector<std::string> all_kernels();

// `count` models whose last layer can run `kernel`, of at most some 40,000 multiply-accumulates each; the layers before
// it make its inputs. Layers are named after the kernel and the model's number, so that all fit one program. Weights
// are uniform, thresholds and multipliers of the size that training gives. Same seed, same models.
std::vector<QuantizedModel> calibration_models(const std::string& kernel, int count, uint64_t seed);

// `kernel` for the last layer, for those before it what lower() takes by itself.
Kernels calibration_kernels(const Network& network, const std::string& kernel);

// Weights, thresholds and multipliers drawn in the same way for any network.
QuantizedModel with_random_weights(const Network& network, uint64_t seed);

// Uniform codes of the network's input.
std::vector<int16_t> calibration_input(const Network& network, uint64_t seed);

}  // namespace bitwright

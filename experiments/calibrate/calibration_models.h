// experiments/calibrate/calibration_models.h: small models that exercise every kernel in many shapes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/kernel.h"
#include "core/quantized_model.h"
#include "experiments/calibrate/drawn_weights.h"

namespace bitwright {

// Every name that kernels_for() can give, sorted.
std::vector<std::string> all_kernels();

// `count` models whose calibrated layer can run `kernel`, of at most some 40,000 multiply-accumulates each; the layers
// before it make its inputs. Layers are named after the model's number, so that all fit one program. Weights are
// uniform, thresholds and multipliers of the size that training gives. Same seed, same models.
// `wanted` is asked of further networks, so many times as many, whether they are taken, too: for what the first ones
// seldom have.
std::vector<QuantizedModel> calibration_models(const std::string& kernel, int count, uint64_t seed,
                                               const std::function<bool(const Network&)>& wanted = {});
inline constexpr int kFurtherNetworks = 30;

// The last layer that is no Flatten.
int calibrated_layer(const Network& network);
// `kernel` for that layer, for those before it what lower() takes by itself.
Kernels calibration_kernels(const Network& network, const std::string& kernel);

}  // namespace bitwright

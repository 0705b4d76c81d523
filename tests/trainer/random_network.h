// tests/trainer/random_network.h: small random networks over the whole language, with parameters and inputs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/dataset.h"
#include "core/network.h"
#include "core/parameters.h"
#include "core/rng.h"

namespace bitwright {

// 1-D or 2-D, 3 to 7 layers, ending in three outputs; always closes. `floats`: also float32 weights and maps.
Network random_network(Rng& rng, bool floats);

// Latents and batch norm of a network; with `dyadic` every scale is a power of two and there is no rounding but that
// of the quantizers (the network must then have no batch norm).
Parameters random_parameters(const Network& network, Rng& rng, bool dyadic = false);

// Examples drawn over the whole range of the input format, labels 0.
Dataset random_inputs(const Network& network, int count, double input_scale, Rng& rng);

}  // namespace bitwright

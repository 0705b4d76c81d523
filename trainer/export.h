// trainer/export.h: from trained floats to integers. Needs no libtorch: target bitwright::export.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/parameters.h"
#include "core/quantized_model.h"

namespace bitwright {

// Quantizes the latent weights (core/quantize.h), folds bias, batch norm and scales into one affine per channel,
//   real = a[c] * acc + b[c]            in float64,
// and turns it into what the layer's epilogue asks for (core/quantized_model.h). Thresholds reproduce the float64
// expression followed by quantize_activation for every reachable accumulator; a may be negative or zero.
// input_scale: network units per input code, finite and > 0.
// Throws StructureError where parameters do not match the network or are not finite.
QuantizedModel export_quantized(const Network& network, const Parameters& parameters, double input_scale);

}  // namespace bitwright

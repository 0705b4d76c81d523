// trainer/exact_epilogue.h: the epilogue of a trained layer on float maps, with the roundings of the integer model.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/network.h"
#include "trainer/affine.h"
#include "trainer/kernels.h"

namespace bitwright {

// acc: accumulators after pooling, contiguous N x C x P; integers of at most 2^24 are exact in float32.
// out: codes (real values where the output is float32); may be acc.
//   kRaw                     acc + round(b / a)
//   kThreshold, kRequantize  quantize_activation(a * acc + b) in float64
//   kFloat                   float32, as in core/quantized_model.h
// scale: real units per code of a quantized output (output_scale() of trainer/affine.h); else not used.
void exact_epilogue(const Network& network, int index, const Affine& affine, double scale, Extent extent,
                    const float* acc, float* out);

}  // namespace bitwright

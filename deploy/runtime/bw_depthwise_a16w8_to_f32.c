/* bw_depthwise_a16w8_to_f32.c: depthwise convolution, inputs of 16 bits, weights as bytes, float32 outputs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "bw_convolve_depthwise.h"

void bw_depthwise_a16w8_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out,
                               bw_word *scratch)
{
    bw_depthwise_halves(layer, in, epilogue, bw_finish_pixel_f32, out, scratch);
}

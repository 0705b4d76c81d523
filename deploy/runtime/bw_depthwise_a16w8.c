/* bw_depthwise_a16w8.c: depthwise convolution, inputs of 16 bits, weights as bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "bw_convolve_depthwise.h"

void bw_depthwise_a16w8(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                        bw_word *scratch)
{
    bw_depthwise_halves(layer, in, epilogue, bw_finish_pixel, out, scratch);
}

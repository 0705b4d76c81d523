/* bw_conv2d_a16w4.c: convolution, inputs of up to 16 bits, weights of 3 or 4 bits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "bw_convolve_halves.h"

void bw_conv2d_a16w4(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                     bw_word *scratch)
{
    bw_each_pair(layer, in, 8u, bw_accumulate_w4, epilogue, bw_finish_pixel, out, scratch);
}

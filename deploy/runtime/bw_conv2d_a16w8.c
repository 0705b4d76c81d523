/* bw_conv2d_a16w8.c: convolution, inputs of up to 16 bits, weights of 5 to 8 bits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "bw_convolve_halves.h"

void bw_conv2d_a16w8(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                     bw_word *scratch)
{
    bw_each_pair(layer, in, 4u, bw_accumulate_w8, epilogue, bw_finish_pixel, out, scratch);
}

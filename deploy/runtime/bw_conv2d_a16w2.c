/* bw_conv2d_a16w2.c: convolution, inputs of up to 16 bits, ternary or 2-bit weights.
 * SPDX-License-Identifier: Apache-2.0 */
#include "bw_convolve_halves.h"

void bw_conv2d_a16w2(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                     bw_word *scratch)
{
    bw_each_pair(layer, in, 16u, bw_accumulate_w2, epilogue, bw_finish_pixel, out, scratch);
}

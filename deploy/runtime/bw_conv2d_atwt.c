/* bw_conv2d_atwt.c: convolution, ternary inputs, ternary weights.
 * SPDX-License-Identifier: Apache-2.0 */
#include "bw_convolve_bits.h"

void bw_conv2d_atwt(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                    bw_word *scratch)
{
    bw_each_window(layer, in, bw_window_atwt, epilogue, bw_finish_pixel, out, scratch);
}

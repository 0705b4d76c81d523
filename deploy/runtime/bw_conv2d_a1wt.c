/* bw_conv2d_a1wt.c: convolution, binary inputs, ternary weights. SPDX-License-Identifier: Apache-2.0 */
#include "bw_convolve_bits.h"

void bw_conv2d_a1wt(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                    bw_word *scratch)
{
    bw_each_window(layer, in, bw_window_a1wt, epilogue, bw_finish_pixel, out, scratch);
}

/* bw_conv2d_atw1.c: convolution, ternary inputs, binary weights.
 * SPDX-License-Identifier: Apache-2.0 */
#include "bw_convolve_bits.h"

void bw_conv2d_atw1(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                    bw_word *scratch)
{
    bw_each_window(layer, in, bw_window_atw1, epilogue, bw_finish_pixel, out, scratch);
}

/* bw_conv2d_a8w1.c: convolution, inputs of up to 8 bits, binary weights. SPDX-License-Identifier: Apache-2.0 */
#include "bw_convolve_bytes.h"

void bw_conv2d_a8w1(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                    bw_word *scratch)
{
    bw_each_window(layer, in, bw_window_a8w1, epilogue, bw_finish_pixel, out, scratch);
}

/* bw_conv2d_a1w1_sliced.c: binary convolution, 32 output channels at a time. SPDX-License-Identifier: Apache-2.0 */
#include "bw_conv2d_sliced.h"

void bw_conv2d_a1w1_sliced(const bw_layer *layer, const bw_sliced *sliced, const bw_word *in, bw_word *out,
                           bw_word *scratch)
{
    bw_conv2d_sliced(layer, sliced, in, out, scratch);
}

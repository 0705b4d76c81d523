/* bw_depthwise_a1w1.c: depthwise convolution, binary inputs and weights, up to 31 taps.
 * SPDX-License-Identifier: Apache-2.0 */
#include "bw_depthwise_bits.h"

void bw_depthwise_a1w1(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                       bw_word *scratch)
{
    bw_each_window(layer, in, bw_window_of_bits, epilogue, bw_finish_pixel, out, scratch);
}

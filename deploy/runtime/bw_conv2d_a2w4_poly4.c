/* bw_conv2d_a2w4_poly4.c: convolution, inputs and outputs of 2 bits, weights of up to 4, four columns a word, kernels of
 * up to three columns. SPDX-License-Identifier: Apache-2.0 */
#define BW_POLY2_STEPS 4
#include "bw_conv2d_poly2.h"

void bw_conv2d_a2w4_poly4(const bw_layer *layer, const bw_poly2 *poly, const bw_word *in, bw_word *out,
                          bw_word *scratch)
{
    bw_conv2d_poly2(layer, poly, in, out, scratch);
}

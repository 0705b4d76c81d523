/* bw_conv2d_a1w1_poly4.c: binary convolution, four columns a word, kernels of up to four columns.
 * SPDX-License-Identifier: Apache-2.0 */
#define BW_POLY_STEPS 4u
#include "bw_conv2d_poly.h"

void bw_conv2d_a1w1_poly4(const bw_layer *layer, const bw_poly *poly, const bw_word *in, bw_word *out, bw_word *scratch)
{
    bw_conv2d_poly(layer, poly, in, out, scratch);
}

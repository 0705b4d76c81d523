/* bw_conv2d_a1w1_poly5.c: binary convolution, five columns a word, kernels of up to five columns.
 * SPDX-License-Identifier: Apache-2.0 */
#define BW_POLY_STEPS 5u
#include "bw_conv2d_poly.h"

void bw_conv2d_a1w1_poly5(const bw_layer *layer, const bw_poly *poly, const bw_word *in, bw_word *out, bw_word *scratch)
{
    bw_conv2d_poly(layer, poly, in, out, scratch);
}

/* bw_dense_a16w8.c: dense layer, inputs of up to 16 bits, weights of 5 to 8 bits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "bw_convolve_halves.h"

void bw_dense_a16w8(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                    bw_word *scratch)
{
    bw_dense(layer, in, 4u, bw_accumulate_w81, epilogue, bw_finish_pixel, out, scratch);
}

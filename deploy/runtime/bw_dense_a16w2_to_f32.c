/* bw_dense_a16w2_to_f32.c: dense layer, inputs of up to 16 bits, ternary or 2-bit weights; float output.
 * SPDX-License-Identifier: Apache-2.0 */
#include "bw_convolve_halves.h"

void bw_dense_a16w2_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out,
                           bw_word *scratch)
{
    bw_dense(layer, in, 16u, bw_accumulate_w21, epilogue, bw_finish_pixel_f32, out, scratch);
}

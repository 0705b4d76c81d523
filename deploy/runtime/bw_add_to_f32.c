/* bw_add_to_f32.c: residual add of integer maps, float32 outputs. SPDX-License-Identifier: Apache-2.0 */
#include "bw_add_codes.h"

void bw_add_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, const bw_word *with, bw_word *out,
                   bw_word *scratch)
{
    bw_add_maps(layer, in, with, epilogue, bw_finish_pixel_f32, out, scratch);
}

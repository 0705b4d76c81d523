/* bw_add_to_f32.c: residual add of integer maps, float32 outputs. SPDX-License-Identifier: Apache-2.0 */
#include "bw_accumulate.h"
#include "bw_float.h"

void bw_add_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, const bw_word *with,
                   bw_word *out)
{
    bw_each_output(layer, in, with, bw_shifted_sum, epilogue, bw_finish_f32, epilogue->bits, out);
}

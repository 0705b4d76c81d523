/* bw_add_f32.c: residual add of float32 maps. SPDX-License-Identifier: Apache-2.0 */
#include "bw_float.h"

BW_INLINE float sum_at(const bw_layer *layer, const bw_word *in, const bw_word *with, const bw_patch *patch,
                       uint32_t channel)
{
    const uint32_t element = patch->pixel * layer->in_c + channel;
    return bw_float_of(in[element]) + bw_float_of(with[element]);
}

void bw_add_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, const bw_word *with,
                bw_word *out)
{
    bw_each_output_f32(layer, in, with, sum_at, epilogue, out);
}

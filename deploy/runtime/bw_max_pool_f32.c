/* bw_max_pool_f32.c: the largest float of a window, the first of equals. SPDX-License-Identifier: Apache-2.0 */
#include "bw_float.h"

BW_INLINE float value_at(const bw_layer *layer, const bw_word *in, const bw_word *with, const bw_patch *patch,
                         uint32_t channel)
{
    (void)with;
    return bw_float_of(in[patch->pixel * layer->in_c + channel]);
}

void bw_max_pool_f32(const bw_layer *layer, const bw_word *in, bw_word *out)
{
    bw_each_output_f32(layer, in, in, value_at, 0, out);
}

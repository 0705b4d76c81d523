/* bw_sum_pool_f32.c: average pooling of floats: the sum of a window. SPDX-License-Identifier: Apache-2.0 */
#include "bw_float.h"

BW_INLINE float window_sum(const bw_layer *layer, const bw_word *in, const bw_word *with, const bw_patch *patch,
                           uint32_t channel)
{
    float acc = 0.0f;
    uint32_t y, x;
    (void)with;
    for (y = 0u; y < patch->rows; ++y) {
        const uint32_t pixel = patch->pixel + y * layer->in_w;
        for (x = 0u; x < patch->columns; ++x) {
            acc += bw_float_of(in[(pixel + x) * layer->in_c + channel]);
        }
    }
    return acc;
}

void bw_sum_pool_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out)
{
    bw_each_output_f32(layer, in, in, window_sum, epilogue, out);
}

/* bw_conv2d_f32.c: convolution in single precision; either side may be packed integers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "bw_float.h"

BW_INLINE float convolve(const bw_layer *layer, const bw_word *in, const bw_word *with, const bw_patch *patch,
                         uint32_t channel)
{
    const bw_reader a = bw_reader_of(layer->in_bits, layer->in_kind);
    const bw_reader w = bw_reader_of(layer->weight_bits, layer->weight_kind);
    uint32_t tap = channel * layer->kernel_h * layer->kernel_w * layer->in_c, y, x, c;
    float acc = 0.0f;
    (void)with;
    for (y = 0u; y < layer->kernel_h; ++y) {
        const uint32_t row = y - patch->top; /* wraps above the patch: then it is no row of it */
        for (x = 0u; x < layer->kernel_w; ++x) {
            const uint32_t column = x - patch->left;
            const uint32_t inside = (row < patch->rows && column < patch->columns) ? 1u : 0u;
            const uint32_t from = (patch->pixel + row * layer->in_w + column) * layer->in_c;
            if (inside == 0u && layer->pad_code == 0) {
                tap += layer->in_c;
                continue;
            }
            for (c = 0u; c < layer->in_c; ++c, ++tap) {
                const float code =
                    (inside != 0u) ? bw_real(in, &a, layer->in_kind, from + c) : (float)layer->pad_code;
                const float product = code * bw_real(layer->weights, &w, layer->weight_kind, tap);
                acc += product;
            }
        }
    }
    return acc;
}

void bw_conv2d_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out)
{
    bw_each_output_f32(layer, in, in, convolve, epilogue, out);
}

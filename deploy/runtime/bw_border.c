/* bw_border.c: what a border of +1 or -1 adds to a convolution. SPDX-License-Identifier: Apache-2.0 */
#include "bw_accumulate.h"

int32_t bw_border(const bw_layer *layer, const bw_patch *patch, uint32_t channel)
{
    const uint32_t kernel_h = layer->kernel_h, kernel_w = layer->kernel_w;
    uint32_t tap = channel * kernel_h * kernel_w * layer->in_c, y, x, c;
    const bw_reader w = bw_reader_of(layer->weight_bits, layer->weight_kind);
    int32_t sum = 0;
    if (patch->rows == kernel_h && patch->columns == kernel_w) {
        return 0;
    }
    for (y = 0u; y < kernel_h; ++y) {
        for (x = 0u; x < kernel_w; ++x) {
            const uint32_t inside = (y - patch->top < patch->rows && x - patch->left < patch->columns) ? 1u : 0u;
            for (c = 0u; c < layer->in_c; ++c, ++tap) {
                sum += (inside != 0u) ? 0 : bw_read(layer->weights, &w, tap);
            }
        }
    }
    return layer->pad_code * sum;
}

/* bw_pixels.c: the walk over accumulators and their max-pooling. SPDX-License-Identifier: Apache-2.0 */
#include "bw_pixels.h"

void bw_begin_pixels(bw_pixels *pixels, const bw_layer *layer, int32_t *best)
{
    pixels->layer = layer;
    pixels->y = pixels->x = pixels->pool_y = pixels->pool_x = pixels->merged = 0u;
    pixels->best = best;
}

uint32_t bw_next_patch(bw_pixels *pixels, bw_patch *patch)
{
    const bw_layer *layer = pixels->layer;
    if (pixels->y == layer->out_h) {
        return 0u;
    }
    *patch = bw_patch_at(layer, pixels->y * layer->pool_stride_h + pixels->pool_y,
                         pixels->x * layer->pool_stride_w + pixels->pool_x);
    if (++pixels->pool_x == layer->pool_w) {
        pixels->pool_x = 0u;
        if (++pixels->pool_y == layer->pool_h) {
            pixels->pool_y = 0u;
            if (++pixels->x == layer->out_w) {
                pixels->x = 0u;
                ++pixels->y;
            }
        }
    }
    return 1u;
}

const int32_t *bw_pool(bw_pixels *pixels, const int32_t *acc)
{
    const uint32_t window = (uint32_t)pixels->layer->pool_h * pixels->layer->pool_w;
    const uint32_t channels = pixels->layer->out_c;
    int32_t *best = pixels->best;
    uint32_t i;
    if (window == 1u) {
        return acc;
    }
    for (i = 0u; i < channels; ++i) {
        best[i] = (pixels->merged == 0u || acc[i] > best[i]) ? acc[i] : best[i];
    }
    if (++pixels->merged < window) {
        return 0;
    }
    pixels->merged = 0u;
    return best;
}

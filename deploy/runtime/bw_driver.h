/* bw_driver.h: the loop over output positions, channels and the pooling window that every kernel shares. Accumulation
 * and epilogue are inlined into it: no function pointer is left. SPDX-License-Identifier: Apache-2.0 */
#ifndef BW_DRIVER_H
#define BW_DRIVER_H

#include "bw_patch.h"

typedef int32_t bw_accumulate(const bw_layer *layer, const bw_word *in, const bw_word *with, const bw_patch *patch,
                              uint32_t channel);
typedef uint32_t bw_finish(const void *epilogue, uint32_t channel, int32_t acc);

/* For every output: the largest accumulator of its pooling window, finished to a field of out_bits. */
BW_INLINE void bw_each_output(const bw_layer *layer, const bw_word *in, const bw_word *with, bw_accumulate *accumulate,
                              const void *epilogue, bw_finish *finish, uint32_t out_bits, bw_word *out)
{
    const uint32_t pooled = (layer->pool_h != 1u || layer->pool_w != 1u) ? 1u : 0u;
    bw_writer writer = {out, out_bits, 0u, 0u};
    uint32_t y, x, channel;
    for (y = 0u; y < layer->out_h; ++y) {
        for (x = 0u; x < layer->out_w; ++x) {
            const uint32_t first_y = y * layer->pool_stride_h, first_x = x * layer->pool_stride_w;
            bw_patch patch = bw_patch_at(layer, first_y, first_x);
            for (channel = 0u; channel < layer->out_c; ++channel) {
                int32_t best = INT32_MIN;
                uint32_t pool_y = 0u, pool_x = 0u;
                do {
                    const int32_t acc = accumulate(layer, in, with, &patch, channel);
                    best = (acc > best) ? acc : best;
                    if (pooled != 0u) { /* on to the next accumulator, after the last one back to the first */
                        if (++pool_x == layer->pool_w) {
                            pool_x = 0u;
                            if (++pool_y == layer->pool_h) {
                                pool_y = 0u;
                            }
                        }
                        patch = bw_patch_at(layer, first_y + pool_y, first_x + pool_x);
                    }
                } while ((pool_y | pool_x) != 0u);
                bw_put(&writer, finish(epilogue, channel, best));
            }
        }
    }
    bw_flush(&writer);
}

#endif

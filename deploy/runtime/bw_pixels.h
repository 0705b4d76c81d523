/* bw_pixels.h: the walk of a convolution over its accumulators, a pixel with all channels at a time, and the pooling
 * of them. SPDX-License-Identifier: Apache-2.0 */
#ifndef BW_PIXELS_H
#define BW_PIXELS_H

#include "bw_finish.h"
#include "bw_patch.h"

/* Codes of a long window that are gathered at a time. */
#define BW_CHUNK 128u

/* Accumulators in the order in which outputs need them: the pooling window of one output after that of another. */
typedef struct {
    const bw_layer *layer;
    uint32_t y, x, pool_y, pool_x; /* of the next accumulator: its output, its place in the pooling window */
    uint32_t merged;               /* accumulators of the present window that bw_pool has seen */
    int32_t *best;                 /* [out_c]: their largest */
} bw_pixels;

#ifdef BW_SPECIALIZED
#include "bw_pixels_inline.h"
#else
void bw_begin_pixels(bw_pixels *pixels, const bw_layer *layer, int32_t *best);

/* The window of the next accumulator; 0 after the last. */
uint32_t bw_next_patch(bw_pixels *pixels, bw_patch *patch);

/* Takes the accumulators of the next pixel, in the order of bw_next_patch. The pooled ones, once their window is
 * complete, else NULL. */
const int32_t *bw_pool(bw_pixels *pixels, const int32_t *acc);
#endif

/* Words of scratch memory that pooling needs in front of all else: the rest starts there. */
BW_INLINE uint32_t bw_pool_words(const bw_layer *layer)
{
    return ((uint32_t)layer->pool_h * layer->pool_w > 1u) ? layer->out_c : 0u;
}

/* Codes in a window. */
BW_INLINE uint32_t bw_taps(const bw_layer *layer)
{
    return (uint32_t)layer->kernel_h * layer->kernel_w * layer->in_c;
}

BW_INLINE void bw_fill(int32_t *acc, uint32_t count, int32_t value)
{
    do {
        *acc++ = value;
    } while (--count != 0u);
}

/* Sets acc[0 .. out_c - 1] to the sums of a window; room: scratch memory for its codes. */
typedef void bw_window_function(const bw_layer *layer, const bw_word *in, const bw_patch *patch, bw_word *room,
                                int32_t *acc);

/* A convolution, window by window. Scratch memory: pooled accumulators, if there are any; accumulators; room. */
BW_INLINE void bw_each_window(const bw_layer *layer, const bw_word *in, bw_window_function *accumulate,
                              const void *epilogue, bw_finish_function *finish, bw_word *out, bw_word *scratch)
{
    int32_t *acc = (int32_t *)scratch + bw_pool_words(layer);
    bw_appender to = bw_appender_at(out);
    bw_pixels pixels;
    bw_patch patch;
    bw_begin_pixels(&pixels, layer, (int32_t *)scratch);
    while (bw_next_patch(&pixels, &patch) != 0u) {
        const int32_t *pooled;
        accumulate(layer, in, &patch, (bw_word *)acc + layer->out_c, acc);
        pooled = bw_pool(&pixels, acc);
        if (pooled != NULL) {
            finish(epilogue, pooled, layer->out_c, &to);
        }
    }
    bw_end_appender(&to);
}

#endif

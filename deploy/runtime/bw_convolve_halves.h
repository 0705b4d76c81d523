/* bw_convolve_halves.h: windows of codes of up to 16 bits: two at once, or the one of a dense layer.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BW_CONVOLVE_HALVES_H
#define BW_CONVOLVE_HALVES_H

#include "bw_accumulate_halves.h"
#include "bw_gather_halves.h"
#include "bw_pixels.h"

/* Codes [start, start + count) of a window, and zeros up to a multiple of `unit`, as halves. */
static inline void bw_window_halves(const bw_layer *layer, const bw_word *in, const bw_patch *patch, uint32_t start,
                             uint32_t count, uint32_t unit, bw_word *room)
{
    const uint32_t in_c = layer->in_c, end = start + count, row = (uint32_t)layer->kernel_w * in_c;
    const uint32_t in_row = (uint32_t)layer->in_w * in_c;
    uint32_t at = (patch->top * layer->kernel_w + patch->left) * in_c, from = patch->pixel * in_c;
    uint32_t run = patch->columns * in_c, rows = patch->rows;
    if (rows != layer->kernel_h || run < row) {
        bw_fill_halves(room, 0u, count, layer->pad_code);
    }
    if (run == row && row == in_row) { /* rows that lie one behind another */
        run *= rows;
        rows = 1u;
    }
    bw_fill_halves(room, count, (0u - count) & (unit - 1u), 0);
    for (; rows != 0u; --rows) {
        const uint32_t first = (at > start) ? at : start, last = (at + run < end) ? at + run : end;
        if (first < last) {
            bw_gather_halves(in, layer->in_bits, layer->in_kind, from + (first - at), last - first, room,
                             first - start);
        }
        at += row;
        from += in_row;
    }
}

/* acc0[o] += and acc1[o] += the sums of `codes` codes of two windows. */
typedef void bw_pair_function(const uint32_t *patch0, const uint32_t *patch1, const uint32_t *weights,
                              uint32_t row_words, uint32_t codes, uint32_t out_c, int32_t *acc0, int32_t *acc1);
/* acc[o] += the sums of one window. */
typedef void bw_single_function(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t groups,
                                uint32_t out_c, int32_t *acc);

BW_INLINE uint32_t bw_rounded(uint32_t count, uint32_t unit)
{
    return (count + unit - 1u) & ~(unit - 1u);
}

/* How many codes the second of two windows starts behind the first, where both are runs of one row that fit into
 * `room` codes together, and can be read from where they overlap; else 0. */
BW_INLINE uint32_t bw_overlap_step(const bw_layer *layer, const bw_patch *patch, uint32_t per_word, uint32_t room)
{
    const uint32_t taps = bw_taps(layer), step = (patch[1].pixel - patch[0].pixel) * layer->in_c;
    const uint32_t inside = (patch[0].columns == layer->kernel_w && patch[1].columns == layer->kernel_w) ? 1u : 0u;
    const uint32_t whole = (layer->kernel_h == 1u && taps % per_word == 0u && (step & 3u) == 0u) ? 1u : 0u;
    return (inside != 0u && whole != 0u && taps < room && step <= room - taps) ? step : 0u;
}

/* A convolution, two windows at a time. per_word: weights in a word. Scratch memory: pooled accumulators, if there are
 * any; accumulators of two windows; their codes, BW_CHUNK at a time. */
BW_INLINE void bw_each_pair(const bw_layer *layer, const bw_word *in, uint32_t per_word, bw_pair_function *accumulate,
                            const void *epilogue, bw_finish_function *finish, bw_word *out, bw_word *scratch)
{
    const uint32_t taps = bw_taps(layer), out_c = layer->out_c;
    const uint32_t chunk = (taps < BW_CHUNK) ? taps : BW_CHUNK, row_words = (taps + per_word - 1u) / per_word;
    int32_t *acc = (int32_t *)scratch + bw_pool_words(layer);
    bw_word *room = (bw_word *)acc + 2u * out_c, *second = room + bw_rounded(chunk, 32u) / 2u;
    bw_appender to = bw_appender_at(out);
    bw_pixels pixels;
    bw_patch patch[2];
    bw_begin_pixels(&pixels, layer, (int32_t *)scratch);
    while (bw_next_patch(&pixels, &patch[0]) != 0u) {
        const uint32_t two = bw_next_patch(&pixels, &patch[1]);
        const uint32_t step = (two != 0u) ? bw_overlap_step(layer, patch, per_word, 2u * bw_rounded(chunk, 32u)) : 0u;
        const uint32_t part = (step != 0u) ? taps : BW_CHUNK;
        uint32_t start, i;
        bw_fill(acc, 2u * out_c, 0);
        patch[0].columns += step / layer->in_c;
        for (start = 0u; start < taps; start += part) {
            const uint32_t left = taps - start, count = (left < part) ? left : part;
            const bw_word *other = (step != 0u) ? room + step / 2u : (two != 0u) ? second : room;
            bw_window_halves(layer, in, &patch[0], start, count + step, per_word, room);
            if (two != 0u && step == 0u) {
                bw_window_halves(layer, in, &patch[1], start, count, per_word, second);
            }
            accumulate(room, other, layer->weights + start / per_word, row_words, count, out_c, acc, acc + out_c);
        }
        for (i = 0u; i <= two; ++i) {
            const int32_t *pooled = bw_pool(&pixels, acc + i * out_c);
            if (pooled != NULL) {
                finish(epilogue, pooled, out_c, &to);
            }
        }
    }
    bw_end_appender(&to);
}

/* A dense layer. Scratch memory: accumulators; codes, BW_CHUNK at a time. */
BW_INLINE void bw_dense(const bw_layer *layer, const bw_word *in, uint32_t per_word, bw_single_function *accumulate,
                        const void *epilogue, bw_finish_function *finish, bw_word *out, bw_word *scratch)
{
    const uint32_t taps = bw_taps(layer), row_words = (taps + per_word - 1u) / per_word;
    int32_t *acc = (int32_t *)scratch;
    bw_word *room = (bw_word *)acc + layer->out_c;
    bw_appender to = bw_appender_at(out);
    const bw_patch patch = bw_patch_at(layer, 0u, 0u);
    uint32_t start;
    bw_fill(acc, layer->out_c, 0);
    for (start = 0u; start < taps; start += BW_CHUNK) {
        const uint32_t left = taps - start, count = (left < BW_CHUNK) ? left : BW_CHUNK;
        bw_window_halves(layer, in, &patch, start, count, per_word, room);
        accumulate(room, layer->weights + start / per_word, row_words, bw_rounded(count, per_word) / 4u, layer->out_c,
                   acc);
    }
    finish(epilogue, acc, layer->out_c, &to);
    bw_end_appender(&to);
}

#endif

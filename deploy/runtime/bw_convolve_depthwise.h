/* bw_convolve_depthwise.h: windows of depthwise convolutions. SPDX-License-Identifier: Apache-2.0
 * Codes of 8 and 16 bits are read where they lie in the map; smaller ones are gathered. */
#ifndef BW_CONVOLVE_DEPTHWISE_H
#define BW_CONVOLVE_DEPTHWISE_H

#include "bw_depthwise.h"
#include "bw_gather_columns.h"
#include "bw_pixels.h"

/* A depthwise convolution at work. */
typedef struct {
    const bw_layer *layer;
    int32_t *acc;
    bw_word *list;          /* of taps; it is that of whole windows where `listed` is set */
    bw_word *room;          /* zeros in the place of a pixel outside the map; or a gathered window */
    uint32_t listed;
    uint32_t row, column;   /* of the window in `room` */
} bw_depthwise_work;

/* Scratch memory: pooled accumulators, if there are any; accumulators; a list of taps; room. */
BW_INLINE bw_depthwise_work bw_begin_depthwise(const bw_layer *layer, uint32_t zeros, bw_word *scratch)
{
    bw_depthwise_work work;
    uint32_t i;
    work.layer = layer;
    work.acc = (int32_t *)scratch + bw_pool_words(layer);
    work.list = (bw_word *)work.acc + layer->out_c;
    work.room = work.list + bw_list_words(layer);
    work.listed = work.column = 0u;
    work.row = 0xFFFFFFFFu;
    for (i = 0u; i < zeros; ++i) {
        work.room[i] = 0u;
    }
    return work;
}

BW_INLINE void bw_list_block(bw_depthwise_work *work, const bw_tap_block *block)
{
#if BW_TAP_LISTS
    const uint32_t whole = (block->rows == block->kernel_h && block->columns == block->kernel_w) ? 1u : 0u;
    if (work->listed == 0u || whole == 0u) {
        bw_list_taps(block, (const uint8_t *)work->room, work->list);
    }
    work->listed = whole;
#else
    (void)work;
    (void)block;
#endif
}

/* The part of a window that lies inside the map, in place. */
BW_INLINE bw_tap_block bw_block_of_map(bw_depthwise_work *work, const bw_word *in, const bw_patch *patch,
                                       uint32_t code_bytes)
{
    const bw_layer *layer = work->layer;
    const uint32_t pixel = layer->in_c * code_bytes;
    bw_tap_block block;
    block.codes = (const uint8_t *)in + patch->pixel * pixel;
    block.step = pixel;
    block.row_step = layer->in_w * pixel;
    block.top = patch->top;
    block.left = patch->left;
    block.rows = patch->rows;
    block.columns = patch->columns;
    block.kernel_h = layer->kernel_h;
    block.kernel_w = layer->kernel_w;
    block.weights = (const uint8_t *)layer->weights;
    bw_list_block(work, &block);
    return block;
}

/* Columns that the window at row, column keeps of the last one. */
BW_INLINE uint32_t bw_kept_columns(const bw_depthwise_work *work, uint32_t row, uint32_t column)
{
    const uint32_t moved = (column - work->column) * work->layer->stride_w; /* wraps where it moves back */
    return (row == work->row && moved < work->layer->kernel_w) ? work->layer->kernel_w - moved : 0u;
}

/* All of a window, gathered. */
BW_INLINE bw_tap_block bw_block_of_room(bw_depthwise_work *work, const bw_word *in, const bw_patch *patch,
                                        uint32_t row, uint32_t column)
{
    const bw_layer *layer = work->layer;
    bw_tap_block block;
    bw_gather_columns(layer, in, patch, bw_kept_columns(work, row, column), (uint8_t *)work->room);
    work->row = row;
    work->column = column;
    block.codes = (const uint8_t *)work->room;
    block.step = layer->in_c;
    block.row_step = layer->kernel_w * layer->in_c;
    block.top = block.left = 0u;
    block.rows = block.kernel_h = layer->kernel_h;
    block.columns = block.kernel_w = layer->kernel_w;
    block.weights = (const uint8_t *)layer->weights;
    bw_list_block(work, &block);
    return block;
}

/* Inputs of up to 8 bits. */
BW_INLINE void bw_depthwise_bytes(const bw_layer *layer, const bw_word *in, const void *epilogue,
                                  bw_finish_function *finish, bw_word *out, bw_word *scratch)
{
    const uint32_t in_map = (layer->in_bits == 8u) ? 1u : 0u;
    bw_depthwise_work work = bw_begin_depthwise(layer, (in_map != 0u) ? (layer->in_c + 3u) / 4u : 0u, scratch);
    bw_appender to = bw_appender_at(out);
    bw_pixels pixels;
    bw_begin_pixels(&pixels, layer, (int32_t *)scratch);
    for (;;) {
        const uint32_t row = pixels.y * layer->pool_stride_h + pixels.pool_y;
        const uint32_t column = pixels.x * layer->pool_stride_w + pixels.pool_x;
        const int32_t *pooled;
        bw_tap_block block;
        bw_patch patch;
        if (bw_next_patch(&pixels, &patch) == 0u) {
            break;
        }
        block = (in_map != 0u) ? bw_block_of_map(&work, in, &patch, 1u)
                               : bw_block_of_room(&work, in, &patch, row, column);
        if (in_map != 0u && layer->in_kind != (uint8_t)BW_SIGNED) {
            bw_sum_channels(BW_UNSIGNED_BYTES, &block, work.list, layer->in_c, work.acc);
        } else {
            bw_sum_channels(BW_SIGNED_BYTES, &block, work.list, layer->in_c, work.acc);
        }
        pooled = (bw_pool_words(layer) != 0u) ? bw_pool(&pixels, work.acc) : work.acc;
        if (pooled != 0) {
            finish(epilogue, pooled, layer->out_c, &to);
        }
    }
    bw_end_appender(&to);
}

/* Inputs of 16 bits. */
BW_INLINE void bw_depthwise_halves(const bw_layer *layer, const bw_word *in, const void *epilogue,
                                   bw_finish_function *finish, bw_word *out, bw_word *scratch)
{
    bw_depthwise_work work = bw_begin_depthwise(layer, (layer->in_c + 1u) / 2u, scratch);
    bw_appender to = bw_appender_at(out);
    bw_pixels pixels;
    bw_patch patch;
    bw_begin_pixels(&pixels, layer, (int32_t *)scratch);
    while (bw_next_patch(&pixels, &patch) != 0u) {
        const bw_tap_block block = bw_block_of_map(&work, in, &patch, 2u);
        const int32_t *pooled;
        bw_sum_channels(BW_HALVES, &block, work.list, layer->in_c, work.acc);
        pooled = (bw_pool_words(layer) != 0u) ? bw_pool(&pixels, work.acc) : work.acc;
        if (pooled != 0) {
            finish(epilogue, pooled, layer->out_c, &to);
        }
    }
    bw_end_appender(&to);
}

#endif

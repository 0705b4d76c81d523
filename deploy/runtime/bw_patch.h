/* bw_patch.h: the window of an accumulator, and runs of bits that are copied out of a map.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BW_PATCH_H
#define BW_PATCH_H

#include "bw_bits.h"

/* The part of a kernel's window that lies inside the map: at least one tap. */
typedef struct {
    uint32_t top, left;     /* its first tap in the window */
    uint32_t rows, columns;
    uint32_t pixel;         /* its first pixel in the map, row-major */
} bw_patch;

/* Taps of one dimension before the map, and how many lie in it. */
BW_INLINE void bw_clip(uint32_t start, uint32_t pad, uint32_t taps, uint32_t size, uint32_t *skip, uint32_t *count)
{
#ifdef BW_NO_BORDER
    (void)start;
    (void)pad;
    (void)size;
    *skip = 0u;
    *count = taps;
#else
    const uint32_t before = (start < pad) ? pad - start : 0u;
    const uint32_t room = size + pad - start;
    *skip = before;
    *count = ((taps < room) ? taps : room) - before;
#endif
}

/* The window of the accumulator at row y, column x. */
BW_INLINE bw_patch bw_patch_at(const bw_layer *layer, uint32_t y, uint32_t x)
{
    const uint32_t row = y * layer->stride_h, column = x * layer->stride_w + layer->skip;
    bw_patch patch;
    bw_clip(row, layer->pad_top, layer->kernel_h, layer->in_h, &patch.top, &patch.rows);
    bw_clip(column, layer->pad_left, layer->kernel_w, layer->in_w, &patch.left, &patch.columns);
    patch.pixel = (row + patch.top - layer->pad_top) * layer->in_w + (column + patch.left - layer->pad_left);
    return patch;
}

#endif

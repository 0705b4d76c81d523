/* bw_gather_bits.h: the codes of a window as bits: one plane of a binary map, or two, "not 0" and "+1", of a ternary one.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BW_GATHER_BITS_H
#define BW_GATHER_BITS_H

#include "bw_patch.h"

/* Every second bit, from the lowest on. */
BW_INLINE uint32_t bw_even_bits(uint32_t x)
{
    x &= 0x55555555u;
    x = (x | (x >> 1)) & 0x33333333u;
    x = (x | (x >> 2)) & 0x0F0F0F0Fu;
    x = (x | (x >> 4)) & 0x00FF00FFu;
    return (x | (x >> 8)) & 0x0000FFFFu;
}

/* How a window's codes are laid out: kernel rows, each a part before the map, a run inside it and a part behind. */
typedef struct {
    uint32_t before, run, behind; /* codes */
    uint32_t from, from_step;     /* first code of the run in the map, and from row to row */
} bw_row;

BW_INLINE bw_row bw_row_of(const bw_layer *layer, const bw_patch *patch)
{
    bw_row row;
    row.before = patch->left * layer->in_c;
    row.run = patch->columns * layer->in_c;
    row.behind = ((uint32_t)layer->kernel_w - patch->left - patch->columns) * layer->in_c;
    row.from = patch->pixel * layer->in_c;
    row.from_step = (uint32_t)layer->in_w * layer->in_c;
    return row;
}

/* One plane, in `room` of whole words, the last filled up with 0; or in place, where the map has it so. one: the bit that
 * stands for taps outside the map. */
static inline const bw_word *bw_gather_bits(const bw_layer *layer, const bw_word *in, const bw_patch *patch,
                                            uint32_t one, bw_word *room)
{
    const uint32_t kernel_h = layer->kernel_h;
    bw_row row = bw_row_of(layer, patch);
    bw_appender a;
    uint32_t y;
    if (patch->rows == kernel_h && (kernel_h == 1u || layer->in_w == layer->kernel_w) &&
        patch->columns == layer->kernel_w) {
        const uint32_t codes = row.run * kernel_h;
        if ((row.from & 31u) == 0u && ((codes & 31u) == 0u || codes == row.from_step * layer->in_h)) {
            return in + (row.from >> 5);
        }
    }
    a.next = room;
    a.fill = a.value = 0u;
    a.stride = 1u;
    for (y = 0u; y < kernel_h; ++y) {
        uint32_t from = row.from, left = row.run;
        if (y - patch->top >= patch->rows) {
            bw_append_same(&a, one, row.before + row.run + row.behind);
            continue;
        }
        bw_append_same(&a, one, row.before);
        while (left != 0u) {
            const uint32_t part = (left < 32u) ? left : 32u;
            bw_append(&a, bw_field(in, from, part), part);
            from += part;
            left -= part;
        }
        bw_append_same(&a, one, row.behind);
        row.from += row.from_step;
    }
    bw_end_appender(&a);
    return room;
}

/* Two planes of ternary codes, a word each in turn. */
static inline void bw_gather_planes(const bw_layer *layer, const bw_word *in, const bw_patch *patch, bw_word *room)
{
    const uint32_t mask = (layer->pad_code != 0) ? 1u : 0u, plus = (layer->pad_code > 0) ? 1u : 0u;
    bw_row row = bw_row_of(layer, patch);
    bw_appender some, up;
    uint32_t y;
    some.next = room;
    up.next = room + 1;
    some.fill = some.value = up.fill = up.value = 0u;
    some.stride = up.stride = 2u;
    for (y = 0u; y < layer->kernel_h; ++y) {
        uint32_t from = row.from, left = row.run;
        if (y - patch->top >= patch->rows) {
            bw_append_same(&some, mask, row.before + row.run + row.behind);
            bw_append_same(&up, plus, row.before + row.run + row.behind);
            continue;
        }
        bw_append_same(&some, mask, row.before);
        bw_append_same(&up, plus, row.before);
        while (left != 0u) {
            const uint32_t part = (left < 16u) ? left : 16u;
            const uint32_t codes = bw_field(in, 2u * from, 2u * part), low = bw_even_bits(codes);
            bw_append(&some, low, part);
            bw_append(&up, low & ~bw_even_bits(codes >> 1), part);
            from += part;
            left -= part;
        }
        bw_append_same(&some, mask, row.behind);
        bw_append_same(&up, plus, row.behind);
        row.from += row.from_step;
    }
    bw_end_appender(&some);
    bw_end_appender(&up);
}

#endif

/* bw_add_codes.h: sums of runs of packed codes, channel by channel. SPDX-License-Identifier: Apache-2.0 */
#ifndef BW_ADD_CODES_H
#define BW_ADD_CODES_H

#include <string.h>

#include "bw_pixels.h"

/* acc[i] += code `from` + i of a map, shifted left, for i < count. */
static void bw_add_codes(const bw_word *in, const bw_reader *reader, uint32_t from, uint32_t count, uint32_t shift,
                         int32_t *acc)
{
    const uint32_t bits = reader->bits, mask = bw_mask(bits), factor = 1u << shift;
    uint32_t bit = from * bits, i;
    in += bit >> 5;
    bit &= 31u;
    for (i = 0u; i < count; ++i) {
        uint32_t field = *in >> bit;
        bit += bits;
        if (bit >= 32u) {
            ++in;
            bit -= 32u;
            if (bit != 0u) { /* the field goes on in the next word */
                field |= *in << (bits - bit);
            }
        }
        field = (((field & mask) << reader->left) ^ reader->flip) - reader->minus;
        acc[i] = (int32_t)((uint32_t)acc[i] + field * factor);
    }
}

/* A sum-pooling window. */
BW_INLINE void bw_window_of_sums(const bw_layer *layer, const bw_word *in, const bw_patch *patch, bw_word *room,
                                 int32_t *acc)
{
    const bw_reader reader = bw_reader_of(layer->in_bits, layer->in_kind);
    uint32_t y, x;
    (void)room;
    bw_fill(acc, layer->in_c, 0);
    for (y = 0u; y < patch->rows; ++y) {
        const uint32_t pixel = patch->pixel + y * layer->in_w;
        for (x = 0u; x < patch->columns; ++x) {
            bw_add_codes(in, &reader, (pixel + x) * layer->in_c, layer->in_c, 0u, acc);
        }
    }
}

/* A residual add. Scratch memory: pooled accumulators, if there are any; accumulators. */
BW_INLINE void bw_add_maps(const bw_layer *layer, const bw_word *in, const bw_word *with, const void *epilogue,
                           bw_finish_function *finish, bw_word *out, bw_word *scratch)
{
    const bw_reader a = bw_reader_of(layer->in_bits, layer->in_kind);
    const bw_reader b = bw_reader_of(layer->weight_bits, layer->weight_kind);
    const uint32_t channels = layer->in_c;
    int32_t *acc = (int32_t *)scratch + bw_pool_words(layer);
    bw_appender to = bw_appender_at(out);
    bw_pixels pixels;
    bw_patch patch;
    bw_begin_pixels(&pixels, layer, (int32_t *)scratch);
    while (bw_next_patch(&pixels, &patch) != 0u) {
        const int32_t *pooled;
        bw_fill(acc, channels, 0);
        bw_add_codes(in, &a, patch.pixel * channels, channels, layer->shift_from, acc);
        bw_add_codes(with, &b, patch.pixel * channels, channels, layer->shift_with, acc);
        pooled = bw_pool(&pixels, acc);
        if (pooled != NULL) {
            finish(epilogue, pooled, channels, &to);
        }
    }
    bw_end_appender(&to);
}

#endif

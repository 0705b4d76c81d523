/* bw_gather_columns.h: the codes of a window as bytes, of which the next window keeps what it shares with this one.
 * SPDX-License-Identifier: Apache-2.0
 *
 * [kernel_h][kernel_w][in_c] signed bytes; taps outside the map are pad_code. For codes of fewer than 8 bits.
 */
#ifndef BW_GATHER_COLUMNS_H
#define BW_GATHER_COLUMNS_H

#include <string.h>

#include "bw_patch.h"

/* Four bytes less those of minus; none of x's has its highest bit set, none of minus more than that. */
BW_INLINE uint32_t bw_less_bytes(uint32_t x, uint32_t minus)
{
    return ((x | 0x80808080u) - minus) ^ 0x80808080u;
}

BW_INLINE void bw_put_word(uint8_t *to, uint32_t word)
{
#if defined(__arm__) && !defined(__ARM_FEATURE_UNALIGNED)
    to[0] = (uint8_t)word;
    to[1] = (uint8_t)(word >> 8);
    to[2] = (uint8_t)(word >> 16);
    to[3] = (uint8_t)(word >> 24);
#else
    memcpy(to, &word, sizeof word);
#endif
}

/* Four codes from the lowest bits of `four` as bytes. */
BW_INLINE uint32_t bw_four_bytes(uint32_t four, const bw_reader *reader, uint32_t bits)
{
    const uint32_t half = bw_mask(2u * bits), both = (four & half) | ((four << (16u - 2u * bits)) & (half << 16));
    const uint32_t mask = bw_mask(bits) * 0x00010001u, bytes = (both & mask) | (((both >> bits) & mask) << 8);
    return bw_less_bytes((bytes << reader->left) ^ (reader->flip * 0x01010101u), reader->minus * 0x01010101u);
}

/* Words of whole codes, 1, 2 or 4 bits each, from code `from` on: as many as lie in `count` codes. */
BW_INLINE uint32_t bw_unpack_words(const bw_word *in, const bw_reader *reader, uint32_t bits, uint32_t from,
                                   uint32_t count, uint8_t *to)
{
    const uint32_t per_word = 32u / bits, shift = (from * bits) & 31u, ahead = (shift + 31u) >> 5;
    uint32_t done = 0u;
    in += (from * bits) >> 5;
    for (; count - done >= per_word; done += per_word) {
        uint32_t word = bw_funnel(in[0], in[ahead], shift), left;
        for (left = per_word; left != 0u; left -= 4u) {
            bw_put_word(to, bw_four_bytes(word, reader, bits));
            word >>= 4u * bits;
            to += 4;
        }
        ++in;
    }
    return done;
}

/* `count` codes of a map from code `from` on. */
BW_INLINE void bw_unpack(const bw_word *in, const bw_reader *reader, uint32_t from, uint32_t count, uint8_t *to)
{
    const uint32_t bits = reader->bits;
    uint32_t i = 0u;
    if (bits == 4u) {
        i = bw_unpack_words(in, reader, 4u, from, count, to);
    } else if (bits == 2u) {
        i = bw_unpack_words(in, reader, 2u, from, count, to);
    } else if (bits == 1u) {
        i = bw_unpack_words(in, reader, 1u, from, count, to);
    } else {
        /* four at a time */
    }
    for (; count - i >= 4u; i += 4u) {
        bw_put_word(to + i, bw_four_bytes(bw_field(in, (from + i) * bits, 4u * bits), reader, bits));
    }
    for (; i < count; ++i) {
        to[i] = (uint8_t)bw_read(in, reader, from + i);
    }
}

BW_INLINE void bw_fill_bytes(uint8_t *to, uint32_t count, uint8_t value)
{
    while (count-- != 0u) {
        *to++ = value;
    }
}

/* `count` bytes move down. */
BW_INLINE void bw_move_bytes(uint8_t *to, const uint8_t *from, uint32_t count)
{
    uint32_t i = 0u;
#if !defined(__arm__) || defined(__ARM_FEATURE_UNALIGNED)
    for (; count - i >= 8u; i += 8u) {
        uint32_t a, b;
        memcpy(&a, from + i, sizeof a);
        memcpy(&b, from + i + 4, sizeof b);
        memcpy(to + i, &a, sizeof a);
        memcpy(to + i + 4, &b, sizeof b);
    }
#endif
    for (; i < count; ++i) {
        to[i] = from[i];
    }
}

/* A window whose first `kept` columns are the last ones of the window in `room`. */
static void bw_gather_columns(const bw_layer *layer, const bw_word *in, const bw_patch *patch, uint32_t kept,
                              uint8_t *room)
{
    const bw_reader reader = bw_reader_of(layer->in_bits, layer->in_kind);
    const uint32_t in_c = layer->in_c, width = layer->kernel_w * in_c, old = kept * in_c;
    const uint32_t left = (patch->left > kept) ? patch->left : kept, right = patch->left + patch->columns;
    const uint32_t run = (right > left) ? (right - left) * in_c : 0u;
    uint32_t from = (patch->pixel + left - patch->left) * in_c, y;
    for (y = 0u; y < layer->kernel_h; ++y) {
        uint8_t *row = room + y * width;
        bw_move_bytes(row, row + (width - old), old);
        if (y - patch->top < patch->rows) {
            bw_fill_bytes(row + old, left * in_c - old, (uint8_t)layer->pad_code);
            bw_unpack(in, &reader, from, run, row + left * in_c);
            bw_fill_bytes(row + left * in_c + run, width - left * in_c - run, (uint8_t)layer->pad_code);
            from += layer->in_w * in_c;
        } else {
            bw_fill_bytes(row + old, width - old, (uint8_t)layer->pad_code);
        }
    }
}

#endif

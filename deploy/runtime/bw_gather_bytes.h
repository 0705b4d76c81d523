/* bw_gather_bytes.h: the codes of a window as bytes. SPDX-License-Identifier: Apache-2.0 */
#ifndef BW_GATHER_BYTES_H
#define BW_GATHER_BYTES_H

#include <string.h>

#include "bw_patch.h"

/* Runs are short, most of them: less to decide than in memcpy, and nothing by where they lie. */
BW_INLINE void bw_copy_bytes(uint8_t *to, const uint8_t *from, uint32_t count)
{
    uint32_t left = count;
#if !defined(__arm__) || defined(__ARM_FEATURE_UNALIGNED)
    for (; left >= 4u; left -= 4u) {
        uint32_t four;
        (void)memcpy(&four, from, sizeof four);
        (void)memcpy(to, &four, sizeof four);
        from += 4;
        to += 4;
    }
#endif
    for (; left != 0u; --left) {
        *to++ = *from++;
    }
}

/* In `room` of whole words, the last filled up with 0; or in place, where the map has it so. Codes of up to 8 bits; taps
 * outside the map are 0. */
static inline const bw_word *bw_gather_bytes(const bw_layer *layer, const bw_word *in, const bw_patch *patch, bw_word *room)
{
    const uint32_t kernel_h = layer->kernel_h, kernel_w = layer->kernel_w, in_c = layer->in_c;
    const uint32_t row = (uint32_t)layer->in_w * in_c, run = patch->columns * in_c, taps = kernel_h * kernel_w * in_c;
    const bw_reader reader = bw_reader_of(layer->in_bits, layer->in_kind);
    uint32_t from = patch->pixel * in_c, at, y, i;
    uint8_t *bytes = (uint8_t *)room;
    if (layer->in_bits == 8u && patch->rows == kernel_h && patch->columns == kernel_w &&
        (kernel_h == 1u || layer->in_w == kernel_w) && (from & 3u) == 0u &&
        ((taps & 3u) == 0u || taps == row * layer->in_h)) {
        return in + (from >> 2);
    }
    for (i = 0u; i < (taps + 3u) / 4u; ++i) {
        room[i] = 0u;
    }
    at = (patch->top * kernel_w + patch->left) * in_c;
    for (y = 0u; y < patch->rows; ++y) {
        if (layer->in_bits == 8u) {
            bw_copy_bytes(bytes + at, (const uint8_t *)in + from, run);
        } else {
            for (i = 0u; i < run; ++i) {
                bytes[at + i] = (uint8_t)bw_read(in, &reader, from + i);
            }
        }
        at += kernel_w * in_c;
        from += row;
    }
    return room;
}

/* The first `count` codes of a map, a part of one that starts with a word, with `flip` in every word. */
static inline const bw_word *bw_bytes_of(const bw_layer *layer, const bw_word *in, uint32_t count, uint32_t flip,
                                         bw_word *room)
{
    const bw_reader reader = bw_reader_of(layer->in_bits, layer->in_kind);
    const uint32_t words = (count + 3u) / 4u;
    uint32_t i;
    if (layer->in_bits == 8u && flip == 0u) {
        return in; /* zeros behind the last code, as in every tensor */
    }
    for (i = 0u; i < words; ++i) {
        room[i] = ((layer->in_bits == 8u) ? in[i] : 0u) ^ flip;
    }
    for (i = 0u; layer->in_bits != 8u && i < count; ++i) {
        ((uint8_t *)room)[i] = (uint8_t)((uint32_t)bw_read(in, &reader, i) ^ (flip & 0xFFu));
    }
    return room;
}

#endif

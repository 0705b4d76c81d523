/* bw_depthwise_bits.h: depthwise convolutions of binary maps with binary weights, 32 channels at a time.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Weights are words of 32 channels, a tap each: [group of 32][kernel_h][kernel_w]. The mismatches of each channel are
 * counted in place: bit c of five words is the number of channel c, at most 31 taps.
 */
#ifndef BW_DEPTHWISE_BITS_H
#define BW_DEPTHWISE_BITS_H

#include "bw_pixels.h"

/* The bits of 32 numbers. */
typedef struct {
    uint32_t ones, twos, fours, eights, sixteens;
} bw_counters;

/* Adds the bits of a and b. */
BW_INLINE void bw_count_two(bw_counters *c, uint32_t a, uint32_t b)
{
    const uint32_t ab = a ^ b, twos = (a & b) | (ab & c->ones), fours = c->twos & twos, eights = c->fours & fours;
    c->ones ^= ab;
    c->twos ^= twos;
    c->fours ^= fours;
    c->sixteens ^= c->eights & eights;
    c->eights ^= eights;
}

/* acc[i] = taps - 2 * the i-th number, of all 32. */
BW_INLINE void bw_spread(const bw_counters *c, int32_t taps, int32_t *acc)
{
    uint32_t i;
    for (i = 0u; i < 8u; ++i) {
        const uint32_t mask = 0x01010101u;
        uint32_t four = (c->ones >> i) & mask;
        four |= ((c->twos >> i) & mask) << 1;
        four |= ((c->fours >> i) & mask) << 2;
        four |= ((c->eights >> i) & mask) << 3;
        four |= ((c->sixteens >> i) & mask) << 4;
        acc[0] = taps - (int32_t)(2u * (four & 0xFFu));
        acc[8] = taps - (int32_t)(2u * ((four >> 8) & 0xFFu));
        acc[16] = taps - (int32_t)(2u * ((four >> 16) & 0xFFu));
        acc[24] = taps - (int32_t)(2u * (four >> 24));
        ++acc;
    }
}

/* `channels` bits from position `bit`; a word of the map where they are one. */
BW_INLINE uint32_t bw_channels_at(const bw_word *in, uint32_t bit, uint32_t channels)
{
    return (((bit | channels) & 31u) == 0u) ? in[bit >> 5] : bw_field(in, bit, channels);
}

/* Taps outside the map, each `bits` for all channels. */
static void bw_count_outside(const bw_layer *layer, const bw_patch *patch, const uint32_t *weights, uint32_t bits,
                             bw_counters *counters)
{
    uint32_t y, x;
    for (y = 0u; y < layer->kernel_h; ++y) {
        for (x = 0u; x < layer->kernel_w; ++x) {
            if (y - patch->top >= patch->rows || x - patch->left >= patch->columns) {
                bw_count_two(counters, *weights ^ bits, 0u);
            }
            ++weights;
        }
    }
}

/* 32 channels, of which the map has `channels` from position `bit` of the patch's first pixel on. */
BW_INLINE void bw_count_inside(const bw_layer *layer, const bw_word *in, const bw_patch *patch, uint32_t bit,
                               uint32_t channels, const uint32_t *weights, bw_counters *counters)
{
    const uint32_t step = layer->in_c, row_step = layer->in_w * step;
    uint32_t rows = patch->rows;
    weights += patch->top * layer->kernel_w + patch->left;
    do {
        const uint32_t *w = weights;
        uint32_t at = bit, columns = patch->columns;
        for (; columns >= 2u; columns -= 2u) {
            const uint32_t a = bw_channels_at(in, at, channels) ^ w[0];
            const uint32_t b = bw_channels_at(in, at + step, channels) ^ w[1];
            bw_count_two(counters, a, b);
            at += 2u * step;
            w += 2;
        }
        if (columns != 0u) {
            bw_count_two(counters, bw_channels_at(in, at, channels) ^ w[0], 0u);
        }
        bit += row_step;
        weights += layer->kernel_w;
    } while (--rows != 0u);
}

/* acc: room for a multiple of 32 channels. */
BW_INLINE void bw_window_of_bits(const bw_layer *layer, const bw_word *in, const bw_patch *patch, bw_word *room,
                                 int32_t *acc)
{
    const uint32_t all = (uint32_t)layer->kernel_h * layer->kernel_w, inside = patch->rows * patch->columns;
    const uint32_t outside = (layer->pad_code != 0 && inside != all) ? 1u : 0u;
    const uint32_t *weights = layer->weights;
    uint32_t first;
    (void)room;
    for (first = 0u; first < layer->in_c; first += 32u) {
        const uint32_t left = layer->in_c - first, channels = (left < 32u) ? left : 32u;
        bw_counters counters = {0u, 0u, 0u, 0u, 0u};
        bw_count_inside(layer, in, patch, patch->pixel * layer->in_c + first, channels, weights, &counters);
        if (outside != 0u) {
            bw_count_outside(layer, patch, weights, (layer->pad_code > 0) ? 0xFFFFFFFFu : 0u, &counters);
        }
        bw_spread(&counters, (int32_t)((outside != 0u) ? all : inside), acc + first);
        weights += all;
    }
}

#endif

/* bw_convolve_a16w1.h: one window of codes of up to 16 bits, times bits. SPDX-License-Identifier: Apache-2.0 */
#ifndef BW_CONVOLVE_A16W1_H
#define BW_CONVOLVE_A16W1_H

#include "bw_convolve_halves.h"

/* The codes of a word of halves whose weights are +1, added to `sum`: those of the lowest bit of either half of signs. */
BW_INLINE uint32_t bw_add_signed(uint32_t signs, uint32_t codes, uint32_t sum)
{
    return bw_smlad(codes, signs & 0x00010001u, sum);
}

/* Sums of the codes whose weights are +1, of two channels. words: even. */
BW_APART void bw_add_halves(const uint32_t *patch, const uint32_t *weights, const uint32_t *second, uint32_t words,
                            uint32_t sums[2])
{
    uint32_t a = 0u, b = 0u, left = words, j;
    for (; left >= 16u; left -= 16u, patch += 16) {
        const uint32_t u = *weights++, v = *second++;
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC unroll 16
#endif
        for (j = 0u; j < 16u; ++j) {
            const uint32_t codes = patch[j];
            a = bw_add_signed(u >> j, codes, a);
            b = bw_add_signed(v >> j, codes, b);
        }
    }
    if (left != 0u) {
        uint32_t u = *weights, v = *second;
        do {
            const uint32_t first = patch[0], next = patch[1];
            a = bw_add_signed(u >> 1, next, bw_add_signed(u, first, a));
            b = bw_add_signed(v >> 1, next, bw_add_signed(v, first, b));
            u >>= 2;
            v >>= 2;
            patch += 2;
            left -= 2u;
        } while (left != 0u);
    }
    sums[0] = a;
    sums[1] = b;
}

/* acc[o] += the sum of products. Patch: halves, `words` of them, an even number. Weight i of a row is bit
 * 16 * (i / 2 % 2) + i / 4 % 8 * 2 + i % 2 of word i / 32, 1 for +1. With P the sum of the codes whose weight is +1 and M
 * that of all, the sum of products is 2 P - M. */
BW_INLINE void bw_accumulate_a16w1(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t words,
                                   uint32_t out_c, int32_t *acc)
{
    uint32_t all = 0u, sums[2], j;
    for (j = 0u; j < words; ++j) {
        all = bw_smlad(patch[j], 0x00010001u, all);
    }
    do {
        const uint32_t pair = (out_c > 1u) ? 1u : 0u;
        bw_add_halves(patch, weights, weights + pair * row_words, words, sums);
        acc[0] = (int32_t)((uint32_t)acc[0] + 2u * sums[0] - all);
        if (pair != 0u) {
            acc[1] = (int32_t)((uint32_t)acc[1] + 2u * sums[1] - all);
        }
        acc += 1u + pair;
        weights += 2u * row_words;
        out_c -= 1u + pair;
    } while (out_c != 0u);
}

BW_INLINE void bw_window_a16w1(const bw_layer *layer, const bw_word *in, const bw_patch *patch, bw_word *room,
                               int32_t *acc)
{
    const uint32_t taps = bw_taps(layer);
    uint32_t start;
    bw_fill(acc, layer->out_c, 0);
    for (start = 0u; start < taps; start += BW_CHUNK) {
        const uint32_t left = taps - start, count = (left < BW_CHUNK) ? left : BW_CHUNK;
        bw_window_halves(layer, in, patch, start, count, 4u, room);
        bw_accumulate_a16w1(room, layer->weights + start / 32u, (taps + 31u) / 32u, bw_rounded(count, 4u) / 2u,
                            layer->out_c, acc);
    }
}

#endif

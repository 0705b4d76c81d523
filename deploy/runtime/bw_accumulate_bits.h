/* bw_accumulate_bits.h: inner products of one patch of binary or ternary codes with the binary or ternary weights of
 * every output channel, by population counts. SPDX-License-Identifier: Apache-2.0
 *
 * Codes and weights are planes of bits, code i in bit i % 32 of the plane's word i / 32, zeros behind the last code.
 *   bits          one plane: bit 1 is +1, bit 0 is -1
 *   masked bits   two planes, word by word in turn: word 2j "not 0", word 2j + 1 "+1"
 * `words` counts words of one plane, at least 1. `row_words` is the distance from one channel's weights to the next's.
 */
#ifndef BW_ACCUMULATE_BITS_H
#define BW_ACCUMULATE_BITS_H

#include "bw_bits.h"

/* Folded bits: a patch of bits and its weights are both replaced by sums modulo 2 of their words, so that one exclusive
 * or of the two rows yields at once what a full adder of mismatches needs.
 *   the first words % 4 words:  1:  a                 2:  a, a^b            3:  a^b, a^c, a^b^c
 *   then every four words:      a^b, a^c, a^b^c, a^b^c^d
 * Folding is linear. A long row may be cut behind any such group; each piece is then folded and accumulated alone.
 * `folded` may be `bits`. */
BW_INLINE void bw_fold_bits(const bw_word *bits, uint32_t words, uint32_t *folded)
{
    uint32_t head = words & 3u, blocks = words >> 2;
    if (head != 0u) {
        const uint32_t a = bits[0];
        if (head == 1u) {
            folded[0] = a;
        } else {
            const uint32_t b = bits[1];
            if (head == 2u) {
                folded[0] = a;
                folded[1] = a ^ b;
            } else {
                const uint32_t c = bits[2];
                folded[0] = a ^ b;
                folded[1] = a ^ c;
                folded[2] = a ^ b ^ c;
            }
        }
        bits += head;
        folded += head;
    }
    for (; blocks != 0u; --blocks) {
        const uint32_t a = bits[0], b = bits[1], c = bits[2], d = bits[3];
        folded[0] = a ^ b;
        folded[1] = a ^ c;
        folded[2] = a ^ b ^ c;
        folded[3] = a ^ b ^ c ^ d;
        bits += 4;
        folded += 4;
    }
}

/* Binary times binary, both folded: acc[o] -= 2 * mismatches. The caller adds the number of codes, once a patch. */
BW_INLINE void bw_accumulate_a1w1(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t words,
                                  uint32_t out_c, int32_t *acc)
{
    do {
        const uint32_t *x = patch, *w = weights;
        uint32_t head = words & 3u, blocks = words >> 2, differ = 0u;
        if (head == 1u) {
            differ = bw_popcount(x[0] ^ w[0]);
        } else if (head == 2u) {
            const uint32_t a = x[0] ^ w[0], d = x[1] ^ w[1];
            differ = bw_popcount(a) + bw_popcount(a ^ d);
        } else if (head == 3u) {
            const uint32_t p = x[0] ^ w[0], q = x[1] ^ w[1], s = x[2] ^ w[2];
            differ = bw_popcount(s) + 2u * bw_popcount((p | q) ^ s);
        } else {
            /* none */
        }
        x += head;
        w += head;
        for (; blocks != 0u; --blocks) {
            const uint32_t p = x[0] ^ w[0], q = x[1] ^ w[1], s = x[2] ^ w[2], d = s ^ x[3] ^ w[3];
            differ += bw_popcount(s) + 2u * bw_popcount((p | q) ^ s) + bw_popcount(d);
            x += 4;
            w += 4;
        }
        *acc++ -= (int32_t)(2u * differ);
        weights += row_words;
    } while (--out_c != 0u);
}

/* Binary times ternary: acc[o] -= 2 * mismatches where the weight is not 0. The caller adds the number of such
 * weights, which is a constant of the channel. */
BW_INLINE void bw_accumulate_a1wt(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t words,
                                  uint32_t out_c, int32_t *acc)
{
    do {
        uint32_t j, differ = 0u;
        for (j = 0u; j < words; ++j) {
            differ += bw_popcount((patch[j] ^ weights[2u * j + 1u]) & weights[2u * j]);
        }
        *acc++ -= (int32_t)(2u * differ);
        weights += row_words;
    } while (--out_c != 0u);
}

/* Masked times binary, not folded: acc[o] -= 2 * mismatches where the code is not 0. The caller adds the number of
 * such codes, once a patch. */
BW_INLINE void bw_accumulate_atw1(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t words,
                                  uint32_t out_c, int32_t *acc)
{
    do {
        uint32_t j, differ = 0u;
        for (j = 0u; j < words; ++j) {
            differ += bw_popcount((patch[2u * j + 1u] ^ weights[j]) & patch[2u * j]);
        }
        *acc++ -= (int32_t)(2u * differ);
        weights += row_words;
    } while (--out_c != 0u);
}

/* Ternary times ternary: acc[o] += the sum of products. */
BW_INLINE void bw_accumulate_atwt(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t words,
                                  uint32_t out_c, int32_t *acc)
{
    do {
        uint32_t j, kept = 0u, differ = 0u;
        for (j = 0u; j < words; ++j) {
            const uint32_t both = patch[2u * j] & weights[2u * j];
            kept += bw_popcount(both);
            differ += bw_popcount((patch[2u * j + 1u] ^ weights[2u * j + 1u]) & both);
        }
        *acc++ += (int32_t)(kept - 2u * differ);
        weights += row_words;
    } while (--out_c != 0u);
}

#endif

/* bw_accumulate_bits.h: inner products of one window of binary or ternary codes with the binary or ternary weights of
 * every output channel, by population counts. SPDX-License-Identifier: Apache-2.0
 *
 * Codes and weights are planes of bits, code i in bit i % 32 of the plane's word i / 32, zeros behind the last code.
 *   bits     one plane: bit 1 is +1, bit 0 is -1
 *   planes   two planes, word by word in turn: word 2j "not 0", word 2j + 1 "+1"
 * `words` counts words of one plane, at least 1; `row_words` is the distance from one channel's weights to the next's.
 *
 * Words are added column by column with full adders (carry-save, "Harley-Seal"; Warren, Hacker's Delight, section 5-2);
 * of the carries only every eighth word is counted. */
#ifndef BW_ACCUMULATE_BITS_H
#define BW_ACCUMULATE_BITS_H

#include "bw_bits.h"

/* Which bits of word j are counted. */
enum {
    BW_DIFFER = 0,        /* bits: where code and weight differ */
    BW_DIFFER_KEPT = 1,   /* bits times planes: where they differ and the weight is not 0 */
    BW_KEPT_DIFFER = 2,   /* planes times bits: where they differ and the code is not 0 */
    BW_BOTH_KEPT = 3,     /* planes times planes: where neither is 0 */
    BW_BOTH_DIFFER = 4    /* and where they differ as well */
};

BW_INLINE uint32_t bw_bits_at(uint32_t what, const uint32_t *x, const uint32_t *w, uint32_t j)
{
    switch (what) {
    case BW_DIFFER:
        return x[j] ^ w[j];
    case BW_DIFFER_KEPT:
        return (x[j] ^ w[2u * j + 1u]) & w[2u * j];
    case BW_KEPT_DIFFER:
        return (x[2u * j + 1u] ^ w[j]) & x[2u * j];
    case BW_BOTH_KEPT:
        return x[2u * j] & w[2u * j];
    default:
        return (x[2u * j + 1u] ^ w[2u * j + 1u]) & x[2u * j] & w[2u * j];
    }
}

/* Adds a and b to *sum in every column and returns the carries. */
BW_INLINE uint32_t bw_full_add(uint32_t a, uint32_t b, uint32_t *sum)
{
    const uint32_t differ = a ^ b, other = a ^ *sum;
    *sum ^= differ;
    return (other | differ) ^ *sum; /* the majority of the three */
}

/* Counts of every byte's bits. */
BW_INLINE uint32_t bw_count_bytes(uint32_t x)
{
    x -= (x >> 1) & 0x55555555u;
    x = (x & 0x33333333u) + ((x >> 2) & 0x33333333u);
    return (x + (x >> 4)) & 0x0F0F0F0Fu;
}

/* The sum of four bytes, at most 255 each. */
BW_INLINE uint32_t bw_sum_bytes(uint32_t x)
{
    x = (x & 0x00FF00FFu) + ((x >> 8) & 0x00FF00FFu);
    return (x + (x >> 16)) & 0xFFFFu;
}

/* Bits of a full adder's columns: ones once, twos twice, fours four times; a byte of the sum is at most 56. */
BW_INLINE uint32_t bw_count_columns(uint32_t ones, uint32_t twos, uint32_t fours)
{
    ones -= (ones >> 1) & 0x55555555u;
    twos -= (twos >> 1) & 0x55555555u;
    ones = (ones & 0x33333333u) + ((ones >> 2) & 0x33333333u);
    twos = (twos & 0x33333333u) + ((twos >> 2) & 0x33333333u);
    ones += twos << 1; /* nibbles of at most 12 */
    ones = (ones & 0x0F0F0F0Fu) + ((ones >> 4) & 0x0F0F0F0Fu);
    return bw_sum_bytes(ones + (bw_count_bytes(fours) << 2));
}

BW_INLINE uint32_t bw_add_four_words(uint32_t what, const uint32_t *x, const uint32_t *w, uint32_t j, uint32_t *ones,
                               uint32_t *twos)
{
    const uint32_t a = bw_full_add(bw_bits_at(what, x, w, j), bw_bits_at(what, x, w, j + 1u), ones);
    const uint32_t b = bw_full_add(bw_bits_at(what, x, w, j + 2u), bw_bits_at(what, x, w, j + 3u), ones);
    return bw_full_add(a, b, twos);
}

/* The number of the bits of a row that bw_bits_at names. What is no multiple of 8 words comes first: it carries no eights. */
BW_INLINE uint32_t bw_count_row(uint32_t what, const uint32_t *x, const uint32_t *w, uint32_t words)
{
    uint32_t ones = 0u, twos = 0u, fours = 0u, count = 0u, j = words & 1u;
    if (words == 1u) {
        return bw_popcount(bw_bits_at(what, x, w, 0u));
    }
    if (j != 0u) {
        ones = bw_bits_at(what, x, w, 0u);
    }
    if ((words & 2u) != 0u) {
        twos = bw_full_add(bw_bits_at(what, x, w, j), bw_bits_at(what, x, w, j + 1u), &ones);
        j += 2u;
    }
    if ((words & 4u) != 0u) {
        fours = bw_add_four_words(what, x, w, j, &ones, &twos);
        j += 4u;
    }
    if (j == words) {
        return bw_count_columns(ones, twos, fours);
    }
    do {
        const uint32_t end = (words - j > 248u) ? j + 248u : words;
        uint32_t eights = 0u; /* bytes of at most 8 * 31 */
        do {
            const uint32_t a = bw_add_four_words(what, x, w, j, &ones, &twos);
            const uint32_t b = bw_add_four_words(what, x, w, j + 4u, &ones, &twos);
            eights += bw_count_bytes(bw_full_add(a, b, &fours));
            j += 8u;
        } while (j != end);
        count += 8u * bw_sum_bytes(eights);
    } while (j != words);
    return count + bw_count_columns(ones, twos, fours);
}

/* Bits times bits: acc[o] -= 2 * mismatches. The caller adds the number of codes, once a window. */
BW_INLINE void bw_accumulate_a1w1(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t words,
                                  uint32_t out_c, int32_t *acc)
{
    do {
        *acc++ -= (int32_t)(2u * bw_count_row(BW_DIFFER, patch, weights, words));
        weights += row_words;
    } while (--out_c != 0u);
}

/* Bits times planes: acc[o] -= 2 * mismatches where the weight is not 0. The caller adds the number of such weights, a
 * constant of the channel. */
BW_INLINE void bw_accumulate_a1wt(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t words,
                                  uint32_t out_c, int32_t *acc)
{
    do {
        *acc++ -= (int32_t)(2u * bw_count_row(BW_DIFFER_KEPT, patch, weights, words));
        weights += row_words;
    } while (--out_c != 0u);
}

/* Planes times bits: acc[o] -= 2 * mismatches where the code is not 0. The caller adds the number of such codes. */
BW_INLINE void bw_accumulate_atw1(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t words,
                                  uint32_t out_c, int32_t *acc)
{
    do {
        *acc++ -= (int32_t)(2u * bw_count_row(BW_KEPT_DIFFER, patch, weights, words));
        weights += row_words;
    } while (--out_c != 0u);
}

/* Planes times planes: acc[o] += the sum of products. */
BW_INLINE void bw_accumulate_atwt(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t words,
                                  uint32_t out_c, int32_t *acc)
{
    do {
        *acc++ += (int32_t)(bw_count_row(BW_BOTH_KEPT, patch, weights, words) -
                            2u * bw_count_row(BW_BOTH_DIFFER, patch, weights, words));
        weights += row_words;
    } while (--out_c != 0u);
}

#endif

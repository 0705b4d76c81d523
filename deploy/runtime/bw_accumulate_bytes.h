/* bw_accumulate_bytes.h: inner products of one patch of codes of up to 8 bits with the binary weights of every output
 * channel. SPDX-License-Identifier: Apache-2.0
 *
 * A row of n weights is (n + 31) / 32 words; bit 1 is +1, bit 0 is -1, zeros behind the last weight. `words` counts
 * words of the patch, at least 1; `row_words` is the distance from one channel's weights to the next's. A long row may
 * be cut at multiples of 32 codes.
 */
#ifndef BW_ACCUMULATE_BYTES_H
#define BW_ACCUMULATE_BYTES_H

#include "bw_bits.h"

#define BW_SIGNED_BYTES 0x80808080u /* `flip` of signed codes; that of unsigned codes is 0 */

/* The sum of four bytes, added to `sum`. */
BW_INLINE uint32_t bw_plus_bytes(uint32_t bytes, uint32_t sum)
{
#if defined(__ARM_FEATURE_DSP) && defined(__GNUC__)
    __asm__("usada8 %0, %1, %2, %0" : "+r"(sum) : "r"(bytes), "r"(0u));
    return sum;
#else
    const uint32_t pairs = (bytes & 0x00FF00FFu) + ((bytes >> 8) & 0x00FF00FFu);
    return sum + (pairs & 0xFFFFu) + (pairs >> 16);
#endif
}

/* Adds the bytes of `codes` where the highest bit of the byte in *signs is set, else those of `other`; then the next bit
 * is the highest. UADD8 doubles the bytes and keeps their carries, by which SEL chooses: three instructions. */
BW_INLINE uint32_t bw_add_chosen(uint32_t *signs, uint32_t codes, uint32_t other, uint32_t sum)
{
#if defined(__ARM_FEATURE_DSP) && defined(__GNUC__)
    uint32_t chosen;
    __asm__ volatile("uadd8 %0, %0, %0\n\tsel %1, %3, %4\n\tusada8 %2, %1, %5, %2"
                     : "+r"(*signs), "=&r"(chosen), "+r"(sum)
                     : "r"(codes), "r"(other), "r"(0u)
                     : "cc");
    return sum;
#else
    const uint32_t top = (*signs >> 7) & 0x01010101u, mask = (top << 8) - top;
    *signs = (*signs << 1) & 0xFEFEFEFEu;
    return bw_plus_bytes(((codes ^ other) & mask) ^ other, sum);
#endif
}

/* Four words of codes, of two channels. Loads in a row cost less than loads apart. */
BW_INLINE void bw_choose_four(const uint32_t *patch, uint32_t flip, uint32_t *u, uint32_t *v, uint32_t sums[2])
{
    const uint32_t c0 = patch[0] ^ flip, c1 = patch[1] ^ flip, c2 = patch[2] ^ flip, c3 = patch[3] ^ flip;
    sums[0] = bw_add_chosen(u, c0, flip, sums[0]);
    sums[1] = bw_add_chosen(v, c0, flip, sums[1]);
    sums[0] = bw_add_chosen(u, c1, flip, sums[0]);
    sums[1] = bw_add_chosen(v, c1, flip, sums[1]);
    sums[0] = bw_add_chosen(u, c2, flip, sums[0]);
    sums[1] = bw_add_chosen(v, c2, flip, sums[1]);
    sums[0] = bw_add_chosen(u, c3, flip, sums[0]);
    sums[1] = bw_add_chosen(v, c3, flip, sums[1]);
}

/* Sums of the chosen bytes of two channels, of signed codes as they lie in a map. */
BW_APART void bw_choose_signed(const uint32_t *patch, const uint32_t *weights, const uint32_t *second, uint32_t words,
                               uint32_t flip, uint32_t sums[2])
{
    uint32_t left = words, u, v, both[2] = {0u, 0u};
    for (; left >= 8u; left -= 8u, patch += 8) {
        u = *weights++;
        v = *second++;
        bw_choose_four(patch, flip, &u, &v, both);
        bw_choose_four(patch + 4, flip, &u, &v, both);
    }
    if (left != 0u) {
        u = *weights;
        v = *second;
        do {
            const uint32_t codes = *patch++ ^ flip;
            both[0] = bw_add_chosen(&u, codes, flip, both[0]);
            both[1] = bw_add_chosen(&v, codes, flip, both[1]);
        } while (--left != 0u);
    }
    sums[0] = both[0];
    sums[1] = both[1];
}

#if defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__) && defined(__ARM_FEATURE_DSP)
/* A word of codes, of two channels; then what is loaded next. Cortex-M7 adds a sum while it doubles the other's signs. */
#define BW_CHOOSE(codes, load) \
    "uadd8 %[u], %[u], %[u]\n\tusada8 %[b], %[t], %[zero], %[b]\n\t" BW_CHOOSE_BOTH(codes, load)
#define BW_CHOOSE_FIRST(codes, load) "uadd8 %[u], %[u], %[u]\n\t" BW_CHOOSE_BOTH(codes, load)
#define BW_CHOOSE_BOTH(codes, load)                                                         \
    "sel %[t], %[" #codes "], %[other]\n\t"                                                 \
    "uadd8 %[v], %[v], %[v]\n\tusada8 %[a], %[t], %[zero], %[a]\n\t"                        \
    "sel %[t], %[" #codes "], %[other]\n\t" load
#define BW_LOAD_CODES(codes) "ldr %[" #codes "], [%[x]], #4\n\t"
#if defined(__ARM_FP) && (__ARM_FP & 8) /* Cortex-M7: loads go beside other instructions */
#define BW_LOAD_AHEAD(codes) BW_LOAD_CODES(codes)
#define BW_LOAD_THREE
#define BW_LOAD_TWO
#else /* loads in a row cost less */
#define BW_LOAD_AHEAD(codes)
#define BW_LOAD_THREE BW_LOAD_CODES(c) BW_LOAD_CODES(d) BW_LOAD_CODES(e)
#define BW_LOAD_TWO BW_LOAD_CODES(c) BW_LOAD_CODES(d)
#endif

/* Adds the sums of blocks of eight words of codes: bw_add_chosen. */
BW_INLINE void bw_choose_eights(const uint32_t *x, const uint32_t *weights, const uint32_t *second, uint32_t words,
                                uint32_t other, uint32_t sums[2])
{
    const uint32_t *const end = x + words;
    uint32_t u, v, c, d, e, t, a = sums[0], b = sums[1];
    __asm__ volatile(
        "1:\n\tldr %[u], [%[w]], #4\n\tldr %[v], [%[s]], #4\n\t"
        BW_LOAD_CODES(c) BW_LOAD_CODES(d) BW_LOAD_CODES(e)
        BW_CHOOSE_FIRST(c, BW_LOAD_AHEAD(c)) BW_CHOOSE(d, BW_LOAD_AHEAD(d)) BW_CHOOSE(e, BW_LOAD_AHEAD(e))
        BW_LOAD_THREE BW_CHOOSE(c, BW_LOAD_AHEAD(c)) BW_CHOOSE(d, BW_LOAD_AHEAD(d)) BW_CHOOSE(e, "")
        BW_LOAD_TWO BW_CHOOSE(c, "") BW_CHOOSE(d, "")
        "usada8 %[b], %[t], %[zero], %[b]\n\tldr %[t], %[end]\n\tcmp %[x], %[t]\n\tbne 1b\n\t"
        : [x] "+&r"(x), [w] "+&r"(weights), [s] "+&r"(second), [a] "+&r"(a), [b] "+&r"(b), [u] "=&r"(u), [v] "=&r"(v),
          [c] "=&r"(c), [d] "=&r"(d), [e] "=&r"(e), [t] "=&r"(t)
        : [other] "r"(other), [zero] "r"(0u), [end] "m"(end)
        : "cc", "memory");
    sums[0] = a;
    sums[1] = b;
}
#undef BW_CHOOSE
#undef BW_CHOOSE_FIRST
#undef BW_CHOOSE_BOTH
#undef BW_LOAD_CODES
#undef BW_LOAD_AHEAD
#undef BW_LOAD_THREE
#undef BW_LOAD_TWO
#else
BW_INLINE void bw_choose_eights(const uint32_t *x, const uint32_t *weights, const uint32_t *second, uint32_t words,
                                uint32_t other, uint32_t sums[2])
{
    do {
        uint32_t u = *weights++, v = *second++, j;
        for (j = 0u; j < 8u; ++j) {
            const uint32_t codes = *x++;
            sums[0] = bw_add_chosen(&u, codes, other, sums[0]);
            sums[1] = bw_add_chosen(&v, codes, other, sums[1]);
        }
        words -= 8u;
    } while (words != 0u);
}
#endif

/* acc[o] += twice the sum of chosen bytes, less `all`, of pairs of channels: of unsigned codes, or of signed ones that
 * are flipped. other: what takes the place of codes whose weight is -1. */
BW_APART void bw_add_choices(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t words,
                             uint32_t other, uint32_t all, int32_t *acc, const int32_t *end)
{
    const uint32_t whole = words & ~7u;
    do {
        const uint32_t *const second = weights + row_words;
        uint32_t sums[2] = {0u, 0u}, left = words & 7u;
        if (whole != 0u) {
            bw_choose_eights(patch, weights, second, whole, other, sums);
        }
        if (left != 0u) {
            const uint32_t *codes = patch + whole;
            uint32_t u = weights[whole / 8u], v = second[whole / 8u];
            do {
                const uint32_t four = *codes++;
                sums[0] = bw_add_chosen(&u, four, other, sums[0]);
                sums[1] = bw_add_chosen(&v, four, other, sums[1]);
            } while (--left != 0u);
        }
        acc[0] = (int32_t)((uint32_t)acc[0] + 2u * sums[0] - all);
        acc[1] = (int32_t)((uint32_t)acc[1] + 2u * sums[1] - all);
        acc += 2;
        weights = second + row_words;
    } while (acc != end);
}

/* acc[o] += the sum of products. Patch: 4 codes a word, zeros behind the last code.
 * Weight i of a row is bit 8 * (i % 4) + 7 - i / 4 % 8 of word i / 32.
 * With P the sum of the codes whose weight is +1 and M that of all, the sum of products is 2 P - M. Signed codes are
 * counted from -128 on; where the weight is -1, a byte of 128 takes the code's place, so that all are too high alike.
 * flip: of the codes, in_map: by as much as they lie in the patch unflipped. */
BW_INLINE void bw_accumulate_a8w1(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t words,
                                  uint32_t out_c, uint32_t flip, uint32_t in_map, int32_t *acc)
{
    const uint32_t excess = 4u * words * (flip & 0xFFu);
    uint32_t all = 0u - excess, sums[2], j;
    for (j = 0u; j < words; ++j) {
        all = bw_plus_bytes(patch[j] ^ in_map, all);
    }
    all += 2u * excess;
    if (in_map == 0u) {
        const uint32_t even = out_c & ~1u;
        if (even != 0u) {
            bw_add_choices(patch, weights, row_words, words, flip, all, acc, acc + even);
        }
        if (even != out_c) {
            int32_t last[2] = {acc[even], 0};
            bw_add_choices(patch, weights + even * row_words, 0u, words, flip, all, last, last + 2);
            acc[even] = last[0];
        }
        return;
    }
    do {
        const uint32_t pair = (out_c > 1u) ? 1u : 0u;
        bw_choose_signed(patch, weights, weights + pair * row_words, words, BW_SIGNED_BYTES, sums);
        acc[0] = (int32_t)((uint32_t)acc[0] + 2u * sums[0] - all);
        if (pair != 0u) {
            acc[1] = (int32_t)((uint32_t)acc[1] + 2u * sums[1] - all);
        }
        acc += 1u + pair;
        weights += 2u * row_words;
        out_c -= 1u + pair;
    } while (out_c != 0u);
}

#endif

/* bw_accumulate_bits.h: inner products of one patch of binary or ternary codes with the binary or ternary weights of
 * every output channel, by population counts. SPDX-License-Identifier: Apache-2.0
 *
 * Codes and weights are planes of bits, code i in bit i % 32 of the plane's word i / 32, zeros behind the last code.
 *   bits          one plane: bit 1 is +1, bit 0 is -1
 *   masked bits   two planes, word by word in turn: word 2j "not 0", word 2j + 1 "+1"
 * `words`, 1 to 255, counts words of one plane. `row_words` is the distance from one channel's weights to the next's.
 *
 * Rows are counted after Harley and Seal (Warren, Hacker's Delight, section 5-2): full adders add the bits of words
 * column by column, and of eight words only one word of carries is left to be counted.
 */
#ifndef BW_ACCUMULATE_BITS_H
#define BW_ACCUMULATE_BITS_H

#include "bw_bits.h"

#if defined(__ARM_FEATURE_DSP)
#include <arm_acle.h>
#endif

/* Hints to GCC that change no value. */
#if !defined(__GNUC__) || defined(__clang__) || !defined(__thumb__)
#define BW_KEEP(mask) (void)(mask)
#define BW_FETCH(mask) (mask)
#define BW_TOGETHER(a, b, c) (void)0
#elif defined(__thumb2__)
/* The mask stays in a register, where an `and` shifts at no cost. */
#define BW_KEEP(mask) __asm__ volatile("" : "+r"(mask))
#define BW_FETCH(mask) (mask)
/* The three are loaded one after another, before any later load: neighbouring loads overlap. */
#define BW_TOGETHER(a, b, c) __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c) : : "memory")
#else
/* Only eight registers to compute in: a mask comes from where it is kept for each step anew. */
#define BW_KEEP(mask) (void)(mask)
#define BW_FETCH(mask) bw_fetch(mask)
#define BW_TOGETHER(a, b, c) (void)0
BW_INLINE uint32_t bw_fetch(uint32_t mask)
{
    __asm__ volatile("" : "+r"(mask));
    return mask;
}
#endif

/* The lower half of every 2, 4 and 8 bits, and the lowest bit of every byte. */
typedef struct {
    uint32_t of_2, of_4, of_8, ones;
} bw_masks;

#define BW_MASKS {0x55555555u, 0x33333333u, 0x0F0F0F0Fu, 0x01010101u}

/* Bits of one to seven words, added column by column: the words of the sums' bits. */
typedef struct {
    uint32_t ones, twos, fours;
} bw_columns;

/* How many bits of every byte are set. */
BW_INLINE uint32_t bw_count_bytes(uint32_t x, const bw_masks *masks)
{
    uint32_t mask = BW_FETCH(masks->of_2);
    x -= (x >> 1) & mask;
    mask = BW_FETCH(masks->of_4);
    x = (x & mask) + ((x >> 2) & mask);
    mask = BW_FETCH(masks->of_8);
    return (x + (x >> 4)) & mask;
}

/* The sum of four bytes. */
BW_INLINE uint32_t bw_sum_bytes(uint32_t x)
{
#if defined(__ARM_FEATURE_DSP)
    return __usada8(x, 0u, 0u);
#else
    x = (x & 0x00FF00FFu) + ((x >> 8) & 0x00FF00FFu);
    return (x + (x >> 16)) & 0xFFFFu;
#endif
}

/* The same plus `sum`, where it is at most 255. */
BW_INLINE uint32_t bw_add_bytes(uint32_t x, uint32_t sum, const bw_masks *masks)
{
#if defined(__ARM_FEATURE_DSP)
    (void)masks;
    return __usada8(x, 0u, sum);
#else
    return sum + ((x * BW_FETCH(masks->ones)) >> 24);
#endif
}

/* The sum of all columns, plus `sum`. */
BW_INLINE uint32_t bw_add_columns(bw_columns columns, uint32_t sum, const bw_masks *masks)
{
    uint32_t ones = columns.ones, twos = columns.twos, fours = columns.fours, mask = BW_FETCH(masks->of_2);
    ones -= (ones >> 1) & mask;
    twos -= (twos >> 1) & mask;
    fours -= (fours >> 1) & mask;
    mask = BW_FETCH(masks->of_4);
    ones = (ones & mask) + ((ones >> 2) & mask);
    twos = (twos & mask) + ((twos >> 2) & mask);
    fours = (fours & mask) + ((fours >> 2) & mask);
    mask = BW_FETCH(masks->of_8);
    ones += twos << 1;
    ones = (ones & mask) + ((ones >> 4) & mask);
    fours = (fours + (fours >> 4)) & mask;
    return bw_add_bytes(ones + (fours << 2), sum, masks);
}

/* Folded bits: a patch of bits and its weights are both replaced by sums modulo 2 of their words, so that one exclusive
 * or of the two rows yields at once what a full adder of mismatches needs.
 *   the first words % 4 words:  1:  a                 2:  a, a^b            3:  a, a^b, b^c
 *   then every four words:      a^b, a^c, a^b^c, a^b^c^d
 * Folding is linear. A long row may be cut behind any such group; each piece is then folded and accumulated alone.
 * `folded` may be `bits`. */
BW_INLINE void bw_fold_bits(const bw_word *bits, uint32_t words, uint32_t *folded)
{
    uint32_t head = words & 3u, blocks = words >> 2;
    if (head != 0u) {
        const uint32_t a = bits[0];
        folded[0] = a;
        if (head > 1u) {
            const uint32_t b = bits[1];
            if (head == 3u) {
                folded[2] = b ^ bits[2];
            }
            folded[1] = a ^ b;
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

/* Adds the mismatches of four folded words. The majority of bits a, b, c is ((a^b) | (a^c)) ^ (a^b^c). */
BW_INLINE uint32_t bw_add_four_folded(const uint32_t *x, const uint32_t *w, bw_columns *columns)
{
    uint32_t p = x[0] ^ w[0], s, z;
    p |= x[1] ^ w[1];
    s = x[2] ^ w[2];
    p ^= s; /* carries of a, b, c, whose sum is s */
    z = x[3] ^ w[3];
    s ^= columns->ones;
    columns->ones ^= z;
    s = (s | z) ^ columns->ones; /* carries of s, d and the ones */
    return bw_full_add(p, s, &columns->twos);
}

/* Adds the mismatches of folded words up to x_end, eight at a time; returns eighths of the rest, in four bytes. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__) && defined(__thumb2__)
/* In assembly because the compiler spreads the loads and spills: 12 % more cycles on Cortex-M4. */
BW_INLINE uint32_t bw_add_eights_folded(const uint32_t *x, const uint32_t *w, const uint32_t *x_end,
                                        bw_columns *columns, const bw_masks *masks)
{
    uint32_t eights = 0u, a, b, c, d, e;
    (void)masks;
    __asm__ volatile("sub %[w], #4\n\t"
                     ".balign 4\n"
                     "1:\n\t"
                     "ldr %[a], [%[x], #0]\n\t"
                     "ldr %[b], [%[w], #4]\n\t"
                     "ldr %[c], [%[x], #4]\n\t"
                     "ldr %[d], [%[w], #8]\n\t"
                     "eor %[a], %[b]\n\t"
                     "eor %[c], %[d]\n\t"
                     "orr %[a], %[c]\n\t"
                     "ldr %[b], [%[x], #8]\n\t"
                     "ldr %[c], [%[w], #12]\n\t"
                     "ldr %[d], [%[x], #12]\n\t"
                     "ldr %[e], [%[w], #16]\n\t"
                     "eor %[b], %[c]\n\t"
                     "eor %[d], %[e]\n\t"
                     "eor %[a], %[b]\n\t" /* carries of three words */
                     "eor %[b], %[ones]\n\t"
                     "eor %[ones], %[d]\n\t"
                     "orr %[b], %[d]\n\t"
                     "eor %[b], %[ones]\n\t" /* carries of the fourth */
                     "eor %[b], %[a]\n\t"
                     "eor %[a], %[twos]\n\t"
                     "eor %[twos], %[b]\n\t"
                     "orr %[a], %[b]\n\t"
                     "eor %[a], %[twos]\n\t" /* carries of the twos */
                     "ldr %[b], [%[x], #16]\n\t"
                     "ldr %[c], [%[w], #20]\n\t"
                     "ldr %[d], [%[x], #20]\n\t"
                     "ldr %[e], [%[w], #24]\n\t"
                     "eor %[b], %[c]\n\t"
                     "eor %[d], %[e]\n\t"
                     "orr %[b], %[d]\n\t"
                     "ldr %[c], [%[x], #24]\n\t"
                     "ldr %[d], [%[w], #28]\n\t"
                     "ldr %[e], [%[x], #28]\n\t"
                     "eor %[c], %[d]\n\t"
                     "ldr %[d], [%[w], #32]!\n\t"
                     "eor %[b], %[c]\n\t"
                     "eor %[e], %[d]\n\t"
                     "eor %[c], %[ones]\n\t"
                     "eor %[ones], %[e]\n\t"
                     "orr %[c], %[e]\n\t"
                     "eor %[c], %[ones]\n\t"
                     "eor %[c], %[b]\n\t"
                     "eor %[b], %[twos]\n\t"
                     "eor %[twos], %[c]\n\t"
                     "orr %[b], %[c]\n\t"
                     "eor %[b], %[twos]\n\t"
                     "eor %[b], %[a]\n\t"
                     "eor %[a], %[fours]\n\t"
                     "eor %[fours], %[b]\n\t"
                     "orr %[a], %[b]\n\t"
                     "eor %[a], %[fours]\n\t" /* carries of the fours */
                     "add %[x], #32\n\t"
                     "and %[b], %[a], #0xAAAAAAAA\n\t" /* counts them by bytes */
                     "sub %[a], %[a], %[b], lsr #1\n\t"
                     "and %[b], %[a], #0xCCCCCCCC\n\t"
                     "and %[a], #0x33333333\n\t"
                     "cmp %[x], %[x_end]\n\t"
                     "add %[a], %[a], %[b], lsr #2\n\t"
                     "add %[a], %[a], %[a], lsr #4\n\t"
                     "and %[a], #0x0F0F0F0F\n\t"
                     "add %[eights], %[a]\n\t"
                     "bne 1b"
                     : [x] "+r"(x), [w] "+r"(w), [ones] "+r"(columns->ones), [twos] "+r"(columns->twos),
                       [fours] "+r"(columns->fours), [eights] "+r"(eights), [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c),
                       [d] "=&r"(d), [e] "=&r"(e)
                     : [x_end] "r"(x_end)
                     : "cc", "memory");
    return eights;
}
#else
BW_INLINE uint32_t bw_add_eights_folded(const uint32_t *x, const uint32_t *w, const uint32_t *x_end,
                                        bw_columns *columns, const bw_masks *masks)
{
    uint32_t eights = 0u;
    do {
        const uint32_t a = bw_add_four_folded(x, w, columns), b = bw_add_four_folded(x + 4, w + 4, columns);
        eights += bw_count_bytes(bw_full_add(a, b, &columns->fours), masks);
        x += 8;
        w += 8;
    } while (x != x_end);
    return eights;
}
#endif

BW_INLINE uint32_t bw_mismatches(const uint32_t *x, const uint32_t *w, uint32_t words, const bw_masks *masks)
{
    const uint32_t head = words & 7u;
    bw_columns columns = {0u, 0u, 0u};
    uint32_t sum = 0u;
    if (head != 0u) {
        const uint32_t *a = x, *b = w;
        if ((head & 1u) != 0u) {
            columns.ones = *a++ ^ *b++;
        }
        if ((head & 2u) != 0u) {
            const uint32_t p = *a++ ^ *b++, d = *a++ ^ *b++;
            columns.ones ^= d;
            columns.twos = (p | d) ^ columns.ones;
        }
        if ((head & 4u) != 0u) {
            columns.fours = bw_add_four_folded(a, b, &columns);
        }
    }
    if (words != head) {
        sum = 8u * bw_sum_bytes(bw_add_eights_folded(x + head, w + head, x + words, &columns, masks));
    }
    return bw_add_columns(columns, sum, masks);
}

/* Five words, as of 32 channels and five taps: the carries of both full adders are counted as they are. */
BW_INLINE uint32_t bw_mismatches_of_five(const uint32_t *x, const uint32_t *w, const bw_masks *masks)
{
    uint32_t ones = x[0] ^ w[0], p = x[1] ^ w[1], s, z, mask;
    p |= x[2] ^ w[2];
    s = x[3] ^ w[3];
    p ^= s;
    z = x[4] ^ w[4];
    s ^= ones;
    ones ^= z;
    z = (z | s) ^ ones;
    mask = BW_FETCH(masks->of_2);
    ones -= (ones >> 1) & mask;
    p -= (p >> 1) & mask;
    z -= (z >> 1) & mask;
    mask = BW_FETCH(masks->of_4);
    ones = (ones & mask) + ((ones >> 2) & mask);
    p = (p & mask) + ((p >> 2) & mask) + (z & mask) + ((z >> 2) & mask);
    mask = BW_FETCH(masks->of_8);
    p = (p & mask) + ((p >> 4) & mask);
    ones = (ones + (ones >> 4)) & mask;
    return bw_add_bytes(ones + (p << 1), 0u, masks);
}

/* `held`: `words` is a constant and the patch lies in registers; that leaves room for a second mask too. */
BW_INLINE void bw_subtract_mismatches(const uint32_t *patch, uint32_t held, const uint32_t *weights,
                                      uint32_t row_words, uint32_t words, uint32_t out_c, int32_t *acc)
{
    const int32_t *const end = acc + out_c;
    bw_masks masks = BW_MASKS;
    do {
        uint32_t mismatches;
        BW_KEEP(masks.of_2);
        if (held != 0u) {
            BW_KEEP(masks.of_4);
        }
        if (held == 5u) {
            mismatches = bw_mismatches_of_five(patch, weights, &masks);
        } else {
            mismatches = bw_mismatches(patch, weights, words, &masks);
        }
        *acc -= (int32_t)(2u * mismatches);
        weights += row_words;
    } while (++acc != end);
}

/* One word: acc[o] = taps - 2 * mismatches. */
BW_INLINE void bw_set_sums_of_one(uint32_t bits, const uint32_t *weights, uint32_t taps, uint32_t out_c, int32_t *acc)
{
    const int32_t *const end = acc + out_c;
    bw_masks masks = BW_MASKS;
    do {
        BW_KEEP(masks.of_2);
        BW_KEEP(masks.of_4);
        *acc++ = (int32_t)(taps - 2u * bw_add_bytes(bw_count_bytes(bits ^ *weights++, &masks), 0u, &masks));
    } while (acc != end);
}

/* Binary times binary, both folded: acc[o] -= 2 * mismatches. The caller adds the number of codes, once a patch.
 * Codes that shall not count, as at a skipped border: accumulate the patch with their bits 0, then with their bits 1,
 * both from acc = 0; acc[o] / 2 + the number of all codes is the sum of the others' products. */
BW_INLINE void bw_accumulate_a1w1(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t words,
                                  uint32_t out_c, int32_t *acc)
{
    if (words == 1u) {
        const uint32_t x[1] = {patch[0]};
        bw_subtract_mismatches(x, 1u, weights, row_words, 1u, out_c, acc);
    } else if (words == 2u) {
        const uint32_t x[2] = {patch[0], patch[1]};
        bw_subtract_mismatches(x, 2u, weights, row_words, 2u, out_c, acc);
    } else if (words == 3u) {
        const uint32_t x[3] = {patch[0], patch[1], patch[2]};
        bw_subtract_mismatches(x, 3u, weights, row_words, 3u, out_c, acc);
    } else if (words == 5u) {
        const uint32_t x[5] = {patch[0], patch[1], patch[2], patch[3], patch[4]};
        bw_subtract_mismatches(x, 5u, weights, row_words, 5u, out_c, acc);
    } else {
        bw_subtract_mismatches(patch, 0u, weights, row_words, words, out_c, acc);
    }
}

/* 32 bits to be counted, of the next words of a patch and of weights. `state` is for bw_carries_atwt. */
typedef uint32_t bw_bits_of(const uint32_t *x, const uint32_t *w, uint32_t *state);

/* The mismatches of one row of binary and one of masked bits. */
BW_INLINE uint32_t bw_masked_mismatches(const uint32_t *binary, const uint32_t *masked)
{
    uint32_t bits = binary[0], mask = masked[0], plus = masked[1];
    BW_TOGETHER(bits, mask, plus);
    return (bits ^ plus) & mask;
}

BW_INLINE uint32_t bw_mismatches_a1wt(const uint32_t *x, const uint32_t *w, uint32_t *state)
{
    (void)state;
    return bw_masked_mismatches(x, w);
}

BW_INLINE uint32_t bw_mismatches_atw1(const uint32_t *x, const uint32_t *w, uint32_t *state)
{
    (void)state;
    return bw_masked_mismatches(w, x);
}

/* 1 - product is 0, 1 or 2: adds its lower bit to the ones in *state and returns the carries and the higher bit, which
 * are never both set. */
BW_INLINE uint32_t bw_carries_atwt(const uint32_t *x, const uint32_t *w, uint32_t *state)
{
    const uint32_t both = x[0] & w[0], minus = (x[1] ^ w[1]) & both, carries = minus | (*state & ~both);
    *state ^= ~both;
    return carries;
}

/* Adds the bits of four words and returns the carries of the twos. */
BW_INLINE uint32_t bw_add_four(bw_bits_of *bits_of, const uint32_t *x, uint32_t x_step, const uint32_t *w,
                               uint32_t w_step, uint32_t *state, bw_columns *columns)
{
    uint32_t a = bits_of(x, w, state), b = bits_of(x + x_step, w + w_step, state), twos;
    if (x_step == w_step) {
        BW_TOGETHER(a, b, columns->ones); /* four words at a time leave registers for no more */
    }
    twos = bw_full_add(a, b, &columns->ones);
    a = bits_of(x + 2u * x_step, w + 2u * w_step, state);
    b = bits_of(x + 3u * x_step, w + 3u * w_step, state);
    if (x_step == w_step) {
        BW_TOGETHER(a, b, columns->ones);
    }
    return bw_full_add(twos, bw_full_add(a, b, &columns->ones), &columns->twos);
}

/* The number of bits of a row, which has x_step words of the patch and w_step of the weights for each word of bits. */
BW_INLINE uint32_t bw_count_row(bw_bits_of *bits_of, const uint32_t *x, uint32_t x_step, const uint32_t *w,
                                uint32_t w_step, uint32_t words, uint32_t *state, const bw_masks *masks)
{
    const uint32_t *const x_end = x + words * x_step;
    bw_columns columns = {0u, 0u, 0u};
    uint32_t eights = 0u, pairs;
    if ((words & 1u) != 0u) {
        columns.ones = bits_of(x, w, state);
        x += x_step;
        w += w_step;
    }
    for (pairs = (words >> 1) & 3u; pairs != 0u; --pairs) {
        const uint32_t a = bits_of(x, w, state), b = bits_of(x + x_step, w + w_step, state);
        const uint32_t twos = bw_full_add(a, b, &columns.ones);
        columns.fours |= columns.twos & twos; /* at most once, of seven */
        columns.twos ^= twos;
        x += 2u * x_step;
        w += 2u * w_step;
    }
    while (x != x_end) {
        const uint32_t a = bw_add_four(bits_of, x, x_step, w, w_step, state, &columns);
        const uint32_t b = bw_add_four(bits_of, x + 4u * x_step, x_step, w + 4u * w_step, w_step, state, &columns);
        eights += bw_count_bytes(bw_full_add(a, b, &columns.fours), masks);
        x += 8u * x_step;
        w += 8u * w_step;
    }
    return bw_add_columns(columns, 8u * bw_sum_bytes(eights), masks);
}

BW_INLINE void bw_subtract_counts(bw_bits_of *bits_of, const uint32_t *patch, uint32_t x_step,
                                  const uint32_t *weights, uint32_t w_step, uint32_t row_words, uint32_t words,
                                  uint32_t out_c, int32_t *acc)
{
    const int32_t *const end = acc + out_c;
    bw_masks masks = BW_MASKS;
    uint32_t none = 0u;
    do {
        BW_KEEP(masks.of_2);
        BW_KEEP(masks.of_4);
        *acc -= (int32_t)(2u * bw_count_row(bits_of, patch, x_step, weights, w_step, words, &none, &masks));
        weights += row_words;
    } while (++acc != end);
}

/* Binary times ternary: acc[o] -= 2 * mismatches where the weight is not 0. The caller adds the number of such
 * weights, which is a constant of the channel. */
BW_INLINE void bw_accumulate_a1wt(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t words,
                                  uint32_t out_c, int32_t *acc)
{
    bw_subtract_counts(bw_mismatches_a1wt, patch, 1u, weights, 2u, row_words, words, out_c, acc);
}

/* Masked times binary, not folded: acc[o] -= 2 * mismatches where the code is not 0. The caller adds the number of
 * such codes, once a patch. */
BW_INLINE void bw_accumulate_atw1(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t words,
                                  uint32_t out_c, int32_t *acc)
{
    bw_subtract_counts(bw_mismatches_atw1, patch, 2u, weights, 1u, row_words, words, out_c, acc);
}

/* Ternary times ternary: acc[o] += the sum of products, as the number of bits less the sum of 1 - product. */
BW_INLINE void bw_accumulate_atwt(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t words,
                                  uint32_t out_c, int32_t *acc)
{
    const int32_t *const end = acc + out_c;
    bw_masks masks = BW_MASKS;
    do {
        uint32_t ones = 0u, twos;
        BW_KEEP(masks.of_2);
        BW_KEEP(masks.of_4);
        twos = bw_count_row(bw_carries_atwt, patch, 2u, weights, 2u, words, &ones, &masks);
        *acc += (int32_t)(32u * words - 2u * twos - bw_add_bytes(bw_count_bytes(ones, &masks), 0u, &masks));
        weights += row_words;
    } while (++acc != end);
}

#endif

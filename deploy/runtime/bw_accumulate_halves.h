/* bw_accumulate_halves.h: inner products of patches of halves (bw_gather_halves.h) with the weights of every output
 * channel. SPDX-License-Identifier: Apache-2.0
 *
 * A row of weights is cut into words of 4, 8 or 16 codes for weights of 8, 4 or 2 bits; `groups` counts groups of four
 * codes, at least 1, and fills whole words of weights: the patch has zeros behind its last code. Code i of a row, with b
 * bits a weight, lies in word i / (32 / b), from bit
 *     16 * (i / 2 % 2) + b * (i % (32 / b) / 4 * 2 + i % 2)
 * on: b bits from bit b * k on in both halves of a word belong to the k-th word of halves. With 8 bits that is the order
 * of bytes, and a weight is two's complement. With 4 and 2 bits its field is weight + 8 or weight + 2, never negative, so
 * that one AND takes two fields out of a word; 8 or 2 times the sum of the patch's codes is subtracted once for all
 * channels. All sums are modulo 2^32: they are exact whenever the inner product itself fits in int32.
 */
#ifndef BW_ACCUMULATE_HALVES_H
#define BW_ACCUMULATE_HALVES_H

#if defined(__ARM_FEATURE_DSP)
#include <arm_acle.h>
#endif

#include "bw_bits.h"

/* acc + the products of the low and of the high halves. */
BW_INLINE uint32_t bw_smlad(uint32_t x, uint32_t w, uint32_t acc)
{
#if defined(__ARM_FEATURE_DSP)
    return (uint32_t)__smlad((int16x2_t)x, (int16x2_t)w, (int32_t)acc);
#else
    const int32_t low = (int16_t)x * (int16_t)w, high = (int16_t)(x >> 16) * (int16_t)(w >> 16);
    return acc + (uint32_t)low + (uint32_t)high;
#endif
}

/* The weights that belong to the k-th word of halves, with their offset. */
BW_INLINE uint32_t bw_two_weights(uint32_t word, uint32_t bits, uint32_t k)
{
    if (bits != 8u) {
        return (word >> (bits * k)) & (bw_mask(bits) * 0x10001u);
    }
#if defined(__ARM_FEATURE_DSP)
    return (uint32_t)__sxtb16((int8x4_t)(word >> (8u * k)));
#else
    /* In each half: + 0x8000 - 0x80 without a carry. */
    return ((((word >> (8u * k)) & 0x00FF00FFu) ^ 0x00800080u) + 0x7F807F80u) ^ 0x80008000u;
#endif
}

/* What the offset of the weights adds to each inner product of a patch. */
BW_INLINE uint32_t bw_offset_sum(const uint32_t *patch, uint32_t bits, uint32_t groups)
{
    const uint32_t offset = (1u << (bits - 1u)) * 0x10001u;
    uint32_t sum = 0u;
    if (bits != 8u) {
        do {
            const uint32_t a = patch[0], b = patch[1], c = patch[2], d = patch[3];
            sum = bw_smlad(d, offset, bw_smlad(c, offset, bw_smlad(b, offset, bw_smlad(a, offset, sum))));
            patch += 4;
            groups -= 2u;
        } while (groups != 0u);
    }
    return sum;
}

#if defined(__GNUC__)
#define BW_NOT_INLINE __attribute__((__noinline__, __unused__)) static
#else
#define BW_NOT_INLINE static inline
#endif

/* The inner product of one channel, with the offset. */
BW_NOT_INLINE uint32_t bw_row_sum(uint32_t bits, const uint32_t *patch, const uint32_t *weights, uint32_t words)
{
    const uint32_t pairs = 16u / bits;
    uint32_t sum = 0u, k;
    do {
        for (k = 0u; k < pairs; ++k) {
            sum = bw_smlad(*patch++, bw_two_weights(*weights, bits, k), sum);
        }
        ++weights;
    } while (--words != 0u);
    return sum;
}

#if defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__) && defined(__ARM_FEATURE_DSP)
#define BW_HALVES_ASSEMBLER 1
#else
#define BW_HALVES_ASSEMBLER 0
#endif

#if BW_HALVES_ASSEMBLER
/* Inline assembler: loads stay together, four in five cycles, where the compiler spreads them and pays two for each.
 * Thirteen registers, so that one is left for a frame pointer; what else there is stays in memory, the ends of loops
 * too: they are compared where a load costs one cycle, and neither products nor loads change the flags. */
#define BW_LOAD(to, base, at) "ldr %[" #to "], [%[" #base "], #" #at "]\n\t"
#define BW_LOAD_STEP(to, base, step) "ldr %[" #to "], [%[" #base "]], #" #step "\n\t"
#define BW_LOAD_ROW(to, base, row) "ldr %[" #to "], [%[" #base "], %[" #row "]]\n\t"
#define BW_FETCH(to, name) "ldr %[" #to "], %[" #name "]\n\t"
#define BW_STORE_STEP(from, base) "str %[" #from "], [%[" #base "]], #4\n\t"
#define BW_EVEN_BYTES(to, from) "sxtb16 %[" #to "], %[" #from "]\n\t"
#define BW_ODD_BYTES(to, from) "sxtb16 %[" #to "], %[" #from "], ror #8\n\t"
#define BW_FIELDS(to, from, shift) "and %[" #to "], %[m], %[" #from "], lsr #" #shift "\n\t"
#define BW_MULTIPLY(sum, x, w) "smlad %[" #sum "], %[" #x "], %[" #w "], %[" #sum "]\n\t"
#define BW_SUBTRACT(from, x) "sub %[" #from "], %[" #from "], %[" #x "]\n\t"
#define BW_IS_LAST(at, end) "cmp %[" #at "], %[" #end "]\n\t"
#define BW_LOOP ".p2align 2\n1:\n\t"
#define BW_AGAIN "bne 1b\n\t"

/* Two patches by two channels at a time; words >= 1 of a row, out_c even. */
typedef struct {
    const uint32_t *x, *y, *end; /* the patches, and where the first one ends */
    uint32_t entry;              /* of the loop over a row */
    uint32_t row, gap;           /* bytes from row to row, and from what was read last to the next rows */
    uint32_t x_offset, y_offset;
    int32_t *x_acc, *y_acc, *x_acc_end;
} bw_square;

#define BW_SQUARE_BEGIN                                                                                       \
    "0:\n\t" BW_FETCH(a, x_acc) BW_FETCH(b, y_acc) BW_FETCH(x, q_x) BW_FETCH(y, q_y) BW_FETCH(t, row)         \
    BW_FETCH(u, entry) BW_LOAD(s0, a, 0) BW_LOAD(s1, a, 4) BW_LOAD(s2, b, 0) BW_LOAD(s3, b, 4)
#define BW_SQUARE_END(last)                                                                                   \
    BW_FETCH(a, x_acc) BW_FETCH(b, y_acc) BW_FETCH(t, gap) BW_FETCH(u, x_acc_end)                             \
    BW_STORE_STEP(s0, a) BW_STORE_STEP(s1, a) BW_STORE_STEP(s2, b) BW_STORE_STEP(s3, b)                       \
    "str %[a], %[x_acc]\n\tstr %[b], %[y_acc]\n\tadd %[w], %[" #last "], %[t]\n\t" BW_IS_LAST(a, u) "bne 0b\n\t"
#define BW_SQUARE_OPERANDS(m)                                                                                 \
    : [w] "+r"(w), [x] "=&r"(x), [y] "=&r"(y), m, [s0] "=&r"(s0), [s1] "=&r"(s1), [s2] "=&r"(s2),             \
      [s3] "=&r"(s3), [a] "=&r"(a), [b] "=&r"(b), [u] "=&r"(u), [v] "=&r"(v), [t] "=&r"(t),                   \
      [x_acc] "+m"(q.x_acc), [y_acc] "+m"(q.y_acc)                                                            \
    : [q_x] "m"(q.x), [q_y] "m"(q.y), [end] "m"(q.end), [entry] "m"(q.entry), [row] "m"(q.row),               \
      [gap] "m"(q.gap), [x_offset] "m"(q.x_offset), [y_offset] "m"(q.y_offset), [x_acc_end] "m"(q.x_acc_end)  \
    : "cc", "memory"

BW_INLINE void bw_squares_w8(bw_square q, const uint32_t *w, uint32_t words)
{
    uint32_t x, y, z, s0, s1, s2, s3, a, b, u, v, t;
    /* Four words a turn; the first turn starts at its second, third or last word if there are not so many. */
    q.entry = words & 3u;
    q.x += 2u * q.entry;
    q.y += 2u * q.entry;
    q.gap += 4u * q.entry - 4u * words;
    w += q.entry;
/* Where the first turn starts: with 4, 1, 2 or 3 words. */
#define BW_ENTRIES(at)                                                                                        \
    "tbb [pc, %[" #at "]]\n3:\n\t.byte (1f - 3b) / 2, (4f - 3b) / 2, (3f - 3b) / 2, (2f - 3b) / 2\n\t"
#if defined(__ARM_FP) && (__ARM_FP & 8)
/* The Cortex-M7 issues a load beside a multiplication or an extension: a word's first codes and one of its weights are
 * loaded while the word before is multiplied. */
#define BW_SQUARE_W8(load_v, at, next)                                                                        \
    BW_EVEN_BYTES(t, u) load_v BW_MULTIPLY(s0, a, t) BW_MULTIPLY(s2, b, t)                                    \
    BW_EVEN_BYTES(t, v) BW_MULTIPLY(s1, a, t) BW_LOAD(a, x, at) BW_MULTIPLY(s3, b, t) BW_LOAD(b, y, at)       \
    BW_ODD_BYTES(u, u) BW_ODD_BYTES(v, v) BW_MULTIPLY(s0, a, u) BW_MULTIPLY(s2, b, u) next
#define BW_SQUARE_NEXT_W8(at, u_at)                                                                           \
    BW_LOAD(u, w, u_at) BW_MULTIPLY(s1, a, v) BW_LOAD(a, x, at) BW_MULTIPLY(s3, b, v) BW_LOAD(b, y, at)
    __asm__ volatile(
        BW_SQUARE_BEGIN
        "add %[z], %[w], %[t]\n\tsub %[a], %[x], %[u], lsl #3\n\tsub %[b], %[y], %[u], lsl #3\n\t"
        "sub %[t], %[w], %[u], lsl #2\n\t" BW_LOAD(a, a, 0) BW_LOAD(b, b, 0) BW_LOAD(v, t, 0)
        "mov %[t], %[u]\n\tmov %[u], %[v]\n\t" BW_ENTRIES(t) BW_LOOP
        BW_LOAD_STEP(a, x, 32) BW_LOAD_STEP(b, y, 32) BW_LOAD_STEP(u, w, 16)
        BW_SQUARE_W8(BW_LOAD_STEP(v, z, 16), -28, BW_SQUARE_NEXT_W8(-24, -12))
        "2:\n\t" BW_SQUARE_W8(BW_LOAD(v, z, -12), -20, BW_SQUARE_NEXT_W8(-16, -8))
        "3:\n\t" BW_SQUARE_W8(BW_LOAD(v, z, -8), -12, BW_SQUARE_NEXT_W8(-8, -4))
        "4:\n\t" BW_SQUARE_W8(BW_LOAD(v, z, -4), -4,
                               BW_FETCH(t, end) BW_MULTIPLY(s1, a, v) BW_MULTIPLY(s3, b, v) BW_IS_LAST(x, t))
        BW_AGAIN BW_SQUARE_END(z) BW_SQUARE_OPERANDS([z] "=&r"(z)));
#else
#define BW_SQUARE_W8(at, u_at)                                                                                \
    BW_LOAD(a, x, at) BW_LOAD(b, y, at) BW_LOAD(u, w, u_at) BW_LOAD(v, z, u_at) BW_SQUARE_PRODUCTS(at + 4)
#define BW_SQUARE_PRODUCTS(at)                                                                                \
    BW_EVEN_BYTES(t, u) BW_ODD_BYTES(u, u) BW_MULTIPLY(s0, a, t) BW_MULTIPLY(s2, b, t)                        \
    BW_EVEN_BYTES(t, v) BW_ODD_BYTES(v, v) BW_MULTIPLY(s1, a, t) BW_MULTIPLY(s3, b, t)                        \
    BW_LOAD(a, x, at) BW_LOAD(b, y, at)                                                                       \
    BW_MULTIPLY(s0, a, u) BW_MULTIPLY(s1, a, v) BW_MULTIPLY(s2, b, u) BW_MULTIPLY(s3, b, v)
    __asm__ volatile(
        BW_SQUARE_BEGIN "add %[z], %[w], %[t]\n\t" BW_ENTRIES(u) BW_LOOP
        BW_LOAD_STEP(a, x, 32) BW_LOAD_STEP(b, y, 32) BW_LOAD_STEP(u, w, 16) BW_LOAD_STEP(v, z, 16)
        BW_SQUARE_PRODUCTS(-28)
        "2:\n\t" BW_SQUARE_W8(-24, -12) "3:\n\t" BW_SQUARE_W8(-16, -8)
        "4:\n\t" BW_LOAD(a, x, -8) BW_LOAD(b, y, -8) BW_LOAD(u, w, -4) BW_LOAD(v, z, -4) BW_FETCH(t, end)
        BW_IS_LAST(x, t) BW_SQUARE_PRODUCTS(-4)
        BW_AGAIN BW_SQUARE_END(z) BW_SQUARE_OPERANDS([z] "=&r"(z)));
#endif
}

/* Rows of five codes: the fifth of both patches share a register, so that all fit, also beside a frame pointer and where
 * the function around is compiled for one layer. */
BW_INLINE void bw_few_w8(const uint32_t *patch0, const uint32_t *patch1, const uint32_t *w, uint32_t out_c,
                         int32_t *acc0, int32_t *acc1)
{
    const int32_t *last = acc0 + out_c - 1;
    const uint32_t fifths = (patch0[2] & 0xFFFFu) | (patch1[2] << 16);
    uint32_t u, t, s, r;
    __asm__ volatile(
        BW_LOOP BW_LOAD_STEP(u, w, 4) BW_LOAD(s, acc0, 0) BW_LOAD(r, acc1, 0) BW_FETCH(t, last) BW_IS_LAST(acc0, t)
        BW_EVEN_BYTES(t, u) BW_ODD_BYTES(u, u)
        BW_MULTIPLY(s, a, t) BW_MULTIPLY(r, d, t) BW_MULTIPLY(s, b, u) BW_MULTIPLY(r, e, u)
        BW_LOAD_STEP(u, w, 4) BW_EVEN_BYTES(u, u)
        "smlabb %[s], %[c], %[u], %[s]\n\tsmlatb %[r], %[c], %[u], %[r]\n\t"
        BW_STORE_STEP(s, acc0) BW_STORE_STEP(r, acc1) BW_AGAIN
        : [w] "+r"(w), [acc0] "+r"(acc0), [acc1] "+r"(acc1), [u] "=&r"(u), [t] "=&r"(t), [s] "=&r"(s), [r] "=&r"(r)
        : [a] "r"(patch0[0]), [b] "r"(patch0[1]), [c] "r"(fifths), [d] "r"(patch1[0]), [e] "r"(patch1[1]),
          [last] "m"(last)
        : "cc", "memory");
}

/* Fields of 4 and 2 bits. A word's first halves go on to the next word's, so that its last are at -4. */
#define BW_SQUARE_FIRST(mask, step)                                                                           \
    BW_FETCH(a, x_offset) BW_FETCH(b, y_offset) BW_SUBTRACT(s0, a) BW_SUBTRACT(s1, a) BW_SUBTRACT(s2, b)      \
    BW_SUBTRACT(s3, b) "mov %[m], #" #mask "\n\t" BW_LOOP                                                     \
    BW_FETCH(t, row) BW_LOAD_STEP(a, x, step) BW_LOAD_STEP(b, y, step) BW_LOAD_ROW(v, w, t)                   \
    BW_LOAD_STEP(u, w, 4) BW_SQUARE(0)
#define BW_SQUARE(shift)                                                                                      \
    BW_FIELDS(t, u, shift) BW_MULTIPLY(s0, a, t) BW_MULTIPLY(s2, b, t)                                        \
    BW_FIELDS(t, v, shift) BW_MULTIPLY(s1, a, t) BW_MULTIPLY(s3, b, t)
#define BW_SQUARE_NEXT(at, shift) BW_LOAD(a, x, at) BW_LOAD(b, y, at) BW_SQUARE(shift)
#define BW_SQUARE_LAST(shift)                                                                                 \
    BW_LOAD(a, x, -4) BW_LOAD(b, y, -4) BW_FETCH(t, end) BW_IS_LAST(x, t) BW_SQUARE(shift) BW_AGAIN           \
    BW_SQUARE_END(w)

BW_INLINE void bw_squares_w4(bw_square q, const uint32_t *w, uint32_t words)
{
    uint32_t x, y, m, s0, s1, s2, s3, a, b, u, v, t;
    q.gap += q.row - 4u * words;
    __asm__ volatile(BW_SQUARE_BEGIN BW_SQUARE_FIRST(0x000F000F, 16) BW_SQUARE_NEXT(-12, 4) BW_SQUARE_NEXT(-8, 8)
                         BW_SQUARE_LAST(12) BW_SQUARE_OPERANDS([m] "=&r"(m)));
}

BW_INLINE void bw_squares_w2(bw_square q, const uint32_t *w, uint32_t words)
{
    uint32_t x, y, m, s0, s1, s2, s3, a, b, u, v, t;
    q.gap += q.row - 4u * words;
    __asm__ volatile(BW_SQUARE_BEGIN BW_SQUARE_FIRST(0x00030003, 32) BW_SQUARE_NEXT(-28, 2) BW_SQUARE_NEXT(-24, 4)
                         BW_SQUARE_NEXT(-20, 6) BW_SQUARE_NEXT(-16, 8) BW_SQUARE_NEXT(-12, 10)
                             BW_SQUARE_NEXT(-8, 12) BW_SQUARE_LAST(14) BW_SQUARE_OPERANDS([m] "=&r"(m)));
}

/* One patch by several channels. */

#define BW_BAR_W8 4u /* channels */
BW_NOT_INLINE void bw_bar_w8(const uint32_t *x, const uint32_t *w, uint32_t row_words, uint32_t words, uint32_t *sum)
{
    const uint32_t *z = w + 2u * row_words, *end = x + 2u * words;
    const uint32_t row = 4u * row_words;
    uint32_t s0 = sum[0], s1 = sum[1], s2 = sum[2], s3 = sum[3], a, b, u, v;
#define BW_TWO_CHANNELS(s, r)                                                                                 \
    BW_EVEN_BYTES(t, u) BW_ODD_BYTES(u, u) BW_MULTIPLY(s, a, t) BW_EVEN_BYTES(t, v)                           \
    BW_MULTIPLY(s, b, u) BW_ODD_BYTES(v, v) BW_MULTIPLY(r, a, t) BW_MULTIPLY(r, b, v)
#define BW_FOUR_CHANNELS(then)                                                                                \
    BW_LOAD_STEP(a, x, 8) BW_LOAD_ROW(v, w, row) BW_LOAD_STEP(u, w, 4) BW_LOAD(b, x, -4) then                 \
    BW_TWO_CHANNELS(s0, s1) BW_LOAD_ROW(v, z, row) BW_LOAD_STEP(u, z, 4) BW_TWO_CHANNELS(s2, s3)
    __asm__ volatile(
        "lsls %[t], %[t], #31\n\tbmi 2f\n\t" /* an odd number of words: in at the middle of the loop */
        BW_LOOP BW_FOUR_CHANNELS() "2:\n\t" BW_FOUR_CHANNELS(BW_FETCH(t, end) BW_IS_LAST(x, t)) BW_AGAIN
        : [s0] "+r"(s0), [s1] "+r"(s1), [s2] "+r"(s2), [s3] "+r"(s3), [x] "+r"(x), [w] "+r"(w), [z] "+r"(z),
          [a] "=&r"(a), [b] "=&r"(b), [u] "=&r"(u), [v] "=&r"(v), [t] "+r"(words)
        : [row] "r"(row), [end] "m"(end)
        : "cc", "memory");
    sum[0] = s0;
    sum[1] = s1;
    sum[2] = s2;
    sum[3] = s3;
}

#define BW_BAR_W4 2u
#define BW_BAR_FIRST(step, b_at, c_at, d_at)                                                                  \
    BW_LOOP BW_LOAD_STEP(a, x, step) BW_LOAD_STEP(u, w, 4) BW_LOAD_STEP(v, z, 4) BW_LOAD(b, x, b_at)          \
    BW_LOAD(c, x, c_at) BW_LOAD(d, x, d_at) BW_FETCH(t, end) BW_IS_LAST(x, t)
#define BW_BAR(shift, x)                                                                                      \
    BW_FIELDS(t, u, shift) BW_MULTIPLY(s0, x, t) BW_FIELDS(t, v, shift) BW_MULTIPLY(s1, x, t)
#define BW_BAR_OPERANDS                                                                                       \
    : [s0] "+r"(s0), [s1] "+r"(s1), [x] "+r"(x), [w] "+r"(w), [z] "+r"(z), [a] "=&r"(a), [b] "=&r"(b),        \
      [c] "=&r"(c), [d] "=&r"(d), [u] "=&r"(u), [v] "=&r"(v), [t] "=&r"(t)                                    \
    : [m] "r"(mask), [end] "m"(end)                                                                           \
    : "cc", "memory"

BW_NOT_INLINE void bw_bar_w4(const uint32_t *x, const uint32_t *w, uint32_t row_words, uint32_t words, uint32_t *sum)
{
    const uint32_t *z = w + row_words, *end = x + 4u * words;
    const uint32_t mask = 0x000F000Fu;
    uint32_t s0 = sum[0], s1 = sum[1], a, b, c, d, u, v, t;
    __asm__ volatile(BW_BAR_FIRST(16, -12, -8, -4) BW_BAR(0, a) BW_BAR(4, b) BW_BAR(8, c) BW_BAR(12, d) BW_AGAIN
                         BW_BAR_OPERANDS);
    sum[0] = s0;
    sum[1] = s1;
}

#define BW_BAR_W2 2u
BW_NOT_INLINE void bw_bar_w2(const uint32_t *x, const uint32_t *w, uint32_t row_words, uint32_t words, uint32_t *sum)
{
    const uint32_t *z = w + row_words, *end = x + 8u * words;
    const uint32_t mask = 0x00030003u;
    uint32_t s0 = sum[0], s1 = sum[1], a, b, c, d, u, v, t;
    __asm__ volatile(BW_BAR_FIRST(32, -28, -24, -20) BW_BAR(0, a) BW_BAR(2, b) BW_BAR(4, c) BW_BAR(6, d)
                         BW_LOAD(a, x, -16) BW_LOAD(b, x, -12) BW_LOAD(c, x, -8) BW_LOAD(d, x, -4)
                         BW_BAR(8, a) BW_BAR(10, b) BW_BAR(12, c) BW_BAR(14, d) BW_AGAIN BW_BAR_OPERANDS);
    sum[0] = s0;
    sum[1] = s1;
}
#endif

BW_INLINE void bw_accumulate_two(uint32_t bits, const uint32_t *patch0, const uint32_t *patch1,
                                 const uint32_t *weights, uint32_t row_words, uint32_t codes, uint32_t out_c,
                                 int32_t *acc0, int32_t *acc1)
{
    const uint32_t words = (codes * bits + 31u) / 32u, groups = 8u * words / bits;
    const uint32_t offset0 = bw_offset_sum(patch0, bits, groups), offset1 = bw_offset_sum(patch1, bits, groups);
#if BW_HALVES_ASSEMBLER
    if (bits == 8u && codes == 5u) {
        bw_few_w8(patch0, patch1, weights, out_c, acc0, acc1);
        return;
    }
    if (out_c > 1u) {
        const uint32_t even = out_c & ~1u, row = 4u * row_words;
        const bw_square q = {patch0, patch1, patch0 + 2u * groups, 0u, row, row, offset0, offset1, acc0, acc1, acc0 + even};
        if (bits == 8u) {
            bw_squares_w8(q, weights, words);
        } else if (bits == 4u) {
            bw_squares_w4(q, weights, words);
        } else {
            bw_squares_w2(q, weights, words);
        }
        acc0 += even;
        acc1 += even;
        weights += even * row_words;
        out_c -= even;
    }
#endif
    for (; out_c != 0u; --out_c) {
        *acc0 = (int32_t)((uint32_t)*acc0 + bw_row_sum(bits, patch0, weights, words) - offset0);
        *acc1 = (int32_t)((uint32_t)*acc1 + bw_row_sum(bits, patch1, weights, words) - offset1);
        ++acc0;
        ++acc1;
        weights += row_words;
    }
}

BW_INLINE void bw_accumulate_one(uint32_t bits, const uint32_t *patch, const uint32_t *weights, uint32_t row_words,
                                 uint32_t groups, uint32_t out_c, int32_t *acc)
{
    const uint32_t words = groups * bits / 8u, offset = bw_offset_sum(patch, bits, groups);
#if BW_HALVES_ASSEMBLER
    const uint32_t channels = (bits == 8u) ? BW_BAR_W8 : (bits == 4u) ? BW_BAR_W4 : BW_BAR_W2;
    for (; out_c >= channels; out_c -= channels) {
        uint32_t sum[4];
        sum[0] = (uint32_t)acc[0] - offset;
        sum[1] = (uint32_t)acc[1] - offset;
        if (channels > 2u) {
            sum[2] = (uint32_t)acc[2] - offset;
            sum[3] = (uint32_t)acc[3] - offset;
        }
        if (bits == 8u) {
            bw_bar_w8(patch, weights, row_words, words, sum);
        } else if (bits == 4u) {
            bw_bar_w4(patch, weights, row_words, words, sum);
        } else {
            bw_bar_w2(patch, weights, row_words, words, sum);
        }
        acc[0] = (int32_t)sum[0];
        acc[1] = (int32_t)sum[1];
        if (channels > 2u) {
            acc[2] = (int32_t)sum[2];
            acc[3] = (int32_t)sum[3];
        }
        acc += channels;
        weights += channels * row_words;
    }
#endif
    for (; out_c != 0u; --out_c) {
        *acc = (int32_t)((uint32_t)*acc + bw_row_sum(bits, patch, weights, words) - offset);
        ++acc;
        weights += row_words;
    }
}

/* acc[o] += sum over i of patch[i] * weight[o][i], i < 4 * groups, o < out_c. row_words: from row to row. */
static inline void bw_accumulate_w81(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t groups,
                                 uint32_t out_c, int32_t *acc)
{
    bw_accumulate_one(8u, patch, weights, row_words, groups, out_c, acc);
}

static inline void bw_accumulate_w41(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t groups,
                                 uint32_t out_c, int32_t *acc)
{
    bw_accumulate_one(4u, patch, weights, row_words, groups, out_c, acc);
}

static inline void bw_accumulate_w21(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t groups,
                                 uint32_t out_c, int32_t *acc)
{
    bw_accumulate_one(2u, patch, weights, row_words, groups, out_c, acc);
}

/* The same of two patches, which hold `codes` codes each and zeros behind them. */
static inline void bw_accumulate_w8(const uint32_t *patch0, const uint32_t *patch1,
                                                     const uint32_t *weights, uint32_t row_words, uint32_t codes,
                                                     uint32_t out_c, int32_t *acc0, int32_t *acc1)
{
    bw_accumulate_two(8u, patch0, patch1, weights, row_words, codes, out_c, acc0, acc1);
}

static inline void bw_accumulate_w4(const uint32_t *patch0, const uint32_t *patch1,
                                                     const uint32_t *weights, uint32_t row_words, uint32_t codes,
                                                     uint32_t out_c, int32_t *acc0, int32_t *acc1)
{
    bw_accumulate_two(4u, patch0, patch1, weights, row_words, codes, out_c, acc0, acc1);
}

static inline void bw_accumulate_w2(const uint32_t *patch0, const uint32_t *patch1,
                                                     const uint32_t *weights, uint32_t row_words, uint32_t codes,
                                                     uint32_t out_c, int32_t *acc0, int32_t *acc1)
{
    bw_accumulate_two(2u, patch0, patch1, weights, row_words, codes, out_c, acc0, acc1);
}

/* Depthwise convolution. The patch holds a pixel's codes tap after tap, each tap's filled up to a group of four. The
 * weights are packed as above, a row for every four channels: code 4 t + j of row g is tap t of channel 4 g + j; rows
 * are filled up to whole words. acc[c] += sum over t < taps of patch[t][c] * weight[t][c], c < channels. */
BW_INLINE void bw_depthwise_one(uint32_t bits, const uint32_t *patch, const uint32_t *weights, uint32_t taps,
                                uint32_t channels, int32_t *acc)
{
    const uint32_t tap_words = (channels + 3u) / 4u * 2u, row_words = (taps * 4u * bits + 31u) / 32u;
    const uint32_t pairs = 16u / bits, offset = (bits == 8u) ? 0u : 1u << (bits - 1u);
    uint32_t c, t;
    for (c = 0u; c < channels; ++c) {
        const uint32_t *x = patch + 2u * (c >> 2) + (c & 1u), *w = weights + (c >> 2) * row_words;
        const uint32_t shift = 8u * (c & 2u);
        uint32_t sum = (uint32_t)acc[c];
        for (t = 0u; t < taps; ++t) {
            const uint32_t place = 2u * t + (c & 1u);
            const uint32_t two = bw_two_weights(w[place / pairs], bits, place % pairs);
            sum = bw_smlad((*x >> shift) & 0xFFFFu, ((two >> shift) - offset) & 0xFFFFu, sum);
            x += tap_words;
        }
        acc[c] = (int32_t)sum;
    }
}

BW_INLINE void bw_depthwise_w8(const uint32_t *patch0, const uint32_t *patch1, const uint32_t *weights, uint32_t taps,
                               uint32_t channels, int32_t *acc0, int32_t *acc1)
{
    bw_depthwise_one(8u, patch0, weights, taps, channels, acc0);
    bw_depthwise_one(8u, patch1, weights, taps, channels, acc1);
}

BW_INLINE void bw_depthwise_w4(const uint32_t *patch0, const uint32_t *patch1, const uint32_t *weights, uint32_t taps,
                               uint32_t channels, int32_t *acc0, int32_t *acc1)
{
    bw_depthwise_one(4u, patch0, weights, taps, channels, acc0);
    bw_depthwise_one(4u, patch1, weights, taps, channels, acc1);
}

BW_INLINE void bw_depthwise_w2(const uint32_t *patch0, const uint32_t *patch1, const uint32_t *weights, uint32_t taps,
                               uint32_t channels, int32_t *acc0, int32_t *acc1)
{
    bw_depthwise_one(2u, patch0, weights, taps, channels, acc0);
    bw_depthwise_one(2u, patch1, weights, taps, channels, acc1);
}

#endif

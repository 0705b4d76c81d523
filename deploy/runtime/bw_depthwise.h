/* bw_depthwise.h: the sums of all channels of one window of a depthwise convolution.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Weights are bytes in groups of four channels, the last group filled up with zeros: [group][kernel_h][kernel_w][4].
 * Of four bytes of a word, channels c to c + 3, SXTB16 takes c and c + 2, and after a rotation c + 1 and c + 3; SMLABB
 * and SMLATT multiply them.
 */
#ifndef BW_DEPTHWISE_H
#define BW_DEPTHWISE_H

#include <string.h>

#include "bw_bits.h"

/* Codes of a map or of a window in scratch memory. */
enum {
    BW_SIGNED_BYTES = 0,
    BW_UNSIGNED_BYTES = 1,
    BW_HALVES = 2 /* int16 */
};

/* Those taps of a window that are summed up. */
typedef struct {
    const uint8_t *codes;    /* of the first tap */
    uint32_t step, row_step; /* bytes of codes from column to column and from row to row */
    uint32_t top, left;      /* the first tap's place in the window */
    uint32_t rows, columns;
    uint32_t kernel_h, kernel_w;
    const uint8_t *weights;  /* of the whole window */
} bw_tap_block;

/* Words of a list of taps: where each tap's codes lie, and an end. */
BW_INLINE uint32_t bw_list_words(const bw_layer *layer)
{
    return (uint32_t)layer->kernel_h * layer->kernel_w + 1u;
}

#if defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__) && defined(__ARM_FEATURE_DSP)
#define BW_DEPTHWISE_ASSEMBLER 1
#else
#define BW_DEPTHWISE_ASSEMBLER 0
#endif

/* Where registers suffice, four channels go along a list of taps together. */
#if defined(__thumb2__)
#define BW_TAP_LISTS 1
#else
#define BW_TAP_LISTS 0
#endif

#if BW_TAP_LISTS
/* Bytes from the block's first code to each tap's; taps outside the block read `zeros`. */
static void bw_list_taps(const bw_tap_block *block, const uint8_t *zeros, bw_word *list)
{
    const uint32_t outside = (uint32_t)zeros - (uint32_t)block->codes;
    uint32_t row = 0u, y, x;
    for (y = 0u; y < block->kernel_h; ++y) {
        uint32_t at = row;
        for (x = 0u; x < block->kernel_w; ++x) {
            if (y - block->top < block->rows && x - block->left < block->columns) {
                *list++ = at;
                at += block->step;
            } else {
                *list++ = outside;
            }
        }
        row += (y - block->top < block->rows) ? block->row_step : 0u;
    }
    *list = 0x80000000u; /* no tap lies so far away */
}
#endif

#if BW_DEPTHWISE_ASSEMBLER

/* One tap of four channels; its loads stay together, that of the next tap's place among them. */
#define BW_TAP_OF_BYTES(extend)                   \
    "ldr %[a], [%[x], %[at]]\n\t"                 \
    "ldr %[b], [%[w]], #4\n\t"                    \
    "ldr %[at], [%[list]], #4\n\t"                \
    extend " %[c], %[a]\n\t"                      \
    "sxtb16 %[d], %[b]\n\t"                       \
    extend " %[a], %[a], ror #8\n\t"              \
    "sxtb16 %[b], %[b], ror #8\n\t"               \
    "smlabb %[s0], %[c], %[d], %[s0]\n\t"         \
    "smlatt %[s2], %[c], %[d], %[s2]\n\t"         \
    "smlabb %[s1], %[a], %[b], %[s1]\n\t"         \
    "smlatt %[s3], %[a], %[b], %[s3]\n\t"
#define BW_TAP_OF_HALVES                          \
    "add %[at], %[at], %[x]\n\t"                  \
    "ldr %[a], [%[at]]\n\t"                       \
    "ldr %[c], [%[at], #4]\n\t"                   \
    "ldr %[b], [%[w]], #4\n\t"                    \
    "ldr %[at], [%[list]], #4\n\t"                \
    "sxtb16 %[d], %[b]\n\t"                       \
    "sxtb16 %[b], %[b], ror #8\n\t"               \
    "smlabb %[s0], %[a], %[d], %[s0]\n\t"         \
    "smlabt %[s2], %[c], %[d], %[s2]\n\t"         \
    "smlatb %[s1], %[a], %[b], %[s1]\n\t"         \
    "smlatt %[s3], %[c], %[b], %[s3]\n\t"

/* Groups of four channels up to the end of their sums; three taps a turn, of the first turn only taps % 3. Thirteen
 * registers, so that one is left for a frame pointer. */
#define BW_SUM_GROUPS(tap, bytes)                                                                             \
    __asm__ volatile(                                                                                         \
        ".p2align 2\n"                                                                                        \
        "1:\n\t"                                                                                              \
        "ldr %[list], %[first]\n\t"                                                                           \
        "ldr %[a], %[rest]\n\t"                                                                               \
        "ldr %[at], [%[list]], #4\n\t"                                                                        \
        "mov %[s0], #0\n\t"                                                                                   \
        "mov %[s1], #0\n\t"                                                                                   \
        "mov %[s2], #0\n\t"                                                                                   \
        "mov %[s3], #0\n\t"                                                                                   \
        "cmp %[a], #1\n\t"                                                                                    \
        "beq 4f\n\t"                                                                                          \
        "bhi 3f\n"                                                                                            \
        "2:\n\t" tap                                                                                          \
        "3:\n\t" tap                                                                                          \
        "4:\n\t" tap                                                                                          \
        "cmp %[at], #0x80000000\n\t"                                                                          \
        "bne 2b\n\t"                                                                                          \
        "ldr %[a], %[end]\n\t"                                                                                \
        "str %[s0], [%[acc]], #4\n\t"                                                                         \
        "str %[s1], [%[acc]], #4\n\t"                                                                         \
        "str %[s2], [%[acc]], #4\n\t"                                                                         \
        "str %[s3], [%[acc]], #4\n\t"                                                                         \
        "add %[x], %[x], #" #bytes "\n\t"                                                                     \
        "cmp %[acc], %[a]\n\t"                                                                                \
        "bne 1b\n\t"                                                                                          \
        : [x] "+r"(x), [w] "+r"(w), [acc] "+r"(acc), [list] "=&r"(list), [at] "=&r"(at), [s0] "=&r"(s0),      \
          [s1] "=&r"(s1), [s2] "=&r"(s2), [s3] "=&r"(s3), [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c),           \
          [d] "=&r"(d)                                                                                        \
        : [first] "m"(taps), [rest] "m"(rest), [end] "m"(end)                                                 \
        : "cc", "memory")

/* acc[c] = the sum of channel c < channels, a multiple of 4 and at least 4; taps: of bw_list_taps. */
BW_INLINE void bw_sum_groups(uint32_t kind, const bw_tap_block *block, const bw_word *taps, uint32_t channels,
                             int32_t *acc)
{
    const uint8_t *x = block->codes, *w = block->weights;
    const int32_t *const end = acc + channels;
    const uint32_t rest = block->kernel_h * block->kernel_w % 3u;
    const bw_word *list;
    uint32_t at, s0, s1, s2, s3, a, b, c, d;
    if (kind == (uint32_t)BW_HALVES) {
        BW_SUM_GROUPS(BW_TAP_OF_HALVES, 8);
    } else if (kind == (uint32_t)BW_SIGNED_BYTES) {
        BW_SUM_GROUPS(BW_TAP_OF_BYTES("sxtb16"), 4);
    } else {
        BW_SUM_GROUPS(BW_TAP_OF_BYTES("uxtb16"), 4);
    }
}
#endif

BW_INLINE int32_t bw_code_at(uint32_t kind, const uint8_t *codes)
{
    if (kind == (uint32_t)BW_HALVES) {
        int16_t half;
        memcpy(&half, codes, sizeof half);
        return half;
    }
    return (kind == (uint32_t)BW_SIGNED_BYTES) ? (int32_t)*(const int8_t *)codes : (int32_t)*codes;
}

#if BW_TAP_LISTS && !BW_DEPTHWISE_ASSEMBLER
/* acc[c] = the sum of channel c < channels, a multiple of 4 and at least 4; taps: of bw_list_taps. */
BW_INLINE void bw_sum_groups(uint32_t kind, const bw_tap_block *block, const bw_word *taps, uint32_t channels,
                             int32_t *acc)
{
    const uint32_t bytes = (kind == (uint32_t)BW_HALVES) ? 2u : 1u;
    const int8_t *w = (const int8_t *)block->weights;
    const int32_t *const end = acc + channels;
    uint32_t codes = (uint32_t)block->codes;
    do {
        const bw_word *tap = taps;
        int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        uint32_t at = *tap++;
        do {
            const uint8_t *x = (const uint8_t *)(codes + at);
            at = *tap++;
            s0 += bw_code_at(kind, x) * w[0];
            s1 += bw_code_at(kind, x + bytes) * w[1];
            s2 += bw_code_at(kind, x + 2u * bytes) * w[2];
            s3 += bw_code_at(kind, x + 3u * bytes) * w[3];
            w += 4;
        } while (at != 0x80000000u);
        *acc++ = s0;
        *acc++ = s1;
        *acc++ = s2;
        *acc++ = s3;
        codes += 4u * bytes;
    } while (acc != end);
}
#endif

/* One channel: weights are those of the block's first tap. */
BW_INLINE int32_t bw_sum_one(uint32_t kind, const bw_tap_block *block, const uint8_t *codes, const uint8_t *weights)
{
    const uint32_t step = block->step;
    int32_t sum = 0;
    uint32_t rows = block->rows;
    do {
        const uint8_t *x = codes;
        const int8_t *w = (const int8_t *)weights;
        uint32_t columns = block->columns;
        do {
            sum += bw_code_at(kind, x) * *w;
            x += step;
            w += 4;
        } while (--columns != 0u);
        codes += block->row_step;
        weights += 4u * block->kernel_w;
    } while (--rows != 0u);
    return sum;
}

/* acc[c] = the sum of channel c. taps: of bw_list_taps. */
BW_INLINE void bw_sum_channels(uint32_t kind, const bw_tap_block *block, const bw_word *taps, uint32_t channels,
                               int32_t *acc)
{
    const uint32_t bytes = (kind == (uint32_t)BW_HALVES) ? 2u : 1u, group = 4u * block->kernel_h * block->kernel_w;
    const uint8_t *weights = block->weights + 4u * (block->top * block->kernel_w + block->left);
    uint32_t c = 0u;
#if BW_TAP_LISTS
    if (channels >= 4u) {
        c = channels & ~3u;
        bw_sum_groups(kind, block, taps, c, acc);
    }
#else
    (void)taps;
#endif
    for (; c < channels; ++c) {
        acc[c] = bw_sum_one(kind, block, block->codes + c * bytes, weights + (c >> 2) * group + (c & 3u));
    }
}

#endif

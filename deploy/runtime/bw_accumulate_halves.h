/* bw_accumulate_halves.h: inner products of patches of halves (bw_gather_halves.h) with the weights of every output
 * channel. SPDX-License-Identifier: Apache-2.0
 *
 * A row of weights is cut into words of 4, 8 or 16 codes for weights of 8, 4 or 2 bits; `groups` counts groups of four
 * codes and fills whole words of weights: the patch has zeros behind its last code. Code i of a row, with b bits a
 * weight, lies in word i / (32 / b), from bit
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

/* The k-th two weights of a word. */
BW_INLINE uint32_t bw_weights_of(uint32_t word, uint32_t bits, uint32_t k)
{
    const uint32_t fields = (word >> (bits * k)) & (bw_mask(bits) * 0x10001u);
    return (bits == 8u) ? ((fields ^ 0x00800080u) + 0x7F807F80u) ^ 0x80008000u : fields;
}

/* What the weights' offset adds to each inner product of a patch. */
BW_INLINE uint32_t bw_offset_sum(const uint32_t *patch, uint32_t bits, uint32_t groups)
{
    const uint32_t offset = (1u << (bits - 1u)) * 0x10001u;
    uint32_t sum = 0u, i;
    if (bits != 8u) {
        for (i = 0u; i < 2u * groups; ++i) {
            sum = bw_smlad(patch[i], offset, sum);
        }
    }
    return sum;
}

BW_INLINE void bw_accumulate_one(uint32_t bits, const uint32_t *patch, const uint32_t *weights, uint32_t row_words,
                                 uint32_t groups, uint32_t out_c, int32_t *acc)
{
    const uint32_t offset = bw_offset_sum(patch, bits, groups), words = groups * bits / 8u, pairs = 16u / bits;
    for (; out_c != 0u; --out_c) {
        const uint32_t *x = patch;
        uint32_t sum = (uint32_t)*acc - offset, i, k;
        for (i = 0u; i < words; ++i) {
            for (k = 0u; k < pairs; ++k) {
                sum = bw_smlad(*x++, bw_weights_of(weights[i], bits, k), sum);
            }
        }
        *acc++ = (int32_t)sum;
        weights += row_words;
    }
}

/* acc[o] += sum over i of patch[i] * weight[o][i], i < 4 * groups, o < out_c. row_words: from row to row. */
BW_INLINE void bw_accumulate_w81(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t groups,
                                 uint32_t out_c, int32_t *acc)
{
    bw_accumulate_one(8u, patch, weights, row_words, groups, out_c, acc);
}

BW_INLINE void bw_accumulate_w41(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t groups,
                                 uint32_t out_c, int32_t *acc)
{
    bw_accumulate_one(4u, patch, weights, row_words, groups, out_c, acc);
}

BW_INLINE void bw_accumulate_w21(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t groups,
                                 uint32_t out_c, int32_t *acc)
{
    bw_accumulate_one(2u, patch, weights, row_words, groups, out_c, acc);
}

/* The same of two patches. */
BW_INLINE void bw_accumulate_w8(const uint32_t *patch0, const uint32_t *patch1, const uint32_t *weights,
                                uint32_t row_words, uint32_t groups, uint32_t out_c, int32_t *acc0, int32_t *acc1)
{
    bw_accumulate_one(8u, patch0, weights, row_words, groups, out_c, acc0);
    bw_accumulate_one(8u, patch1, weights, row_words, groups, out_c, acc1);
}

BW_INLINE void bw_accumulate_w4(const uint32_t *patch0, const uint32_t *patch1, const uint32_t *weights,
                                uint32_t row_words, uint32_t groups, uint32_t out_c, int32_t *acc0, int32_t *acc1)
{
    bw_accumulate_one(4u, patch0, weights, row_words, groups, out_c, acc0);
    bw_accumulate_one(4u, patch1, weights, row_words, groups, out_c, acc1);
}

BW_INLINE void bw_accumulate_w2(const uint32_t *patch0, const uint32_t *patch1, const uint32_t *weights,
                                uint32_t row_words, uint32_t groups, uint32_t out_c, int32_t *acc0, int32_t *acc1)
{
    bw_accumulate_one(2u, patch0, weights, row_words, groups, out_c, acc0);
    bw_accumulate_one(2u, patch1, weights, row_words, groups, out_c, acc1);
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
            const uint32_t two = bw_weights_of(w[place / pairs], bits, place % pairs);
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

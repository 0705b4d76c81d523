/* bw_accumulate_halves.h (v0) SPDX-License-Identifier: Apache-2.0 */
#ifndef BW_ACCUMULATE_HALVES_H
#define BW_ACCUMULATE_HALVES_H
#include "bw_bits.h"
BW_INLINE int32_t bw_half(const uint32_t *patch, uint32_t i)
{
    const uint32_t word = patch[(i >> 2) * 2u + (i & 1u)] >> ((i & 2u) * 8u);
    return (int32_t)((word & 0xFFFFu) ^ 0x8000u) - 0x8000;
}
BW_INLINE int32_t bw_weight_w8(const uint32_t *w, uint32_t i)
{
    return (int32_t)(((w[i >> 2] >> (8u * (i & 3u))) & 0xFFu) ^ 0x80u) - 0x80;
}
BW_INLINE int32_t bw_weight_w4(const uint32_t *w, uint32_t i)
{
    return (int32_t)(((w[i >> 3] >> (8u * (i & 3u) + 4u - (i & 4u))) & 15u) ^ 8u) - 8;
}
BW_INLINE int32_t bw_weight_w2(const uint32_t *w, uint32_t i)
{
    return (int32_t)(((w[i >> 4] >> (8u * (i & 3u) + 6u - 2u * ((i >> 2) & 3u))) & 3u) ^ 2u) - 2;
}
#define BW_SLOW_ACCUMULATE(name, weight)                                                                          \
    BW_INLINE void name##1(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t groups,   \
                           uint32_t out_c, int32_t *acc)                                                          \
    {                                                                                                             \
        uint32_t o, i;                                                                                            \
        for (o = 0u; o < out_c; ++o) {                                                                            \
            for (i = 0u; i < 4u * groups; ++i) {                                                                  \
                acc[o] += bw_half(patch, i) * weight(weights + o * row_words, i);                                 \
            }                                                                                                     \
        }                                                                                                         \
    }                                                                                                             \
    BW_INLINE void name(const uint32_t *patch0, const uint32_t *patch1, const uint32_t *weights,                  \
                        uint32_t row_words, uint32_t groups, uint32_t out_c, int32_t *acc0, int32_t *acc1)        \
    {                                                                                                             \
        name##1(patch0, weights, row_words, groups, out_c, acc0);                                                 \
        name##1(patch1, weights, row_words, groups, out_c, acc1);                                                 \
    }
BW_SLOW_ACCUMULATE(bw_accumulate_w8, bw_weight_w8)
BW_SLOW_ACCUMULATE(bw_accumulate_w4, bw_weight_w4)
BW_SLOW_ACCUMULATE(bw_accumulate_w2, bw_weight_w2)
#endif

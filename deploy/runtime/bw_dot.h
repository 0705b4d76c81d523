/* bw_dot.h: products of a run of input codes and a run of weight codes, one function per pair of formats.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BW_DOT_H
#define BW_DOT_H

#include "bw_bits.h"

/* Sum over i < count of input[from + i] * weight[tap + i]; count >= 1. */
typedef int32_t bw_dot(const bw_layer *layer, const bw_word *in, uint32_t from, uint32_t tap, uint32_t count);

/* +-1 times +-1 is +1 where the bits match: count - 2 * popcount(a ^ w). */
BW_INLINE int32_t bw_dot_a1w1(const bw_layer *layer, const bw_word *in, uint32_t from, uint32_t tap, uint32_t count)
{
    const bw_word *a = in + (from >> 5);
    const uint32_t *w = layer->weights + (tap >> 5);
    const uint32_t a_shift = from & 31u, w_shift = tap & 31u;
    uint32_t left = count, differ = 0u;
    if ((a_shift | w_shift) == 0u) {
        for (; left >= 32u; left -= 32u) {
            differ += bw_popcount(*a++ ^ *w++);
        }
    } else {
        const uint32_t a_next = (a_shift != 0u) ? 1u : 0u, w_next = (w_shift != 0u) ? 1u : 0u;
        for (; left >= 32u; left -= 32u) {
            differ += bw_popcount(bw_funnel(a[0], a[a_next], a_shift) ^ bw_funnel(w[0], w[w_next], w_shift));
            ++a;
            ++w;
        }
    }
    if (left != 0u) {
        differ += bw_popcount(bw_field(a, a_shift, left) ^ bw_field(w, w_shift, left));
    }
    return (int32_t)(count - 2u * differ);
}

/* Two planes: where the weight is not 0, +1 if the bits match, else -1. */
BW_INLINE int32_t bw_dot_a1wt(const bw_layer *layer, const bw_word *in, uint32_t from, uint32_t tap, uint32_t count)
{
    const bw_word *a = in + (from >> 5);
    const uint32_t *w = layer->weights + 2u * (tap >> 5);
    const uint32_t a_shift = from & 31u, w_shift = tap & 31u;
    const uint32_t a_next = (a_shift != 0u) ? 1u : 0u, w_next = (w_shift != 0u) ? 2u : 0u;
    uint32_t left = count, kept = 0u, differ = 0u;
    for (; left >= 32u; left -= 32u) {
        const uint32_t mask = bw_funnel(w[0], w[w_next], w_shift);
        const uint32_t plus = bw_funnel(w[1], w[1u + w_next], w_shift);
        kept += bw_popcount(mask);
        differ += bw_popcount((bw_funnel(a[0], a[a_next], a_shift) ^ plus) & mask);
        ++a;
        w += 2;
    }
    if (left != 0u) {
        const uint32_t high = 2u * ((w_shift + left - 1u) >> 5);
        const uint32_t mask = bw_funnel(w[0], w[high], w_shift) & bw_mask(left);
        const uint32_t plus = bw_funnel(w[1], w[1u + high], w_shift);
        kept += bw_popcount(mask);
        differ += bw_popcount((bw_field(a, a_shift, left) ^ plus) & mask);
    }
    return (int32_t)(kept - 2u * differ);
}

/* Sixteen two's complement ternary products: those not 0 less twice those below 0. */
BW_INLINE uint32_t bw_ternary_products(uint32_t a, uint32_t w)
{
    const uint32_t kept = a & w & 0x55555555u;
    const uint32_t below = ((a ^ w) >> 1) & kept;
    return bw_popcount(kept) - 2u * bw_popcount(below);
}

BW_INLINE int32_t bw_dot_atwt(const bw_layer *layer, const bw_word *in, uint32_t from, uint32_t tap, uint32_t count)
{
    const bw_word *a = in + (from >> 4);
    const uint32_t *w = layer->weights + (tap >> 4);
    const uint32_t a_shift = 2u * (from & 15u), w_shift = 2u * (tap & 15u);
    const uint32_t a_next = (a_shift != 0u) ? 1u : 0u, w_next = (w_shift != 0u) ? 1u : 0u;
    uint32_t left = count, sum = 0u;
    for (; left >= 16u; left -= 16u) {
        sum += bw_ternary_products(bw_funnel(a[0], a[a_next], a_shift), bw_funnel(w[0], w[w_next], w_shift));
        ++a;
        ++w;
    }
    if (left != 0u) {
        sum += bw_ternary_products(bw_field(a, a_shift, 2u * left), bw_field(w, w_shift, 2u * left));
    }
    return (int32_t)sum;
}

BW_INLINE int32_t bw_dot_a8w8(const bw_layer *layer, const bw_word *in, uint32_t from, uint32_t tap, uint32_t count)
{
    const int8_t *w = (const int8_t *)layer->weights + tap;
    int32_t sum = 0;
    uint32_t i;
    if (layer->in_kind == (uint8_t)BW_SIGNED) {
        const int8_t *a = (const int8_t *)in + from;
        for (i = 0u; i < count; ++i) {
            sum += (int32_t)a[i] * w[i];
        }
    } else {
        const uint8_t *a = (const uint8_t *)in + from;
        for (i = 0u; i < count; ++i) {
            sum += (int32_t)a[i] * w[i];
        }
    }
    return sum;
}

/* Adds the code where the weight's bit is 1 and subtracts it where it is 0: (a ^ m) - m with m = 0 or all ones. */
BW_INLINE int32_t bw_dot_a8w1(const bw_layer *layer, const bw_word *in, uint32_t from, uint32_t tap, uint32_t count)
{
    const uint8_t *a = (const uint8_t *)in + from;
    const uint32_t sign = (layer->in_kind == (uint8_t)BW_SIGNED) ? 0x80u : 0u;
    uint32_t sum = 0u, bit = tap, left = count;
    while (left != 0u) {
        const uint32_t run = (left < 32u) ? left : 32u;
        uint32_t minus = ~bw_field(layer->weights, bit, run), i;
        for (i = 0u; i < run; ++i) {
            const uint32_t mask = 0u - (minus & 1u);
            sum += ((((uint32_t)a[i] ^ sign) - sign) ^ mask) - mask;
            minus >>= 1;
        }
        a += run;
        bit += run;
        left -= run;
    }
    return (int32_t)sum;
}

/* Any packed integers. */
BW_INLINE int32_t bw_dot_axwx(const bw_layer *layer, const bw_word *in, uint32_t from, uint32_t tap, uint32_t count)
{
    const bw_reader a = bw_reader_of(layer->in_bits, layer->in_kind);
    const bw_reader w = bw_reader_of(layer->weight_bits, layer->weight_kind);
    int32_t sum = 0;
    uint32_t i;
    for (i = 0u; i < count; ++i) {
        sum += bw_read(in, &a, from + i) * bw_read(layer->weights, &w, tap + i);
    }
    return sum;
}

#endif

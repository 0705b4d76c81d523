/* bw_dot.h: products of a run of input codes and a run of weight codes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BW_DOT_H
#define BW_DOT_H

#include "bw_bits.h"

/* Sum over i < count of input[from + i] * weight[tap + i]; count >= 1. */
typedef int32_t bw_dot(const bw_layer *layer, const bw_word *in, uint32_t from, uint32_t tap, uint32_t count);

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

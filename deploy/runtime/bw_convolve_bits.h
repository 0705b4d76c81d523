/* bw_convolve_bits.h: one window of a binary or ternary map. SPDX-License-Identifier: Apache-2.0 */
#ifndef BW_CONVOLVE_BITS_H
#define BW_CONVOLVE_BITS_H

#include "bw_accumulate_bits.h"
#include "bw_gather_bits.h"
#include "bw_pixels.h"

/* A border that is skipped: the mean of the sums with -1 and with +1 in the place of what lies outside the map. */
BW_INLINE uint32_t bw_is_skipped(const bw_layer *layer, const bw_patch *patch)
{
    return (layer->pad_code == 0 && (patch->rows != layer->kernel_h || patch->columns != layer->kernel_w)) ? 1u : 0u;
}

BW_INLINE void bw_halve(int32_t *acc, uint32_t count)
{
    do {
        *acc /= 2; /* exact */
        ++acc;
    } while (--count != 0u);
}

/* Bits times bits. Room: the window, unless it lies in the map. */
BW_INLINE void bw_window_a1w1(const bw_layer *layer, const bw_word *in, const bw_patch *patch, bw_word *room,
                              int32_t *acc)
{
    const uint32_t taps = bw_taps(layer), words = (taps + 31u) / 32u, skipped = bw_is_skipped(layer, patch);
    uint32_t one = (layer->pad_code > 0) ? 1u : 0u, passes = skipped + 1u;
    bw_fill(acc, layer->out_c, (int32_t)(taps << skipped));
    do {
        bw_accumulate_a1w1(bw_gather_bits(layer, in, patch, one, room), layer->weights, words, words, layer->out_c, acc);
        one ^= 1u;
    } while (--passes != 0u);
    if (skipped != 0u) {
        bw_halve(acc, layer->out_c);
    }
}

/* Bits times ternary weights; a row of them starts with the number of those that are not 0. */
BW_INLINE void bw_window_a1wt(const bw_layer *layer, const bw_word *in, const bw_patch *patch, bw_word *room,
                              int32_t *acc)
{
    const uint32_t words = (bw_taps(layer) + 31u) / 32u, row = 2u * words + 1u, skipped = bw_is_skipped(layer, patch);
    const uint32_t *weights = layer->weights;
    uint32_t one = (layer->pad_code > 0) ? 1u : 0u, passes = skipped + 1u, channel;
    for (channel = 0u; channel < layer->out_c; ++channel) {
        acc[channel] = (int32_t)(weights[channel * row] << skipped);
    }
    do {
        bw_accumulate_a1wt(bw_gather_bits(layer, in, patch, one, room), weights + 1, row, words, layer->out_c, acc);
        one ^= 1u;
    } while (--passes != 0u);
    if (skipped != 0u) {
        bw_halve(acc, layer->out_c);
    }
}

/* Planes times bits. */
BW_INLINE void bw_window_atw1(const bw_layer *layer, const bw_word *in, const bw_patch *patch, bw_word *room,
                              int32_t *acc)
{
    const uint32_t words = (bw_taps(layer) + 31u) / 32u;
    uint32_t kept = 0u, i;
    bw_gather_planes(layer, in, patch, room);
    for (i = 0u; i < words; ++i) {
        kept += bw_popcount(room[2u * i]);
    }
    bw_fill(acc, layer->out_c, (int32_t)kept);
    bw_accumulate_atw1(room, layer->weights, words, words, layer->out_c, acc);
}

/* Planes times ternary weights. */
BW_INLINE void bw_window_atwt(const bw_layer *layer, const bw_word *in, const bw_patch *patch, bw_word *room,
                              int32_t *acc)
{
    const uint32_t words = (bw_taps(layer) + 31u) / 32u;
    bw_gather_planes(layer, in, patch, room);
    bw_fill(acc, layer->out_c, 0);
    bw_accumulate_atwt(room, layer->weights, 2u * words, words, layer->out_c, acc);
}

#endif

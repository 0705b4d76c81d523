/* bw_convolve_bits.h: one window of a binary or ternary map. SPDX-License-Identifier: Apache-2.0 */
#ifndef BW_CONVOLVE_BITS_H
#define BW_CONVOLVE_BITS_H

#include "bw_accumulate_bits.h"
#include "bw_gather_bits.h"
#include "bw_pixels.h"

/* Words that are folded at a time: a multiple of 8. */
#define BW_FOLDED 64u

/* Words of a plane that the other functions count at a time. */
#define BW_COUNTED 248u

/* A border that is skipped: the mean of the sums with -1 and with +1 in the place of what lies outside the map. */
BW_INLINE uint32_t bw_is_skipped(const bw_layer *layer, const bw_patch *patch)
{
    return (layer->pad_code == 0 && (patch->rows != layer->kernel_h || patch->columns != layer->kernel_w)) ? 1u : 0u;
}

BW_INLINE uint32_t bw_counted(uint32_t left)
{
    return (left < BW_COUNTED) ? left : BW_COUNTED;
}

BW_INLINE void bw_halve(int32_t *acc, uint32_t count)
{
    do {
        *acc /= 2; /* exact */
        ++acc;
    } while (--count != 0u);
}

/* Bits times bits. Room: the window, or BW_FOLDED words of it where it lies in the map. */
BW_INLINE void bw_window_a1w1(const bw_layer *layer, const bw_word *in, const bw_patch *patch, bw_word *room,
                              int32_t *acc)
{
    const uint32_t taps = bw_taps(layer), words = (taps + 31u) / 32u, skipped = bw_is_skipped(layer, patch);
    uint32_t one = (layer->pad_code > 0) ? 1u : 0u, passes = skipped + 1u;
    const uint32_t single = (words == 1u) ? passes & 1u : 0u; /* one pass over one word: sums are set, not added up */
    if (single == 0u) {
        bw_fill(acc, layer->out_c, (int32_t)(taps << skipped));
    }
    do {
        const bw_word *bits = bw_gather_bits(layer, in, patch, one, room);
        uint32_t done = 0u, part = (words - 1u) % BW_FOLDED + 1u; /* what is no multiple of 8 comes first */
        do {
            if (single != 0u) {
                bw_set_sums_of_one(*bits, layer->weights, taps, layer->out_c, acc);
            } else {
                bw_fold_bits(bits + done, part, room);
                bw_accumulate_a1w1(room, layer->weights + done, words, part, layer->out_c, acc);
            }
            done += part;
            part = BW_FOLDED;
        } while ((BW_FOLDS == 0u || words > BW_FOLDED) && done != words);
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
        const bw_word *bits = bw_gather_bits(layer, in, patch, one, room);
        uint32_t done;
        for (done = 0u; done < words; done += BW_COUNTED) {
            bw_accumulate_a1wt(bits + done, weights + 1u + 2u * done, row, bw_counted(words - done), layer->out_c, acc);
        }
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
    for (i = 0u; i < words; i += BW_COUNTED) {
        bw_accumulate_atw1(room + 2u * i, layer->weights + i, words, bw_counted(words - i), layer->out_c, acc);
    }
}

/* Planes times ternary weights. */
BW_INLINE void bw_window_atwt(const bw_layer *layer, const bw_word *in, const bw_patch *patch, bw_word *room,
                              int32_t *acc)
{
    const uint32_t words = (bw_taps(layer) + 31u) / 32u;
    uint32_t i;
    bw_gather_planes(layer, in, patch, room);
    bw_fill(acc, layer->out_c, 0);
    for (i = 0u; i < words; i += BW_COUNTED) {
        bw_accumulate_atwt(room + 2u * i, layer->weights + 2u * i, 2u * words, bw_counted(words - i), layer->out_c, acc);
    }
}

#endif

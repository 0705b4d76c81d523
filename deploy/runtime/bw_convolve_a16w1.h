/* bw_convolve_a16w1.h: one window of codes of up to 16 bits, times bits. SPDX-License-Identifier: Apache-2.0 */
#ifndef BW_CONVOLVE_A16W1_H
#define BW_CONVOLVE_A16W1_H

#include "bw_accumulate_bytes.h"
#include "bw_convolve_halves.h"

BW_INLINE void bw_window_a16w1(const bw_layer *layer, const bw_word *in, const bw_patch *patch, bw_word *room,
                               int32_t *acc)
{
    const uint32_t taps = bw_taps(layer);
    uint32_t start;
    bw_fill(acc, layer->out_c, 0);
    for (start = 0u; start < taps; start += BW_CHUNK) {
        const uint32_t left = taps - start, count = (left < BW_CHUNK) ? left : BW_CHUNK;
        bw_window_halves(layer, in, patch, start, count, 4u, room);
        bw_accumulate_a16w1(room, layer->weights + start / 32u, (taps + 31u) / 32u, bw_rounded(count, 4u) / 2u,
                            layer->out_c, acc);
    }
}

#endif

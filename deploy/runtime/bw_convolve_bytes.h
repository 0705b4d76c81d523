/* bw_convolve_bytes.h: one window of a map of small integers, times bits. SPDX-License-Identifier: Apache-2.0 */
#ifndef BW_CONVOLVE_BYTES_H
#define BW_CONVOLVE_BYTES_H

#include "bw_accumulate_bytes.h"
#include "bw_gather_bytes.h"
#include "bw_pixels.h"

BW_INLINE void bw_window_a8w1(const bw_layer *layer, const bw_word *in, const bw_patch *patch, bw_word *room,
                              int32_t *acc)
{
    const uint32_t taps = bw_taps(layer), flip = (layer->in_kind == (uint8_t)BW_SIGNED) ? BW_SIGNED_BYTES : 0u;
    bw_fill(acc, layer->out_c, 0);
    bw_accumulate_a8w1(bw_gather_bytes(layer, in, patch, room), layer->weights, (taps + 31u) / 32u, (taps + 3u) / 4u,
                       layer->out_c, flip, flip, acc);
}

#endif

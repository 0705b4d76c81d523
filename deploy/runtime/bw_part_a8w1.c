/* bw_part_a8w1.c: part of a dense layer, inputs of up to 8 bits, binary weights. SPDX-License-Identifier: Apache-2.0 */
#include "bw_convolve_bytes.h"

void bw_part_a8w1(const bw_layer *layer, const bw_word *in, uint32_t start, uint32_t count, int32_t *acc,
                  bw_word *scratch)
{
    const uint32_t flip = (layer->in_kind == (uint8_t)BW_SIGNED) ? BW_SIGNED_BYTES : 0u;
    const uint32_t row_words = (bw_taps(layer) + 31u) / 32u;
    bw_accumulate_a8w1(bw_bytes_of(layer, in, count, flip, scratch), layer->weights + start / 32u, row_words,
                       (count + 3u) / 4u, layer->out_c, flip, 0u, acc);
}

/* bw_part_a16w4.c: part of a dense layer, inputs of up to 16 bits, weights of 3 or 4 bits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "bw_convolve_halves.h"

void bw_part_a16w4(const bw_layer *layer, const bw_word *in, uint32_t start, uint32_t count, int32_t *acc,
                   bw_word *scratch)
{
    const uint32_t row_words = (bw_taps(layer) + 7u) / 8u;
    const uint32_t *weights = layer->weights + start / 8u;
    uint32_t done;
    for (done = 0u; done < count; done += BW_CHUNK) {
        const uint32_t left = count - done, part = (left < BW_CHUNK) ? left : BW_CHUNK;
        bw_gather_halves(in, layer->in_bits, layer->in_kind, done, part, scratch, 0u);
        bw_fill_halves(scratch, part, (0u - part) & 7u, 0);
        bw_accumulate_w41(scratch, weights, row_words, bw_rounded(part, 8u) / 4u, layer->out_c, acc);
        weights += BW_CHUNK / 8u;
    }
}

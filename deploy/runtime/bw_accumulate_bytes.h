/* bw_accumulate_bytes.h: inner products of one patch of 8- or 16-bit codes with the binary weights of every output
 * channel. SPDX-License-Identifier: Apache-2.0
 *
 * A row of n weights is (n + 31) / 32 words; bit 1 is +1, bit 0 is -1, zeros behind the last weight. `words` counts
 * words of the patch, at least 1; `row_words` is the distance from one channel's weights to the next's. A long row may
 * be cut at multiples of 32 codes.
 */
#ifndef BW_ACCUMULATE_BYTES_H
#define BW_ACCUMULATE_BYTES_H

#include "bw_bits.h"

#define BW_SIGNED_BYTES 0x80808080u /* `flip` of signed codes; that of unsigned codes is 0 */

/* acc[o] += the sum of products. Patch: 4 codes a word, zeros behind the last code.
 * Weight i of a row is bit 8 * (i % 4) + 7 - i / 4 % 8 of word i / 32. */
BW_INLINE void bw_accumulate_a8w1(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t words,
                                  uint32_t out_c, uint32_t flip, int32_t *acc)
{
    do {
        uint32_t j, b, sum = 0u;
        for (j = 0u; j < words; ++j) {
            const uint32_t codes = patch[j] ^ flip, signs = weights[j >> 3] << (j & 7u);
            for (b = 0u; b < 4u; ++b) {
                const uint32_t code = ((codes >> (8u * b)) & 0xFFu) - (flip & 0xFFu);
                sum += (((signs >> (8u * b + 7u)) & 1u) != 0u) ? code : 0u - code;
            }
        }
        *acc = (int32_t)((uint32_t)*acc + sum);
        ++acc;
        weights += row_words;
    } while (--out_c != 0u);
}

/* acc[o] += the sum of products. Patch: int16 halves, groups of four codes in words (0, 2), (1, 3), low half first,
 * zeros behind the last code; `words` is even.
 * Weight i of a row is bit 16 * (i / 2 % 2) + i / 4 % 8 * 2 + i % 2 of word i / 32. */
BW_INLINE void bw_accumulate_a16w1(const uint32_t *patch, const uint32_t *weights, uint32_t row_words, uint32_t words,
                                   uint32_t out_c, int32_t *acc)
{
    do {
        uint32_t j, h, sum = 0u;
        for (j = 0u; j < words; ++j) {
            const uint32_t signs = weights[j >> 4] >> (j & 15u);
            for (h = 0u; h < 2u; ++h) {
                const uint32_t code = (((patch[j] >> (16u * h)) & 0xFFFFu) ^ 0x8000u) - 0x8000u;
                sum += (((signs >> (16u * h)) & 1u) != 0u) ? code : 0u - code;
            }
        }
        *acc = (int32_t)((uint32_t)*acc + sum);
        ++acc;
        weights += row_words;
    } while (--out_c != 0u);
}

#endif

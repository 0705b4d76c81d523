/* bw_gather_halves.h: runs of packed codes as halves, int16 in groups of four. SPDX-License-Identifier: Apache-2.0
 *
 * Halves: word 2j holds code 4j in its low and 4j + 2 in its high half, word 2j + 1 codes 4j + 1 and 4j + 3: what SXTB16
 * and SXTB16 ROR 8 make of four bytes. A code has to fit in int16: unsigned ones have up to 15 bits.
 */
#ifndef BW_GATHER_HALVES_H
#define BW_GATHER_HALVES_H

#include "bw_bits.h"

#if defined(__GNUC__)
typedef uint16_t __attribute__((__may_alias__)) bw_half;
#else
typedef uint16_t bw_half;
#endif

/* Where code i of a patch lies: the low two bits of its position change places. */
BW_INLINE bw_half *bw_half_at(bw_word *patch, uint32_t i)
{
    return (bw_half *)patch + ((i & ~3u) | ((i & 1u) << 1) | ((i >> 1) & 1u));
}

/* `count` times the same code from position `at` on. */
BW_INLINE void bw_fill_halves(bw_word *patch, uint32_t at, uint32_t count, int32_t code)
{
    for (; count != 0u; --count) {
        *bw_half_at(patch, at++) = (bw_half)code;
    }
}

/* Codes [from, from + count) of a packed map from position `at` on. */
BW_INLINE void bw_gather_halves(const bw_word *in, uint32_t bits, uint32_t kind, uint32_t from, uint32_t count,
                                bw_word *patch, uint32_t at)
{
    const bw_reader reader = bw_reader_of(bits, kind);
    for (; count != 0u; --count) {
        *bw_half_at(patch, at++) = (bw_half)bw_read(in, &reader, from++);
    }
}

#endif

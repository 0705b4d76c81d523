/* bw_gather_halves.h (v0) SPDX-License-Identifier: Apache-2.0 */
#ifndef BW_GATHER_HALVES_H
#define BW_GATHER_HALVES_H
#include "bw_bits.h"
BW_INLINE void bw_put_half(bw_word *patch, uint32_t at, uint32_t code)
{
    const uint32_t word = (at >> 2) * 2u + (at & 1u), shift = (at & 2u) * 8u;
    patch[word] = (patch[word] & ~(0xFFFFu << shift)) | ((code & 0xFFFFu) << shift);
}
BW_INLINE void bw_fill_halves(bw_word *patch, uint32_t at, uint32_t count, int32_t code)
{
    uint32_t i;
    for (i = 0u; i < count; ++i) {
        bw_put_half(patch, at + i, (uint32_t)code);
    }
}
BW_INLINE void bw_gather_halves(const bw_word *in, uint32_t bits, uint32_t kind, uint32_t from, uint32_t count,
                                bw_word *patch, uint32_t at)
{
    const bw_reader reader = bw_reader_of(bits, kind);
    uint32_t i;
    for (i = 0u; i < count; ++i) {
        bw_put_half(patch, at + i, (uint32_t)bw_read(in, &reader, from + i));
    }
}
#endif

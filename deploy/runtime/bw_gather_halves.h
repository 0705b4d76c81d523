/* bw_gather_halves.h: runs of packed codes as halves, int16 in groups of four. SPDX-License-Identifier: Apache-2.0
 *
 * Halves: word 2j holds code 4j in its low and 4j + 2 in its high half, word 2j + 1 codes 4j + 1 and 4j + 3: what SXTB16
 * and SXTB16 ROR 8 make of four bytes. A code has to fit in int16: unsigned ones have up to 15 bits.
 */
#ifndef BW_GATHER_HALVES_H
#define BW_GATHER_HALVES_H

#include <string.h>
#if defined(__ARM_FEATURE_DSP)
#include <arm_acle.h>
#endif

#include "bw_bits.h"

#if defined(__GNUC__)
typedef uint16_t __attribute__((__may_alias__)) bw_half;
#else
typedef uint16_t bw_half;
#endif

/* Where code i of a patch lies: the low two bits of its position change places. */
BW_INLINE bw_half *bw_half_at(bw_word *patch, uint32_t i)
{
    return (bw_half *)patch + (i ^ (((i ^ (i >> 1)) & 1u) * 3u));
}

/* How many of `count` codes from position `at` on lie before the next group of four. */
BW_INLINE uint32_t bw_before_group(uint32_t at, uint32_t count)
{
    const uint32_t before = (0u - at) & 3u;
    return (before < count) ? before : count;
}

/* `count` times the same code from position `at` on. */
BW_INLINE void bw_fill_halves(bw_word *patch, uint32_t at, uint32_t count, int32_t code)
{
    const uint32_t pair = ((uint32_t)code & 0xFFFFu) * 0x10001u, end = at + count;
    while (at != end) {
        if ((at & 3u) == 0u && end - at >= 4u) {
            patch[at >> 1] = pair;
            patch[(at >> 1) + 1u] = pair;
            at += 4u;
        } else {
            *bw_half_at(patch, at++) = (bw_half)code;
        }
    }
}

/* Four bytes as two words of halves, whose signs `flip` (0x80 in each byte, or 0) marks. */
BW_INLINE void bw_put_bytes(const uint8_t *codes, uint32_t is_signed, bw_word *to)
{
#if defined(__ARM_FEATURE_DSP)
    uint32_t four;
    (void)memcpy(&four, codes, sizeof four);
    if (is_signed != 0u) {
        to[0] = (uint32_t)__sxtb16((int8x4_t)four);
        to[1] = (uint32_t)__sxtb16((int8x4_t)(four >> 8));
    } else {
        to[0] = four & 0x00FF00FFu;
        to[1] = (four >> 8) & 0x00FF00FFu;
    }
#else
    bw_half *half = (bw_half *)to;
    if (is_signed != 0u) {
        const int8_t *code = (const int8_t *)codes;
        half[0] = (bw_half)code[0];
        half[2] = (bw_half)code[1];
        half[1] = (bw_half)code[2];
        half[3] = (bw_half)code[3];
    } else {
        half[0] = codes[0];
        half[2] = codes[1];
        half[1] = codes[2];
        half[3] = codes[3];
    }
#endif
}

/* groups >= 1 times four bytes. */
BW_INLINE void bw_put_groups(const uint8_t *from, uint32_t is_signed, uint32_t groups, bw_word *to)
{
    do {
        bw_put_bytes(from, is_signed, to);
        from += 4;
        to += 2;
    } while (--groups != 0u);
}

BW_INLINE void bw_gather_byte_halves(const uint8_t *from, uint32_t is_signed, uint32_t count, bw_word *patch,
                                     uint32_t at)
{
    const uint32_t flip = (is_signed != 0u) ? 0x80u : 0u, end = at + count;
    while (at != end) {
        if ((at & 3u) == 0u && end - at >= 4u) {
            const uint32_t groups = (end - at) >> 2;
            if (is_signed != 0u) {
                bw_put_groups(from, 1u, groups, patch + (at >> 1));
            } else {
                bw_put_groups(from, 0u, groups, patch + (at >> 1));
            }
            at += 4u * groups;
            from += 4u * groups;
        } else {
            *bw_half_at(patch, at++) = (bw_half)((*from++ ^ flip) - flip);
        }
    }
}

/* Each half of x ^ flip, less that of minus. */
BW_INLINE uint32_t bw_less(uint32_t x, uint32_t minus)
{
#if defined(__ARM_FEATURE_DSP)
    return (uint32_t)__ssub16((int16x2_t)x, (int16x2_t)minus);
#else
    return ((x | 0x80008000u) - minus) ^ 0x80008000u; /* of halves from 0 to 0x7FFF: no borrow */
#endif
}

/* Codes [from, from + count) of a packed map from position `at` on. */
BW_INLINE void bw_gather_halves(const bw_word *in, uint32_t bits, uint32_t kind, uint32_t from, uint32_t count,
                                bw_word *patch, uint32_t at)
{
    if (bits == 8u) {
        bw_gather_byte_halves((const uint8_t *)in + from, (kind == (uint32_t)BW_SIGNED) ? 1u : 0u, count, patch, at);
    } else {
        const bw_reader reader = bw_reader_of(bits, kind);
        const uint32_t end = at + count, mask = bw_mask(bits) * 0x10001u;
        const uint32_t flip = reader.flip * 0x10001u, minus = reader.minus * 0x10001u;
        while (at != end) {
            if ((at & 3u) == 0u && end - at >= 4u && bits < 8u) {
                const uint32_t four = bw_field(in, from * bits, 4u * bits);
                const uint32_t low = four & bw_mask(2u * bits), high = four >> (2u * bits);
                const uint32_t both = low | (high << 16);
                patch[at >> 1] = bw_less(((both & mask) << reader.left) ^ flip, minus);
                patch[(at >> 1) + 1u] = bw_less((((both >> bits) & mask) << reader.left) ^ flip, minus);
                at += 4u;
                from += 4u;
            } else {
                *bw_half_at(patch, at++) = (bw_half)bw_read(in, &reader, from++);
            }
        }
    }
}

#endif

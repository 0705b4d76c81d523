/* bw_epilogue.h: from an integer accumulator to an output code. SPDX-License-Identifier: Apache-2.0 */
#ifndef BW_EPILOGUE_H
#define BW_EPILOGUE_H

#include "bw_bits.h"

/* 1 for a channel whose thresholds are reached from above: acc <= t is stored as "not acc >= t + 1". */
BW_INLINE uint32_t bw_descends(const bw_epilogue *epilogue, uint32_t channel)
{
    return (epilogue->extra[channel >> 5] >> (channel & 31u)) & 1u;
}

BW_INLINE uint32_t bw_count_thresholds(const bw_epilogue *e, uint32_t channel, int32_t acc)
{
    const uint32_t levels = e->levels, flip = 0u - bw_descends(e, channel);
    uint32_t count = 0u, k;
    if (e->narrow != NULL) {
        for (k = 0u; k < levels; ++k) {
            count += (acc >= e->narrow[channel * levels + k]) ? 1u : 0u;
        }
    } else {
        for (k = 0u; k < levels; ++k) {
            count += (acc >= e->table[channel * levels + k]) ? 1u : 0u;
        }
    }
    return (levels & flip) + (count ^ flip) - flip; /* levels - count of a channel that descends */
}

/* Whether the compiler shifts the sign of a negative number in, as all of them do; known to it. */
BW_INLINE uint32_t bw_shifts_sign_in(void)
{
    return ((-1 >> 1) == -1) ? 1u : 0u;
}

/* floor(value / 2^shift). */
BW_INLINE int32_t bw_floor_shift_32(int32_t value, uint32_t shift)
{
    const uint32_t flip = (value < 0) ? 0xFFFFFFFFu : 0u;
    return (bw_shifts_sign_in() != 0u) ? value >> shift : (int32_t)((((uint32_t)value ^ flip) >> shift) ^ flip);
}

/* The same, shift 0..62. Only for shifts below 32 does the low word matter. */
BW_INLINE int64_t bw_floor_shift(int64_t value, uint32_t shift)
{
    const int32_t high = (int32_t)(uint32_t)((uint64_t)value >> 32);
    if (shift >= 32u) {
        return bw_floor_shift_32(high, shift - 32u);
    }
    if (bw_shifts_sign_in() != 0u) {
        return value >> shift;
    }
    return (value >= 0) ? value >> shift : ~(~value >> shift);
}

/* The negative part of a difference, as far as it lies in the lower word: without a branch, so that what a network costs
 * does not depend on its values. */
BW_INLINE uint32_t bw_below_zero(int64_t difference)
{
    const uint64_t bits = (uint64_t)difference;
    return (uint32_t)bits & (0u - (uint32_t)(bits >> 63));
}

BW_INLINE int32_t bw_requantize(const bw_epilogue *e, uint32_t channel, int32_t acc)
{
    const uint64_t offset = ((uint64_t)e->extra[2u * channel + 1u] << 32) | e->extra[2u * channel];
    const int64_t sum = (int64_t)acc * e->table[channel] + (int64_t)offset;
    const int64_t shifted = bw_floor_shift(sum, e->shift[channel]), low = e->low, high = e->high;
    return (int32_t)((uint32_t)(uint64_t)shifted - bw_below_zero(shifted - low) + bw_below_zero(high - shifted));
}

/* The output code of one accumulator. */
BW_INLINE int32_t bw_code_of(const bw_epilogue *e, uint32_t channel, int32_t acc)
{
    if (e->kind == (uint8_t)BW_THRESHOLD) {
        return e->low + (int32_t)bw_count_thresholds(e, channel, acc);
    }
    if (e->kind == (uint8_t)BW_REQUANTIZE) {
        return bw_requantize(e, channel, acc);
    }
    return acc + ((e->table != NULL) ? e->table[channel] : 0);
}

/* The output code in its low bits; bw_epilogue.c. */
#ifdef BW_SPECIALIZED
#include "bw_epilogue_inline.h"
#else
uint32_t bw_output_code(const bw_epilogue *epilogue, uint32_t channel, int32_t acc);
#endif

/* Binary outputs in line, the others by a call. */
BW_INLINE uint32_t bw_finish_code(const void *epilogue, uint32_t channel, int32_t acc)
{
    const bw_epilogue *e = (const bw_epilogue *)epilogue;
    if (e->levels == 1u && e->narrow != NULL) {
        return ((acc >= e->narrow[channel]) ? 1u : 0u) ^ bw_descends(e, channel);
    }
    return bw_output_code(e, channel, acc);
}

#endif

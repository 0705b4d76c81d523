/* bw_epilogue.c: the three integer epilogues. SPDX-License-Identifier: Apache-2.0 */
#include "bw_epilogue.h"

static uint32_t bw_count_thresholds(const bw_epilogue *e, uint32_t channel, int32_t acc)
{
    const uint32_t flip = bw_flip(e, channel), levels = e->levels;
    uint32_t count = 0u, k;
    if (e->narrow != 0) {
        for (k = 0u; k < levels; ++k) {
            count += bw_reaches(acc, e->narrow[channel * levels + k], flip);
        }
    } else {
        for (k = 0u; k < levels; ++k) {
            count += bw_reaches(acc, e->table[channel * levels + k], flip);
        }
    }
    return count;
}

/* floor(value / 2^shift), without a right shift of a negative number. */
static int64_t bw_floor_shift(int64_t value, uint32_t shift)
{
    return (value >= 0) ? value >> shift : ~(~value >> shift);
}

static int32_t bw_requantize(const bw_epilogue *e, uint32_t channel, int32_t acc)
{
    const uint64_t offset = ((uint64_t)e->extra[2u * channel + 1u] << 32) | e->extra[2u * channel];
    const int64_t sum = (int64_t)acc * e->table[channel] + (int64_t)offset;
    const int64_t code = bw_floor_shift(sum, e->shift[channel]);
    return (code < e->low) ? e->low : (code > e->high) ? e->high : (int32_t)code;
}

uint32_t bw_output_code(const bw_epilogue *epilogue, uint32_t channel, int32_t acc)
{
    int32_t code;
    if (epilogue->kind == (uint8_t)BW_THRESHOLD) {
        code = epilogue->low + (int32_t)bw_count_thresholds(epilogue, channel, acc);
    } else if (epilogue->kind == (uint8_t)BW_REQUANTIZE) {
        code = bw_requantize(epilogue, channel, acc);
    } else {
        code = acc + ((epilogue->table != 0) ? epilogue->table[channel] : 0);
    }
    return (uint32_t)code;
}

/* bw_finish.c: the integer epilogues, a pixel at a time. SPDX-License-Identifier: Apache-2.0 */
#include "bw_finish.h"

#include "bw_epilogue.h"

/* One bit a channel: whether its threshold is reached. */
static void bw_finish_binary(const bw_epilogue *e, const int32_t *acc, uint32_t channels, bw_appender *out)
{
    const uint32_t *descending = e->extra;
    uint32_t first;
    for (first = 0u; first < channels; first += 32u) {
        const uint32_t left = channels - first, part = (left < 32u) ? left : 32u;
        uint32_t bits = 0u, i;
        if (e->narrow != 0) {
            const int16_t *threshold = e->narrow + first;
            for (i = 0u; i < part; ++i) { /* the sign of acc - threshold, both within 2^16, comes in from above */
                const uint32_t below = (uint32_t)*acc++ - (uint32_t)(int32_t)*threshold++;
                bits = (bits >> 1) | (~below & 0x80000000u);
            }
        } else {
            const int32_t *threshold = e->table + first;
            for (i = 0u; i < part; ++i) {
                bits = (bits >> 1) | ((*acc++ >= *threshold++) ? 0x80000000u : 0u);
            }
        }
        bw_append(out, (bits >> (32u - part)) ^ (*descending++ & bw_mask(part)), part);
    }
}

static uint32_t bw_byte_of(const bw_epilogue *e, uint32_t channel, const int32_t *acc)
{
    return (uint32_t)bw_code_of(e, channel, acc[channel]) & 0xFFu;
}

void bw_finish_pixel(const void *epilogue, const int32_t *acc, uint32_t channels, bw_appender *out)
{
    const bw_epilogue *e = (const bw_epilogue *)epilogue;
    uint32_t channel = 0u;
    if (e->levels == 1u) {
        bw_finish_binary(e, acc, channels, out);
        return;
    }
    if (e->bits == 8u) { /* four at a time */
        for (; channel + 4u <= channels; channel += 4u) {
            const uint32_t low = bw_byte_of(e, channel, acc) | (bw_byte_of(e, channel + 1u, acc) << 8);
            const uint32_t high = bw_byte_of(e, channel + 2u, acc) | (bw_byte_of(e, channel + 3u, acc) << 8);
            bw_append(out, low | (high << 16), 32u);
        }
    }
    for (; channel < channels; ++channel) {
        bw_append(out, (uint32_t)bw_code_of(e, channel, acc[channel]) & bw_mask(e->bits), e->bits);
    }
}

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

/* Four codes of 8 bits from `channel` on. */
static uint32_t bw_bytes_of(const bw_epilogue *e, uint32_t channel, const int32_t *acc)
{
    return bw_byte_of(e, channel, acc) | (bw_byte_of(e, channel + 1u, acc) << 8) |
           (bw_byte_of(e, channel + 2u, acc) << 16) | (bw_byte_of(e, channel + 3u, acc) << 24);
}

/* Fours of accumulators that are codes of 8 bits; returns how many. */
static uint32_t bw_finish_raw(const int32_t *acc, uint32_t channels, bw_appender *out)
{
    const uint32_t whole = channels & ~3u;
    const int32_t *const end = acc + whole;
    while (acc != end) {
        const uint32_t a = (uint32_t)acc[0], b = (uint32_t)acc[1], c = (uint32_t)acc[2], d = (uint32_t)acc[3];
        const uint32_t low = (a & 0xFFu) | ((b & 0xFFu) << 8), four = low | ((c & 0xFFu) << 16) | (d << 24);
        if (out->fill == 0u) {
            *out->next = four;
            out->next += out->stride;
        } else {
            bw_append(out, four, 32u);
        }
        acc += 4;
    }
    return whole;
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
        if (e->kind == (uint8_t)BW_RAW && e->table == 0) {
            channel = bw_finish_raw(acc, channels, out);
        }
        for (; channel + 4u <= channels; channel += 4u) {
            bw_append(out, bw_bytes_of(e, channel, acc), 32u);
        }
    }
    for (; channel < channels; ++channel) {
        bw_append(out, (uint32_t)bw_code_of(e, channel, acc[channel]) & bw_mask(e->bits), e->bits);
    }
}

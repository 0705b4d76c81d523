/* bw_finish.c: the integer epilogues, a pixel at a time. SPDX-License-Identifier: Apache-2.0 */
#include "bw_finish.h"

#include "bw_epilogue.h"

/* One bit a channel: whether its threshold is reached. */
static void bw_finish_binary(const bw_epilogue *e, const int32_t *acc, uint32_t channels, bw_appender *out)
{
    const int16_t *threshold = e->narrow;
    const uint32_t *descending = e->extra;
    uint32_t left = channels;
    while (left != 0u) {
        const uint32_t part = (left < 32u) ? left : 32u;
        uint32_t bits = 0u, i;
        for (i = 0u; i < part; ++i) { /* the sign of acc - threshold, both within 2^16, comes in from above */
            const uint32_t below = (uint32_t)*acc++ - (uint32_t)(int32_t)*threshold++;
            bits = (bits >> 1) | (~below & 0x80000000u);
        }
        bw_append(out, (bits >> (32u - part)) ^ (*descending++ & bw_mask(part)), part);
        left -= part;
    }
}

void bw_finish_pixel(const void *epilogue, const int32_t *acc, uint32_t channels, bw_appender *out)
{
    const bw_epilogue *e = (const bw_epilogue *)epilogue;
    uint32_t channel;
    if (e->levels == 1u && e->narrow != 0) {
        bw_finish_binary(e, acc, channels, out);
        return;
    }
    for (channel = 0u; channel < channels; ++channel) {
        bw_append(out, (uint32_t)bw_code_of(e, channel, acc[channel]) & bw_mask(e->bits), e->bits);
    }
}

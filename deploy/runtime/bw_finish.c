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
        if (e->narrow != NULL) {
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

/* The highest 32 bits of acc * multiplier + offset. */
BW_INLINE int32_t bw_scaled(int32_t acc, int32_t multiplier, const uint32_t *offset)
{
    const uint64_t start = ((uint64_t)offset[1] << 32) | offset[0];
    const int64_t sum = (int64_t)acc * multiplier + (int64_t)start;
    return (int32_t)(uint32_t)((uint64_t)sum >> 32);
}

/* Bytes, requantized, in groups of four channels; up to which channel: it ends before a shift too small for bw_scaled. */
static uint32_t bw_requantize_bytes(const bw_epilogue *e, const int32_t *acc, uint32_t channels, bw_appender *out)
{
    const int32_t *multiplier = e->table, low = e->low, high = e->high;
    const uint32_t *offset = e->extra;
    const uint8_t *shift = e->shift;
    const uint32_t end = channels & ~3u;
    uint32_t word = 0u, channel = 0u;
    while (channel != end) {
        const uint32_t right = *shift++ - 32u;
        int32_t code;
        if (right > 30u) {
            break;
        }
        code = bw_floor_shift_32(bw_scaled(*acc++, *multiplier++, offset), right);
        offset += 2;
        code = (code < low) ? low : code;
        code = (code > high) ? high : code;
        word = (word >> 8) | ((uint32_t)code << 24);
        if ((++channel & 3u) == 0u) {
            bw_append(out, word, 32u);
        }
    }
    return channel & ~3u;
}

static uint32_t bw_byte_of(const bw_epilogue *e, uint32_t channel, int32_t acc)
{
    return (uint32_t)bw_code_of(e, channel, acc) & 0xFFu;
}

static uint32_t bw_four_bytes(const bw_epilogue *e, uint32_t channel, const int32_t *acc)
{
    const uint32_t low = bw_byte_of(e, channel, acc[0]) | (bw_byte_of(e, channel + 1u, acc[1]) << 8);
    const uint32_t high = bw_byte_of(e, channel + 2u, acc[2]) | (bw_byte_of(e, channel + 3u, acc[3]) << 8);
    return low | (high << 16);
}

/* Fours of accumulators that are codes of 8 bits; returns how many. */
static uint32_t bw_finish_raw(const int32_t *acc, uint32_t channels, bw_appender *out)
{
    const uint32_t whole = channels & ~3u, aligned = (out->fill == 0u) ? 1u : 0u, stride = out->stride;
    const int32_t *const end = acc + whole;
    bw_word *to = out->next;
    while (acc != end) {
        const uint32_t a = (uint32_t)acc[0], b = (uint32_t)acc[1], c = (uint32_t)acc[2], d = (uint32_t)acc[3];
        const uint32_t four = (a & 0xFFu) | ((b & 0xFFu) << 8) | ((c & 0xFFu) << 16) | (d << 24);
        if (aligned != 0u) {
            *to = four;
            to += stride;
        } else {
            bw_append(out, four, 32u);
        }
        acc += 4;
    }
    if (aligned != 0u) {
        out->next = to;
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
        if (e->kind == (uint8_t)BW_RAW && e->table == NULL) {
            channel = bw_finish_raw(acc, channels, out);
        } else if (e->kind == (uint8_t)BW_REQUANTIZE) {
            channel = bw_requantize_bytes(e, acc, channels, out);
        } else {
            /* thresholds, and sums with a bias, one by one */
        }
        for (; channel + 4u <= channels; channel += 4u) {
            bw_append(out, bw_four_bytes(e, channel, acc + channel), 32u);
        }
    }
    for (; channel < channels; ++channel) {
        bw_append(out, (uint32_t)bw_code_of(e, channel, acc[channel]) & bw_mask(e->bits), e->bits);
    }
}

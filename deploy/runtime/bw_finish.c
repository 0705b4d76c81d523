/* bw_finish.c: the integer epilogues, a pixel at a time. SPDX-License-Identifier: Apache-2.0 */
#include "bw_finish.h"

#include <string.h>

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

/* How many of a channel's thresholds, which ascend, acc reaches; levels 2, 3, 7 or 15. */
BW_INLINE uint32_t bw_reached(const int16_t *threshold, uint32_t levels, int32_t acc)
{
    const int16_t *t = threshold;
    if (levels == 2u) {
        return ((acc >= t[0]) ? 1u : 0u) + ((acc >= t[1]) ? 1u : 0u);
    }
    if (levels > 7u) {
        t += (acc >= t[7]) ? 8 : 0;
    }
    if (levels > 3u) {
        t += (acc >= t[3]) ? 4 : 0;
    }
    t += (acc >= t[1]) ? 2 : 0;
    t += (acc >= t[0]) ? 1 : 0;
    return (uint32_t)(t - threshold);
}

/* Thresholds of 16 bits, as many channels at a time as fill a word. */
static void bw_finish_thresholds(const bw_epilogue *e, const int32_t *acc, uint32_t channels, bw_appender *out)
{
    const uint32_t bits = e->bits, levels = e->levels, low = (uint32_t)(int32_t)e->low, top = 32u - bits;
    const int16_t *threshold = e->narrow;
    const int32_t *const last = acc + channels;
    uint32_t descending = 0u, channel = 0u, word = 0u, used = 0u;
    do {
        uint32_t reached = bw_reached(threshold, levels, *acc++);
        if ((channel & 31u) == 0u) {
            descending = e->extra[channel >> 5];
        }
        if ((descending & 1u) != 0u) {
            reached = levels - reached;
        }
        descending >>= 1;
        ++channel;
        threshold += levels;
        word = (word >> bits) | ((low + reached) << top);
        used += bits;
        if (used > top) {
            bw_append(out, word >> (32u - used), used);
            used = 0u;
        }
    } while (acc != last);
    if (used != 0u) {
        bw_append(out, word >> (32u - used), used);
    }
}

/* What the next four channels are requantized with. */
typedef struct {
    const int32_t *acc, *multiplier;
    const uint32_t *offset;
} bw_requantizer;

#if defined(__GNUC__) && defined(__thumb2__) && defined(__ARM_FEATURE_SAT)
#define BW_REQUANTIZE_BYTE(at)                                                                                 \
    "ldr %[a], [%[acc]], #4\n\t"                                                                               \
    "ldr %[m], [%[multiplier]], #4\n\t"                                                                        \
    "ldr %[l], [%[offset]], #4\n\t"                                                                            \
    "ldr %[h], [%[offset]], #4\n\t"                                                                            \
    "smlal %[l], %[h], %[a], %[m]\n\t"                                                                         \
    "ubfx %[a], %[shifts], #" #at ", #5\n\t"                                                                   \
    "asr %[h], %[h], %[a]\n\t"                                                                                 \
    "sub %[h], %[h], %[bias]\n\t"                                                                              \
    "ssat %[h], #8, %[h]\n\t"                                                                                  \
    "bfi %[word], %[h], #" #at ", #8\n\t"

/* Four channels, whose shifts less 32 are the bytes of `shifts`: the upper words of their sums, shifted, less bias,
 * saturated to int8. */
BW_INLINE uint32_t bw_requantize_four(bw_requantizer *next, uint32_t shifts, int32_t bias)
{
    uint32_t word = 0u, a, m, l, h;
    __asm__ volatile(BW_REQUANTIZE_BYTE(0) BW_REQUANTIZE_BYTE(8) BW_REQUANTIZE_BYTE(16) BW_REQUANTIZE_BYTE(24)
                     : [acc] "+r"(next->acc), [multiplier] "+r"(next->multiplier), [offset] "+r"(next->offset),
                       [word] "+r"(word), [a] "=&r"(a), [m] "=&r"(m), [l] "=&r"(l), [h] "=&r"(h)
                     : [shifts] "r"(shifts), [bias] "r"(bias)
                     : "memory");
    return word;
}
#else
BW_INLINE uint32_t bw_requantize_four(bw_requantizer *next, uint32_t shifts, int32_t bias)
{
    uint32_t word = 0u, i;
    for (i = 0u; i < 4u; ++i) {
        const int64_t start = (int64_t)(((uint64_t)next->offset[1] << 32) | next->offset[0]);
        const int64_t sum = (int64_t)*next->acc++ * *next->multiplier++ + start;
        const uint32_t upper = (uint32_t)((uint64_t)sum >> 32), flip = 0u - (upper >> 31);
        int32_t code = (int32_t)(((upper ^ flip) >> (shifts & 31u)) ^ flip) - bias;
        code = (code < -128) ? -128 : code;
        code = (code > 127) ? 127 : code;
        word = (word >> 8) | ((uint32_t)code << 24);
        shifts >>= 8;
        next->offset += 2;
    }
    return word;
}
#endif

static void bw_finish_others(const bw_epilogue *e, uint32_t channel, const int32_t *acc, uint32_t channels,
                             bw_appender *out)
{
    for (; channel < channels; ++channel) {
        bw_append(out, (uint32_t)bw_code_of(e, channel, acc[channel]) & bw_mask(e->bits), e->bits);
    }
}

/* Requantized bytes four at a time, as long as shifts are 32 or more: of these the lower word does not matter. */
static void bw_finish_bytes(const bw_epilogue *e, const int32_t *acc, uint32_t channels, bw_appender *out)
{
    const int32_t bias = (e->low < 0) ? 0 : 128;
    const uint32_t flip = (e->low < 0) ? 0u : 0x80808080u;
    const uint8_t *shift = e->shift;
    bw_requantizer next = {acc, e->table, e->extra};
    bw_appender to = *out;
    uint32_t channel;
    for (channel = 0u; channel + 4u <= channels; channel += 4u) {
        uint32_t shifts;
        (void)memcpy(&shifts, shift, sizeof shifts);
        if ((shifts & 0x20202020u) != 0x20202020u) {
            break;
        }
        bw_append_word(&to, bw_requantize_four(&next, shifts, bias) ^ flip);
        shift += 4;
    }
    *out = to;
    if (channel != channels) {
        bw_finish_others(e, channel, acc, channels, out);
    }
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
    if (e->levels == 1u) {
        bw_finish_binary(e, acc, channels, out);
    } else if (e->kind == (uint8_t)BW_REQUANTIZE && e->bits == 8u) {
        bw_finish_bytes(e, acc, channels, out);
    } else if (e->narrow != NULL) {
        bw_finish_thresholds(e, acc, channels, out);
    } else {
        const uint32_t bytes = (e->kind == (uint8_t)BW_RAW && e->table == NULL && e->bits == 8u) ? 1u : 0u;
        bw_finish_others(e, (bytes != 0u) ? bw_finish_raw(acc, channels, out) : 0u, acc, channels, out);
    }
}

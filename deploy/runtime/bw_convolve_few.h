/* bw_convolve_few.h: convolution of bytes with windows of up to six codes and binary outputs, as first layers of
 * signals have: two windows stay in registers, and only the signs of sums are kept. SPDX-License-Identifier: Apache-2.0
 *
 * A row of weights is the threshold, negated, and three words of two halves, zeros behind the last weight. No border,
 * no pooling. */
#ifndef BW_CONVOLVE_FEW_H
#define BW_CONVOLVE_FEW_H

#include "bw_finish.h"

#if defined(__GNUC__)
typedef uint16_t __attribute__((__may_alias__)) bw_few_half;
#else
typedef uint16_t bw_few_half;
#endif

#define BW_FEW_WORDS 3u /* of codes */
#define BW_FEW_ROW 4u

/* sum + the products of both halves. */
BW_INLINE uint32_t bw_few_products(uint32_t codes, uint32_t weights, uint32_t sum)
{
#if defined(__ARM_FEATURE_DSP) && defined(__GNUC__)
    __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(codes), "r"(weights));
    return sum;
#else
    const int32_t low = (int16_t)(uint16_t)codes * (int16_t)(uint16_t)weights;
    const int32_t high = (int16_t)(uint16_t)(codes >> 16) * (int16_t)(uint16_t)(weights >> 16);
    return sum + (uint32_t)low + (uint32_t)high;
#endif
}

/* Which of `channels` (1..32) stay below their thresholds, in the highest bits of below[0] and, of the window that
 * follows in `codes`, of below[1]. */
BW_APART void bw_few_below(const bw_word *codes, const uint32_t *w, uint32_t channels, uint32_t below[2])
{
    const uint32_t a = codes[0], b = codes[1], c = codes[2], d = codes[3], e = codes[4], f = codes[5];
    uint32_t first = 1u << (channels - 1u), second = 0u; /* the 1 comes out after the last channel */
#if defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__) && defined(__ARM_FEATURE_DSP)
    uint32_t s, u, v, r;
    __asm__ volatile(
        "1:\n\tldr %[s], [%[w]], #16\n\tldr %[u], [%[w], #-12]\n\tldr %[v], [%[w], #-8]\n\t"
        "smlad %[r], %[a], %[u], %[s]\n\tlsrs %[first], %[first], #1\n\tsmlad %[s], %[d], %[u], %[s]\n\t"
        "ldr %[u], [%[w], #-4]\n\tsmlad %[r], %[b], %[v], %[r]\n\tsmlad %[s], %[e], %[v], %[s]\n\t"
        "smlad %[r], %[c], %[u], %[r]\n\tsmlad %[s], %[f], %[u], %[s]\n\tand %[r], %[r], #0x80000000\n\t"
        "and %[s], %[s], #0x80000000\n\torr %[first], %[first], %[r]\n\torr %[second], %[s], %[second], lsr #1\n\tbcc 1b\n\t"
        : [w] "+&r"(w), [first] "+&r"(first), [second] "+&r"(second), [s] "=&r"(s), [u] "=&r"(u), [v] "=&r"(v), [r] "=&r"(r)
        : [a] "r"(a), [b] "r"(b), [c] "r"(c), [d] "r"(d), [e] "r"(e), [f] "r"(f)
        : "cc", "memory");
#else
    uint32_t last;
    do {
        const uint32_t here = bw_few_products(c, w[3], bw_few_products(b, w[2], bw_few_products(a, w[1], w[0])));
        const uint32_t next = bw_few_products(f, w[3], bw_few_products(e, w[2], bw_few_products(d, w[1], w[0])));
        last = first & 1u;
        first = (first >> 1) | (here & 0x80000000u);
        second = (second >> 1) | (next & 0x80000000u);
        w += BW_FEW_ROW;
    } while (last == 0u);
#endif
    below[0] = first;
    below[1] = second;
}

/* The codes of the window at `from` as halves; what follows them stays 0. */
BW_INLINE void bw_few_gather(const bw_layer *layer, const uint8_t *from, uint32_t flip, bw_word *codes)
{
    const uint32_t run = (uint32_t)layer->kernel_w * layer->in_c, row = (uint32_t)layer->in_w * layer->in_c;
    uint32_t rows = layer->kernel_h;
    bw_few_half *to = (bw_few_half *)codes;
    do {
        const uint8_t *const end = from + run;
        do {
            *to++ = (bw_few_half)((*from++ ^ flip) - flip);
        } while (from != end);
        from += row - run;
    } while (--rows != 0u);
}

/* Outputs of all channels in two windows; those of the second to `second`, a word for every 32 channels. */
BW_INLINE void bw_few_outputs(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *codes,
                              bw_appender *to, bw_word *second)
{
    uint32_t first;
    for (first = 0u; first < layer->out_c; first += 32u) {
        const uint32_t left = layer->out_c - first, part = (left < 32u) ? left : 32u;
        const uint32_t reached = ~epilogue->extra[first / 32u] & bw_mask(part);
        uint32_t below[2];
        bw_few_below(codes, layer->weights + first * BW_FEW_ROW, part, below);
        bw_append(to, (below[0] >> (32u - part)) ^ reached, part);
        *second++ = (below[1] >> (32u - part)) ^ reached;
    }
}

/* Scratch memory: a bit for every channel. */
BW_INLINE void bw_convolve_few(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                               bw_word *scratch)
{
    const uint32_t flip = (layer->in_kind == (uint8_t)BW_SIGNED) ? 0x80u : 0u, out_c = layer->out_c;
    const uint32_t step = (uint32_t)layer->stride_w * layer->in_c;
    bw_appender to = bw_appender_at(out);
    bw_word codes[2u * BW_FEW_WORDS] = {0};
    uint32_t y, first;
    for (y = 0u; y < layer->out_h; ++y) {
        const uint8_t *from = (const uint8_t *)in + (y * layer->stride_h * layer->in_w + layer->skip) * layer->in_c;
        uint32_t left = layer->out_w;
        while (left != 0u) {
            const uint32_t two = (left > 1u) ? 1u : 0u;
            bw_few_gather(layer, from, flip, codes);
            bw_few_gather(layer, from + two * step, flip, codes + BW_FEW_WORDS);
            bw_few_outputs(layer, epilogue, codes, &to, scratch);
            for (first = 0u; two != 0u && first < out_c; first += 32u) {
                bw_append(&to, scratch[first / 32u], (out_c - first < 32u) ? out_c - first : 32u);
            }
            from += 2u * step;
            left -= 1u + two;
        }
    }
    bw_end_appender(&to);
}

#endif

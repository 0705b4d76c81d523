/* bw_conv2d_sliced.h: binary convolution by counting in bit slices. SPDX-License-Identifier: Apache-2.0
 *
 * A word holds one bit for each of 32 output channels. Three taps of a window, bits of the input and of the weights,
 * differ in 0..3 places: a table, chosen by the three bits of the input, gives that number for all channels as two
 * words, ones and twos. Words of one weight are added by full adders of logic instructions, three words to one and a
 * carry of twice the weight (carry-save addition, Warren, Hacker's Delight, 5-1, across channels instead of along a
 * word).
 *
 * A window of n taps of which d differ has the accumulator n - 2d. It reaches a threshold t where 2d < n - t + 1.
 * Counters start from 2^q less the smallest d that does not reach t, so that the plane of weight 2^q says where t is
 * NOT reached. Outside a map whose border is skipped the input counts as 0; what that adds is taken off the start, which
 * differs with the columns and rows outside. Max-pooling is AND of the last plane.
 *
 * The bits of a pixel become bytes, three bits each, once for all the windows that share it: codes, offsets into a
 * table. A strip holds the codes of some columns, kernel_h rows a column, so that a window is one run.
 *
 * Weights: [32 output channels][column of the window][row][three input channels][what their bits are][ones, twos],
 * zeros to a multiple of eight tables. */
#ifndef BW_CONV2D_SLICED_H
#define BW_CONV2D_SLICED_H

#include <string.h>

#include "bw_bits.h"

#define BW_SLICED_BLOCK 8u   /* tables that are added at a time */
#define BW_SLICED_TABLE 16u  /* words */
#define BW_SLICED_TOKENS 16u /* carries of blocks that are kept, a multiple of 8 */
#define BW_SLICED_LOW 5u     /* planes of weights 1 to 16 */
#define BW_SLICED_HIGH 4u    /* planes from 32 on that are always there */

/* Codes are read four at a time from any address. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__) && defined(__ARM_FEATURE_DSP) && \
    defined(__ARM_FEATURE_UNALIGNED)
#define BW_SLICED_ASM 1
#else
#define BW_SLICED_ASM 0
#endif

typedef struct {
    uint32_t column_run, run; /* codes of a column of a window; tables of a window */
    uint32_t left;            /* the strip's first column, from the border's edge */
    uint8_t *codes;           /* [columns of the strip][kernel_h][triples] */
    bw_word *tokens, *counters;
} bw_strip;

/* ---- count */

#if !BW_SLICED_ASM
/* Adds four tables; returns a carry of weight 16. planes: of weights 1, 2, 4 and 8. */
BW_INLINE uint32_t bw_sliced_four(const uint8_t *codes, const uint32_t *tables, uint32_t *planes)
{
    const uint32_t *a = tables + codes[0] / 4u, *b = tables + codes[1] / 4u + BW_SLICED_TABLE;
    const uint32_t *c = tables + codes[2] / 4u + 2u * BW_SLICED_TABLE;
    const uint32_t *d = tables + codes[3] / 4u + 3u * BW_SLICED_TABLE;
    const uint32_t two = bw_full_add(a[0], b[0], &planes[0]), four = bw_full_add(a[1], b[1], &planes[1]);
    const uint32_t other_two = bw_full_add(c[0], d[0], &planes[0]), other_four = bw_full_add(c[1], d[1], &planes[1]);
    const uint32_t last_four = bw_full_add(two, other_two, &planes[1]);
    const uint32_t eight = bw_full_add(four, other_four, &planes[2]);
    return bw_full_add(eight, bw_half_add(last_four, &planes[2]), &planes[3]);
}
#endif

/* Adds blocks of eight tables to the planes of weights 1 to 16, from `from` to `low`. tokens: a carry of weight 32 from
 * each. */
BW_ALL_REGISTERS BW_APART void bw_sliced_blocks(const uint8_t *codes, const uint32_t *tables, uint32_t blocks,
                                                const bw_word *from, bw_word *low, bw_word *tokens)
{
    const uint8_t *const end = codes + BW_SLICED_BLOCK * blocks;
#if BW_SLICED_ASM
    /* As below, in fourteen registers. BW_ADD: the sum stays in s, the carry comes to a. BW_FOUR: it comes to d. */
#define BW_ADD(s, a, b, t)                                                                                  \
    "eor %[" #t "], %[" #s "], %[" #a "]\n\tand %[" #a "], %[" #s "], %[" #a "]\n\t"                        \
    "eor %[" #s "], %[" #t "], %[" #b "]\n\tand %[" #t "], %[" #t "], %[" #b "]\n\t"                        \
    "orr %[" #a "], %[" #a "], %[" #t "]\n\t"
#define BW_ENTRY(ones, twos, from, at)                                                                      \
    "ldr %[" #twos "], [%[" #from "], #" at "+4]\n\tldr %[" #ones "], [%[" #from "], #" at "]\n\t"
#define BW_FOUR(t0, t1, t2, t3)                                                                             \
    "ldr %[a], [%[codes]], #4\n\tuxtab %[b], %[tables], %[a]\n\tuxtab %[c], %[tables], %[a], ror #8\n\t"     \
    BW_ENTRY(b, d, b, t0) BW_ENTRY(c, e, c, t1) BW_ADD(ones, b, c, f) BW_ADD(twos, d, e, f)                 \
    "uxtab %[c], %[tables], %[a], ror #16\n\tuxtab %[a], %[tables], %[a], ror #24\n\t"                      \
    BW_ENTRY(c, e, c, t2) BW_ENTRY(a, f, a, t3) BW_ADD(ones, c, a, g) BW_ADD(twos, e, f, g)                 \
    BW_ADD(twos, b, c, g) BW_ADD(fours, d, e, g)                                                            \
    "and %[c], %[fours], %[b]\n\teor %[fours], %[fours], %[b]\n\t" BW_ADD(eights, d, c, g)
    uint32_t ones = from[0], twos = from[1], fours = from[2], eights = from[3], sixteens = from[4], a, b, c, d, e, f, g;
    __asm__ volatile(
        "1:\n\t" BW_FOUR("0", "64", "128", "192") "str %[d], [%[tokens]]\n\t" BW_FOUR("256", "320", "384", "448")
        "ldr %[a], [%[tokens]]\n\tldr %[b], %[sixteens]\n\tadd %[tables], %[tables], #512\n\t" BW_ADD(b, d, a, g)
        "str %[b], %[sixteens]\n\tstr %[d], [%[tokens]], #4\n\tldr %[a], %[end]\n\tcmp %[codes], %[a]\n\tbne 1b\n\t"
        : [codes] "+&r"(codes), [tables] "+&r"(tables), [tokens] "+&r"(tokens), [ones] "+&r"(ones), [twos] "+&r"(twos),
          [fours] "+&r"(fours), [eights] "+&r"(eights), [sixteens] "+m"(sixteens), [a] "=&r"(a), [b] "=&r"(b),
          [c] "=&r"(c), [d] "=&r"(d), [e] "=&r"(e), [f] "=&r"(f), [g] "=&r"(g)
        : [end] "m"(end)
        : "cc", "memory");
#undef BW_FOUR
#undef BW_ENTRY
#undef BW_ADD
    low[0] = ones;
    low[1] = twos;
    low[2] = fours;
    low[3] = eights;
    low[4] = sixteens;
#else
    uint32_t planes[BW_SLICED_LOW], i;
    for (i = 0u; i < BW_SLICED_LOW; ++i) {
        planes[i] = from[i];
    }
    do {
        const uint32_t first = bw_sliced_four(codes, tables, planes);
        const uint32_t second = bw_sliced_four(codes + 4, tables + 4u * BW_SLICED_TABLE, planes);
        *tokens++ = bw_full_add(first, second, &planes[4]);
        codes += BW_SLICED_BLOCK;
        tables += BW_SLICED_BLOCK * BW_SLICED_TABLE;
    } while (codes != end);
    for (i = 0u; i < BW_SLICED_LOW; ++i) {
        low[i] = planes[i];
    }
#endif
}

/* Adds eights of bits of weight 32 to the planes from there on, from `from` to `high`. */
BW_ONCE void bw_sliced_carry(const bw_word *tokens, const bw_word *end, const bw_word *from, bw_word *high,
                             uint32_t planes)
{
    uint32_t first = from[0], second = from[1], third = from[2], fourth = from[3], i;
    for (i = BW_SLICED_HIGH; i < planes; ++i) {
        high[i] = from[i];
    }
    do {
        const uint32_t a = bw_full_add(tokens[0], tokens[1], &first), b = bw_full_add(tokens[2], tokens[3], &first);
        const uint32_t c = bw_full_add(tokens[4], tokens[5], &first), d = bw_full_add(tokens[6], tokens[7], &first);
        const uint32_t e = bw_full_add(a, b, &second), f = bw_full_add(c, d, &second);
        uint32_t carry = bw_half_add(bw_full_add(e, f, &third), &fourth);
        for (i = BW_SLICED_HIGH; i < planes; ++i) {
            const uint32_t plane = high[i];
            high[i] = plane ^ carry;
            carry &= plane;
        }
        tokens += 8;
    } while (tokens < end);
    high[0] = first;
    high[1] = second;
    high[2] = third;
    high[3] = fourth;
}

/* Where 32 channels do not reach their thresholds, in the window whose codes these are. */
BW_ONCE uint32_t bw_sliced_window(const bw_strip *s, uint32_t planes, const uint8_t *codes, const uint32_t *tables,
                                  const bw_word *start)
{
    bw_word *const counters = s->counters;
    uint32_t left = s->run / BW_SLICED_BLOCK, i;
    do {
        const uint32_t blocks = (left < BW_SLICED_TOKENS) ? left : BW_SLICED_TOKENS;
        bw_sliced_blocks(codes, tables, blocks, start, counters, s->tokens);
        for (i = blocks; i % 8u != 0u; ++i) {
            s->tokens[i] = 0u;
        }
        bw_sliced_carry(s->tokens, s->tokens + blocks, start + BW_SLICED_LOW, counters + BW_SLICED_LOW,
                        planes - BW_SLICED_LOW);
        start = counters;
        codes += BW_SLICED_BLOCK * blocks;
        tables += BW_SLICED_BLOCK * BW_SLICED_TABLE * blocks;
        left -= blocks;
    } while (left != 0u);
    return counters[planes - 1u];
}

/* ---- expand */

/* Twelve bits, three a byte. */
BW_INLINE void bw_sliced_store(uint32_t bits, uint8_t *codes)
{
    const uint32_t word =
        ((bits & 7u) << 3) | ((bits & 0x38u) << 8) | ((bits & 0x1C0u) << 13) | ((bits & 0xE00u) << 18);
    (void)memcpy(codes, &word, sizeof word);
}

/* Up to 24 bits of a pixel, three a byte; up to three bytes of 0 behind them. */
BW_INLINE void bw_sliced_expand(const bw_word *in, uint32_t bit, uint32_t bits, uint8_t *codes)
{
    const uint32_t field = bw_field(in, bit, bits);
    bw_sliced_store(field, codes);
    if (bits > 12u) {
        bw_sliced_store(field >> 12, codes + 4);
    }
}

/* The codes of `columns` columns of the windows of row `row`, counted from the border's edge. */
BW_ONCE void bw_sliced_fill(const bw_layer *layer, const bw_sliced *sliced, const bw_strip *s, const bw_word *in,
                            uint32_t row, uint32_t columns)
{
    uint8_t *codes = s->codes;
    uint32_t column, y, c;
    for (column = 0u; column < columns; ++column) {
        const uint32_t map_x = s->left + column - layer->pad_left; /* what lies before the map is large, too */
        for (y = 0u; y < layer->kernel_h; ++y) {
            const uint32_t map_y = row + y - layer->pad_top;
            if (map_x < layer->in_w && map_y < layer->in_h) {
                const uint32_t bit = (map_y * layer->in_w + map_x) * layer->in_c;
                for (c = 0u; c + 24u < layer->in_c; c += 24u) {
                    bw_sliced_expand(in, bit + c, 24u, codes + c / 3u);
                }
                bw_sliced_expand(in, bit + c, layer->in_c - c, codes + c / 3u);
            } else {
                (void)memset(codes, (layer->pad_code > 0) ? 0x38 : 0, sliced->triples);
            }
            codes += sliced->triples;
        }
    }
    (void)memset(codes, 0, BW_SLICED_BLOCK - 1u); /* where the zeros behind the last window look */
}

/* ---- convolve */

/* How the window at `first`, from the border's edge, is cut: `whole` less what lies before the map, or plus what lies
 * behind it. */
BW_INLINE uint32_t bw_sliced_cut(const bw_layer *layer, uint32_t first, uint32_t pad, uint32_t taps, uint32_t size,
                                 uint32_t whole)
{
    const uint32_t end = first + taps, edge = size + pad;
    if (layer->pad_code != 0) {
        return 0u;
    }
    return (first < pad) ? whole - (pad - first) : (end > edge) ? whole + (end - edge) : whole;
}

/* The windows of `tile` outputs from one row of accumulators: results[output][group of channels]. */
BW_INLINE void bw_sliced_strip(const bw_layer *layer, const bw_sliced *sliced, const bw_strip *s, uint32_t row,
                               uint32_t tile, bw_word *results)
{
    const uint32_t groups = (layer->out_c + 31u) / 32u, step = (uint32_t)layer->pool_stride_w * layer->stride_w;
    const uint32_t cut_y = bw_sliced_cut(layer, row, layer->pad_top, layer->kernel_h, layer->in_h, sliced->whole_h);
    uint32_t i, pool_x, group;
    for (i = 0u; i < tile; ++i) {
        for (pool_x = 0u; pool_x < layer->pool_w; ++pool_x) {
            const uint32_t column = i * step + pool_x * layer->stride_w;
            const uint32_t cut_x = bw_sliced_cut(layer, s->left + column, layer->pad_left, layer->kernel_w, layer->in_w,
                                                 sliced->whole_w);
            const uint32_t *tables = layer->weights;
            const uint32_t *start = sliced->start + (cut_y * sliced->cuts_w + cut_x) * groups * sliced->planes;
            for (group = 0u; group < groups; ++group) {
                results[group] &= bw_sliced_window(s, sliced->planes, s->codes + column * s->column_run, tables, start);
                tables += s->run * BW_SLICED_TABLE;
                start += sliced->planes;
            }
        }
        results += groups;
    }
}

/* Scratch memory: tokens; counters; results of a strip; its codes. */
BW_INLINE void bw_conv2d_sliced(const bw_layer *layer, const bw_sliced *sliced, const bw_word *in, bw_word *out,
                                bw_word *scratch)
{
    const uint32_t groups = (layer->out_c + 31u) / 32u, step = (uint32_t)layer->pool_stride_w * layer->stride_w;
    bw_appender to = {out, 0u, 0u, 1u};
    bw_word *results;
    bw_strip s;
    uint32_t y, x, pool_y, i;
    s.column_run = (uint32_t)layer->kernel_h * sliced->triples;
    s.run = (layer->kernel_w * s.column_run + BW_SLICED_BLOCK - 1u) & ~(BW_SLICED_BLOCK - 1u);
    s.tokens = scratch;
    s.counters = s.tokens + BW_SLICED_TOKENS;
    results = s.counters + sliced->planes;
    s.codes = (uint8_t *)(results + sliced->tile * groups);
    for (y = 0u; y < layer->out_h; ++y) {
        for (x = 0u; x < layer->out_w; x += sliced->tile) {
            const uint32_t left = layer->out_w - x, tile = (left < sliced->tile) ? left : sliced->tile;
            const uint32_t columns = (tile - 1u) * step + (layer->pool_w - 1u) * layer->stride_w + layer->kernel_w;
            s.left = x * step + layer->skip;
            for (i = 0u; i < tile * groups; ++i) {
                results[i] = 0xFFFFFFFFu;
            }
            for (pool_y = 0u; pool_y < layer->pool_h; ++pool_y) {
                const uint32_t row = (y * layer->pool_stride_h + pool_y) * layer->stride_h;
                bw_sliced_fill(layer, sliced, &s, in, row, columns);
                bw_sliced_strip(layer, sliced, &s, row, tile, results);
            }
            for (i = 0u; i < tile * groups; ++i) {
                const uint32_t group = i % groups, part = layer->out_c - group * 32u;
                bw_append(&to, results[i] ^ sliced->flip[group], (part < 32u) ? part : 32u);
            }
        }
    }
    bw_end_appender(&to);
}

#endif

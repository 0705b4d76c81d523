/* bw_conv2d_poly2.h: convolution of codes of 2 bits by multiplying polynomials. SPDX-License-Identifier: Apache-2.0
 *
 * As in bw_conv2d_poly.h a word holds STEPS columns of one input channel in slots of SLOT bits, another the (at most
 * three) taps of one kernel row and channel in reverse, and one multiply-accumulate does STEPS x taps of the network's.
 * Here the digits are numbers: inputs u from 0 to 3, signed codes plus 2; weights w as they are, of either sign.
 *
 * Sums start from the channel's `start` in the slots that no earlier block reaches, which is three times its negative
 * weights: no slot is ever negative, and none outgrows 3 x sum |w| (the lowering checks that a slot holds it). Inputs
 * outside the map are codes like others, so a border needs nothing. Four slots of ten bits need 32 bits unsigned, but
 * the factor is signed: its highest code is stored less 2, and `start` makes up for that.
 *
 * The lowest STEPS slots are finished columns. Each is compared with the channel's three thresholds, two slots at a
 * time in lanes, where the bit above a slot tells; how many are reached is the output's code but for a constant. These
 * counts of 2 bits are collected as pixels and pooled by their maximum.
 *
 * Per tile of columns: expand; multiply, two channels and two blocks at once; count; collect. */
#ifndef BW_CONV2D_POLY2_H
#define BW_CONV2D_POLY2_H

#include "bw_bits.h"

#if BW_POLY2_STEPS == 4
#define BW_POLY2_SLOT 10u
#define BW_POLY2_LANE 20u          /* slots 0 and 2, 1 and 3 */
#define BW_POLY2_ONES 0x00300C03u  /* of the slots that lie within a word */
#define BW_POLY2_TOP 0x80000000u   /* less 2: the highest code's upper bit changes */
#else
#define BW_POLY2_SLOT 12u
#define BW_POLY2_LANE 16u          /* slots 0 and 1; slot 2 has a word to itself */
#define BW_POLY2_ONES 0x03003003u
#define BW_POLY2_TOP 0u
#endif
#define BW_POLY2_BOTH ((1u << BW_POLY2_LANE) | 1u)
#define BW_POLY2_LANES (((1u << BW_POLY2_SLOT) - 1u) * BW_POLY2_BOTH)
#define BW_POLY2_TELLS (BW_POLY2_BOTH << BW_POLY2_SLOT)

/* A constant that a loop should find in a register. */
#if defined(__GNUC__)
#define BW_POLY2_KEEP(x) __asm__("" : "+r"(x))
#else
#define BW_POLY2_KEEP(x) (void)(x)
#endif

/* A tile, in scratch memory. */
typedef struct {
    bw_word *carry;   /* [out_c rounded up to 2] */
    bw_word *factors; /* [tile / 2][kernel_h][channels][2]: polynomials of two blocks */
    bw_word *counts;  /* [tile][ceil(out_c / 4)][2]: 2 bits a channel in every lane */
    bw_word *sums;    /* [tile][4]: low and high word of a channel's sums, then of the next one's */
    uint32_t column;  /* the tile's first, counted from the padded map's edge */
    uint32_t first;   /* column of the tile whose window is full */
    uint32_t columns; /* of the tile, up to the row's end */
    uint32_t blocks;  /* that these need, rounded up to 2 */
    uint32_t row;     /* of the padded map, where the windows begin */
    uint32_t bit;     /* of the pooled pixel that the next column belongs to */
    uint32_t phase;   /* where the column is in the pooling stride */
} bw_poly2_tile;

BW_INLINE uint32_t bw_poly2_groups(const bw_layer *layer)
{
    return (layer->out_c + 3u) / 4u;
}

/* ---- expand */

/* Codes of channels in STEPS columns to a polynomial each, at to[2 * channel], up to `end`. */
BW_INLINE void bw_poly2_spread(const uint32_t *columns, bw_word *to, const bw_word *end)
{
    uint32_t c0 = columns[0], c1 = columns[1], c2 = columns[2];
#if BW_POLY2_STEPS == 4
    uint32_t c3 = columns[3];
#define BW_POLY2_HIGHEST(shift) | ((c3 >> (shift)) << 30)
#else
#define BW_POLY2_HIGHEST(shift)
#endif
    do { /* four channels: code i of column j from bit 2i on to bit 2i + SLOT * j on */
        const uint32_t gathered =
            (c0 & 0xFFu) | ((c1 & 0xFFu) << BW_POLY2_SLOT) | ((c2 & 0xFFu) << (2u * BW_POLY2_SLOT));
        to[0] = (gathered & BW_POLY2_ONES) BW_POLY2_HIGHEST(0);
        to[2] = ((gathered >> 2) & BW_POLY2_ONES) BW_POLY2_HIGHEST(2);
        to[4] = ((gathered >> 4) & BW_POLY2_ONES) BW_POLY2_HIGHEST(4);
        to[6] = ((gathered >> 6) & BW_POLY2_ONES) BW_POLY2_HIGHEST(6);
        c0 >>= 8;
        c1 >>= 8;
        c2 >>= 8;
#if BW_POLY2_STEPS == 4
        c3 >>= 8;
#endif
        to += 8;
    } while (to != end);
#undef BW_POLY2_HIGHEST
}

/* One kernel row of a block to polynomials. */
BW_APART void bw_poly2_expand_row(const bw_layer *layer, const bw_word *in, uint32_t row, uint32_t column, bw_word *to)
{
    const uint32_t in_c = layer->in_c, y = row - layer->pad_top, x = column + layer->skip - layer->pad_left; /* wrap outside */
    const uint32_t width = (y < layer->in_h) ? layer->in_w : 0u;
    const uint32_t flip = (layer->in_kind == (uint8_t)BW_SIGNED) ? 0xAAAAAAAAu : 0u; /* plus 2 */
    const uint32_t outside = (((uint32_t)layer->pad_code & 3u) * 0x55555555u) ^ flip;
    uint32_t bit = 2u * (y * layer->in_w + x) * in_c, left = 2u * in_c;
    do {
        const uint32_t bits = (left < 32u) ? left : 32u;
        uint32_t columns[BW_POLY2_STEPS], i;
        for (i = 0u; i < BW_POLY2_STEPS; ++i) {
            columns[i] = (x + i < width) ? bw_field(in, bit + 2u * i * in_c, bits) ^ flip : outside;
        }
#if BW_POLY2_STEPS == 4
        columns[3] ^= 0xAAAAAAAAu;
#endif
        bw_poly2_spread(columns, to, to + ((bits + 15u) & ~15u));
        to += 32;
        bit += 32u;
        left -= bits;
    } while (left != 0u);
}

BW_INLINE void bw_poly2_expand(const bw_layer *layer, const bw_poly2 *poly, const bw_word *in, const bw_poly2_tile *t)
{
    const uint32_t kernel_h = layer->kernel_h, row_words = 2u * poly->channels;
    bw_word *to = t->factors;
    uint32_t column = t->column, block, row;
    for (block = 0u; block != t->blocks; ++block) {
        for (row = 0u; row < kernel_h; ++row) {
            bw_poly2_expand_row(layer, in, t->row + row, column, to);
            to += row_words;
        }
        to -= ((block & 1u) != 0u) ? 1u : kernel_h * row_words - 1u;
        column += BW_POLY2_STEPS;
    }
}

/* ---- multiply */

/* Sums of products, low and high word: of two channels with the first block, then with the second. */
typedef struct {
    uint32_t low[4], high[4];
} bw_poly2_sums;

/* The factors after those of the two blocks at x, which it multiplies with the weights w of two channels; a pair of
 * either a step. steps: a multiple of 8. */
BW_INLINE const bw_word *bw_poly2_multiply(bw_poly2_sums *s, const bw_word *x, const uint32_t *w, uint32_t steps)
{
#if defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__) && defined(__ARM_FEATURE_DSP)
#if defined(__ARM_FP) && (__ARM_FP & 8)
    /* Cortex-M7: a product and a load a cycle. The last step loads nothing: the weights may end there. */
#define BW_POLY2_STEP(at)                                                              \
    "smlal %[l0], %[h0], %[x0], %[w0]\n\tsmlal %[l1], %[h1], %[x0], %[w1]\n\t"         \
    "ldr %[x0], [%[x], #" #at " + 8]\n\tsmlal %[l2], %[h2], %[x1], %[w0]\n\t"          \
    "ldr %[w0], [%[w], #" #at " + 8]\n\tsmlal %[l3], %[h3], %[x1], %[w1]\n\t"          \
    "ldr %[w1], [%[w], #" #at " + 12]\n\tldr %[x1], [%[x], #" #at " + 12]\n\t"
#define BW_POLY2_FIRST "ldr %[x0], [%[x]]\n\tldr %[w0], [%[w]]\n\tldr %[w1], [%[w], #4]\n\tldr %[x1], [%[x], #4]\n\t"
#define BW_POLY2_LAST                                                          \
    "smlal %[l0], %[h0], %[x0], %[w0]\n\tsmlal %[l1], %[h1], %[x0], %[w1]\n\t" \
    "smlal %[l2], %[h2], %[x1], %[w0]\n\tsmlal %[l3], %[h3], %[x1], %[w1]\n\t"
#else
    /* Four loads in a row, then four products. */
#define BW_POLY2_STEP(at)                                                      \
    "ldr %[x0], [%[x], #" #at "]\n\tldr %[w0], [%[w], #" #at "]\n\t"           \
    "ldr %[w1], [%[w], #" #at " + 4]\n\tldr %[x1], [%[x], #" #at " + 4]\n\t"   \
    "smlal %[l0], %[h0], %[x0], %[w0]\n\tsmlal %[l1], %[h1], %[x0], %[w1]\n\t" \
    "smlal %[l2], %[h2], %[x1], %[w0]\n\tsmlal %[l3], %[h3], %[x1], %[w1]\n\t"
#define BW_POLY2_FIRST
#define BW_POLY2_LAST BW_POLY2_STEP(56)
#endif
    const uint32_t *const end = w + 2u * steps;
    register const bw_word *xx __asm__("r4") = x; /* low registers: short instructions */
    register const uint32_t *ww __asm__("r5") = w;
    register uint32_t x0 __asm__("r0"), x1 __asm__("r1"), w0 __asm__("r2"), w1 __asm__("r3");
    __asm__ volatile(
        "1:\n\t" BW_POLY2_FIRST BW_POLY2_STEP(0) BW_POLY2_STEP(8) BW_POLY2_STEP(16) BW_POLY2_STEP(24) BW_POLY2_STEP(32)
            BW_POLY2_STEP(40) BW_POLY2_STEP(48) BW_POLY2_LAST "ldr %[x0], %[end]\n\tadds %[x], #64\n\tadds %[w], #64\n\t"
                                                              "cmp %[w], %[x0]\n\tbne 1b\n\t"
        : [l0] "+r"(s->low[0]), [h0] "+r"(s->high[0]), [l1] "+r"(s->low[1]), [h1] "+r"(s->high[1]),
          [l2] "+r"(s->low[2]), [h2] "+r"(s->high[2]), [l3] "+r"(s->low[3]), [h3] "+r"(s->high[3]), [x] "+r"(xx),
          [w] "+r"(ww), [x0] "=&r"(x0), [x1] "=&r"(x1), [w0] "=&r"(w0), [w1] "=&r"(w1)
        : [end] "m"(end)
        : "cc", "memory");
#undef BW_POLY2_STEP
#undef BW_POLY2_FIRST
#undef BW_POLY2_LAST
    return xx;
#else
    uint64_t sum[4];
    uint32_t i;
    for (i = 0u; i < 4u; ++i) {
        sum[i] = ((uint64_t)s->high[i] << 32) | s->low[i];
    }
    do {
        const int64_t x0 = (int32_t)x[0], x1 = (int32_t)x[1], w0 = (int32_t)w[0], w1 = (int32_t)w[1];
        sum[0] += (uint64_t)(x0 * w0);
        sum[1] += (uint64_t)(x0 * w1);
        sum[2] += (uint64_t)(x1 * w0);
        sum[3] += (uint64_t)(x1 * w1);
        x += 2;
        w += 2;
    } while (--steps != 0u);
    for (i = 0u; i < 4u; ++i) {
        s->low[i] = (uint32_t)sum[i];
        s->high[i] = (uint32_t)(sum[i] >> 32);
    }
    return x;
#endif
}

/* Stores sums to which the block before has carried; the slots from STEPS on, which the next block starts from. */
BW_INLINE uint32_t bw_poly2_store(bw_word *sums, uint32_t low, uint32_t high, uint32_t carry)
{
    const uint64_t sum = (((uint64_t)high << 32) | low) + carry;
    sums[0] = (uint32_t)sum;
    sums[1] = (uint32_t)(sum >> 32);
    return (uint32_t)(sum >> 32) >> (BW_POLY2_STEPS * BW_POLY2_SLOT - 32u);
}

/* Sums of two channels in all blocks of the tile. */
BW_ALL_REGISTERS BW_APART void bw_poly2_multiply_tile(const bw_poly2 *poly, const bw_poly2_tile *t, const uint32_t *w,
                                                      uint32_t steps, uint32_t channel)
{
    const uint32_t *const start = poly->start + 2u * channel;
    const bw_word *x = t->factors, *const end = x + t->blocks * steps;
    bw_word *sums = t->sums, *const carry = t->carry + channel;
    uint32_t carry0 = carry[0], carry1 = carry[1];
    do {
        bw_poly2_sums s = {{start[0], start[2], start[0], start[2]}, {start[1], start[3], start[1], start[3]}};
        x = bw_poly2_multiply(&s, x, w, steps);
        carry0 = bw_poly2_store(sums, s.low[0], s.high[0], carry0);
        carry1 = bw_poly2_store(sums + 2, s.low[1], s.high[1], carry1);
        carry0 = bw_poly2_store(sums + 4, s.low[2], s.high[2], carry0);
        carry1 = bw_poly2_store(sums + 6, s.low[3], s.high[3], carry1);
        sums += 8;
    } while (x != end);
    carry[0] = carry0;
    carry[1] = carry1;
}

/* ---- count */

/* Appends how many of three thresholds either lane reaches. */
BW_INLINE uint32_t bw_poly2_append(uint32_t counts, uint32_t lanes, const uint32_t *reach, uint32_t tells)
{
    const uint32_t reached = ((lanes + reach[0]) & tells) + ((lanes + reach[1]) & tells) + ((lanes + reach[2]) & tells);
    return (counts << 2) | (reached >> BW_POLY2_SLOT);
}

/* Appends the counts of a channel, whose sums start at `sums`, in all blocks of the tile; `step` words from those of
 * one block to the next one's. */
BW_APART void bw_poly2_count_tile(const bw_word *sums, const bw_word *end, const uint16_t *thresholds, bw_word *counts,
                                  uint32_t step)
{
    const uint32_t reach[3] = {thresholds[0] * BW_POLY2_BOTH, thresholds[1] * BW_POLY2_BOTH, thresholds[2] * BW_POLY2_BOTH};
    uint32_t tells = BW_POLY2_TELLS, mask = BW_POLY2_LANES;
    BW_POLY2_KEEP(tells);
    BW_POLY2_KEEP(mask);
    do {
        const uint32_t low = sums[0], high = sums[1];
#if BW_POLY2_STEPS == 4
        const uint32_t lanes0 = low & mask, lanes1 = ((low >> 10) | (high << 22)) & mask;
#else
        const uint32_t lanes0 = (low & 0xFFFu) | ((low << 4) & (mask ^ 0xFFFu)), lanes1 = ((low >> 24) | (high << 8)) & 0xFFFu;
#endif
        counts[0] = bw_poly2_append(counts[0], lanes0, reach, tells);
        counts[1] = bw_poly2_append(counts[1], lanes1, reach, tells);
        sums += 4;
        counts += step;
        BW_POLY2_KEEP(sums); /* one pointer each, not one a word */
        BW_POLY2_KEEP(counts);
    } while (sums != end);
}

/* All channels of a tile. */
BW_INLINE void bw_poly2_convolve(const bw_layer *layer, const bw_poly2 *poly, const bw_poly2_tile *t)
{
    const uint32_t steps = layer->kernel_h * poly->channels, groups = bw_poly2_groups(layer);
    const bw_word *const end = t->sums + 4u * t->blocks;
    uint32_t channel = (layer->out_c + 1u) & ~1u;
    bw_word *counts = t->counts, *const counts_end = counts + 2u * groups * t->blocks;
    do {
        *counts++ = 0u;
    } while (counts != counts_end);
    do {
        channel -= 2u;
        counts = t->counts + (channel >> 2) * 2u;
        bw_poly2_multiply_tile(poly, t, layer->weights + channel * steps, steps, channel);
        bw_poly2_count_tile(t->sums + 2, end + 2, poly->reach + 4u * channel + 4u, counts, 2u * groups);
        bw_poly2_count_tile(t->sums, end, poly->reach + 4u * channel, counts, 2u * groups);
    } while (channel != 0u);
}

/* ---- collect */

/* Of each two bits the larger. */
BW_INLINE uint32_t bw_poly2_larger(uint32_t a, uint32_t b)
{
    const uint32_t above_a = ((b & ~a) >> 1) & 0x55555555u, above_b = ((a & ~b) >> 1) & 0x55555555u;
    return (a & ~above_a) | (b & ~above_b);
}

/* From counts to output codes. */
BW_INLINE uint32_t bw_poly2_codes(const bw_poly2 *poly, uint32_t counts, uint32_t descending)
{
    if (poly->low == -1) { /* ternary: 0, 1, 2 to -1, 0, 1; a descending channel's negated */
        const uint32_t codes = ~(counts | ((counts & 0x55555555u) << 1));
        return codes ^ ((codes << 1) & descending & 0xAAAAAAAAu);
    }
    return counts ^ descending ^ ((poly->low != 0) ? 0xAAAAAAAAu : 0u);
}

/* Counts of a field of `bits` bits that has held others: the larger; codes if no more come. */
BW_INLINE void bw_poly2_merge(const bw_poly2 *poly, bw_word *words, uint32_t bit, uint32_t bits, uint32_t counts,
                              uint32_t descending, uint32_t last)
{
    const uint32_t shift = bit & 31u, whole = ((shift | (bits & 31u)) == 0u) ? 1u : 0u;
    const uint32_t old = (whole != 0u) ? words[bit >> 5] : bw_field(words, bit, bits);
    uint32_t now = bw_poly2_larger(old, counts), high;
    if (last != 0u) {
        now = bw_poly2_codes(poly, now, descending);
    }
    words += bit >> 5;
    if (whole != 0u) {
        words[0] = now;
        return;
    }
    now = (now ^ old) & bw_mask(bits); /* what changes */
    words[0] ^= now << shift;
    high = (now >> 1) >> (31u - shift);
    if (high != 0u) {
        words[1] ^= high;
    }
}

/* A byte of each of four groups' lanes. */
BW_INLINE uint32_t bw_poly2_pixel(const bw_word *lanes, uint32_t shift)
{
    return ((lanes[0] >> shift) & 0xFFu) | (((lanes[2] >> shift) & 0xFFu) << 8) | (((lanes[4] >> shift) & 0xFFu) << 16) |
           ((lanes[6] >> shift) << 24);
}

/* 16 channels in the columns of a block; past the last channel, anything. */
BW_INLINE void bw_poly2_pixels(const bw_word *counts, uint32_t *pixels)
{
#if BW_POLY2_STEPS == 4
    pixels[0] = bw_poly2_pixel(counts, 0u);
    pixels[1] = bw_poly2_pixel(counts + 1, 0u);
    pixels[2] = bw_poly2_pixel(counts, BW_POLY2_LANE);
    pixels[3] = bw_poly2_pixel(counts + 1, BW_POLY2_LANE);
#else
    pixels[0] = bw_poly2_pixel(counts, 0u);
    pixels[1] = bw_poly2_pixel(counts, BW_POLY2_LANE);
    pixels[2] = bw_poly2_pixel(counts + 1, 0u);
#endif
}

/* Up to 16 channels of the tile's counts to pixels, pooled. */
BW_INLINE void bw_poly2_collect(const bw_layer *layer, const bw_poly2 *poly, const bw_poly2_tile *t,
                                const bw_word *counts, uint32_t channel, uint32_t last_row, bw_word *out)
{
    const uint32_t left = 2u * (layer->out_c - channel), bits = (left < 32u) ? left : 32u;
    const uint32_t descending = poly->descending[channel >> 4];
    uint32_t column = t->first, slot = t->first, phase = t->phase, bit = t->bit + 2u * channel, set = 0u;
    while (column < t->columns) {
        uint32_t pixels[BW_POLY2_STEPS];
        bw_poly2_pixels(counts, pixels);
        do {
            set = bw_poly2_larger(set, pixels[slot]);
            if (++phase == layer->pool_w) {
                bw_poly2_merge(poly, out, bit, bits, set, descending, last_row);
            }
            if (phase == layer->pool_stride_w) {
                set = phase = 0u;
                bit += 2u * layer->out_c;
            }
            ++column;
            ++slot;
        } while (slot != BW_POLY2_STEPS && column != t->columns);
        slot = 0u;
        counts += 2u * bw_poly2_groups(layer);
    }
    if (phase != 0u && phase < layer->pool_w) { /* the rest of a window comes with the next tile */
        bw_poly2_merge(poly, out, bit, bits, set, 0u, 0u);
    }
}

BW_INLINE void bw_poly2_tile_columns(const bw_layer *layer, const bw_poly2 *poly, bw_poly2_tile *t, const bw_word *in,
                                     uint32_t last_row, bw_word *out)
{
    uint32_t channel, columns;
    bw_poly2_expand(layer, poly, in, t);
    bw_poly2_convolve(layer, poly, t);
    for (channel = 0u; channel < layer->out_c; channel += 16u) {
        bw_poly2_collect(layer, poly, t, t->counts + channel / 2u, channel, last_row, out);
    }
    columns = t->phase + t->columns - t->first;
    t->bit += columns / layer->pool_stride_w * 2u * layer->out_c;
    t->phase = columns % layer->pool_stride_w;
}

/* One row of accumulators into row y of the output. */
BW_INLINE void bw_poly2_row(const bw_layer *layer, const bw_poly2 *poly, bw_poly2_tile *t, const bw_word *in, uint32_t y,
                            uint32_t last_row, bw_word *out)
{
    const uint32_t tile_columns = poly->tile * BW_POLY2_STEPS;
    uint32_t left = (layer->out_w - 1u) * layer->pool_stride_w + layer->pool_w + layer->kernel_w - 1u, i;
    for (i = 0u; i < ((layer->out_c + 1u) & ~1u); ++i) { /* what a block of zeros would carry */
        t->carry[i] = poly->reach[4u * i + 3u] * ((1u << BW_POLY2_SLOT) + 1u);
    }
    t->column = t->phase = 0u;
    t->first = layer->kernel_w - 1u;
    t->bit = y * layer->out_w * 2u * layer->out_c;
    do {
        t->columns = (left < tile_columns) ? left : tile_columns;
        t->blocks = (t->columns + 2u * BW_POLY2_STEPS - 1u) / (2u * BW_POLY2_STEPS) * 2u;
        bw_poly2_tile_columns(layer, poly, t, in, last_row, out);
        t->column += tile_columns;
        t->first = 0u;
        left -= t->columns;
    } while (left != 0u);
}

BW_INLINE void bw_conv2d_poly2(const bw_layer *layer, const bw_poly2 *poly, const bw_word *in, bw_word *out,
                               bw_word *scratch)
{
    const uint32_t words = (layer->out_h * layer->out_w * layer->out_c + 15u) / 16u;
    bw_poly2_tile t;
    uint32_t y, row, i;
    t.carry = scratch;
    t.factors = t.carry + ((layer->out_c + 1u) & ~1u);
    t.counts = t.factors + (uint32_t)poly->tile * layer->kernel_h * poly->channels;
    t.sums = t.counts + 2u * poly->tile * bw_poly2_groups(layer);
    for (i = 0u; i < words; ++i) {
        out[i] = 0u;
    }
    for (y = 0u; y < layer->out_h; ++y) {
        for (row = 0u; row < layer->pool_h; ++row) {
            t.row = (y * layer->pool_stride_h + row) * layer->stride_h;
            bw_poly2_row(layer, poly, &t, in, y, (row + 1u == layer->pool_h) ? 1u : 0u, out);
        }
    }
}

#endif

/* bw_conv2d_poly.h: binary convolution by multiplying polynomials. SPDX-License-Identifier: Apache-2.0
 *
 * A word holds STEPS columns of one input channel in slots of SLOT bits, another the taps of one kernel row and channel
 * in reverse; their 64-bit product holds STEPS + taps - 1 partial sums, one a slot, so that one multiply-accumulate does
 * STEPS x taps of the network's (the packing of HiKonv, arXiv 2112.13972; UMLAL takes a cycle on Cortex-M4, M7, M33).
 * The lowest STEPS slots are finished columns; the others, shifted down, start the next block's.
 *
 * With bits a of the input and w of the weights, 0 or 1, S the sum of a * w and A the sum of a over a window, the
 * accumulator, the sum of (2a - 1)(2w - 1), is 2 (2S - A) less the sum of (2w - 1): it reaches a threshold where 2S - A
 * reaches `need`. Channels with more ones than zeros are stored complemented, which turns the order round; so S stays
 * within half the window and no slot overflows (the lowering checks). Two slots at a time are compared, in lanes of two
 * slots' width whose highest bit tells.
 *
 * Per tile of columns: expand bits to polynomials; multiply, two channels and two blocks at once; collect the result
 * bits as pixels, pooled by OR. */
#ifndef BW_CONV2D_POLY_H
#define BW_CONV2D_POLY_H

#include "bw_bits.h"

#if BW_POLY_STEPS == 5
#define BW_POLY_SLOT 7u
#define BW_POLY_COPIES 0x01041041u /* times 5 bits: a copy of bit i at bit 7 i */
#define BW_POLY_SPREAD 0x10204081u
#else
#define BW_POLY_SLOT 8u
#define BW_POLY_COPIES 0x00204081u
#define BW_POLY_SPREAD 0x01010101u
#endif
#define BW_POLY_LANE (2u * BW_POLY_SLOT)
#define BW_POLY_TOP (BW_POLY_LANE - 1u)                   /* the bit of the lower lane that tells */
#define BW_POLY_BOTH ((1u << BW_POLY_LANE) | 1u)
#define BW_POLY_EVEN (((1u << BW_POLY_SLOT) - 1u) * BW_POLY_BOTH)
#define BW_POLY_LANES ((BW_POLY_STEPS + 1u) / 2u)         /* words: slots 0 and 2, 1 and 3, 4 */

/* A tile, in scratch memory. */
typedef struct {
    bw_word *carry;   /* [out_c rounded up to 2] */
    bw_word *factors; /* [tile / 2][kernel_h][channels][2]: polynomials of two blocks */
    bw_word *ones;    /* [tile][LANES]: 2^TOP - A */
    bw_word *results; /* [tile][ceil(out_c / 8)][LANES]: a bit a channel in every lane */
    bw_word *counts;  /* [kernel_w + tile * STEPS]: ones in a column; first those before the tile */
    uint32_t window;  /* A of the last column so far */
    uint32_t column;  /* the tile's first, counted from the padded map's edge */
    uint32_t row;     /* of the accumulators */
    uint32_t borders; /* bit b: block b has a window that lacks taps */
} bw_poly_tile;

BW_INLINE bw_poly_tile bw_poly_tile_in(bw_word *scratch, const bw_layer *layer, const bw_poly *poly)
{
    bw_poly_tile t;
    t.carry = scratch;
    t.factors = t.carry + ((layer->out_c + 1u) & ~1u);
    t.ones = t.factors + (uint32_t)poly->tile * layer->kernel_h * poly->channels;
    t.results = t.ones + poly->tile * BW_POLY_LANES;
    t.counts = t.results + poly->tile * BW_POLY_LANES * ((layer->out_c + 7u) / 8u);
    t.window = t.column = t.row = t.borders = 0u;
    return t;
}

/* ---- expand */

/* Up to 32 channels of a pixel of the padded map. */
BW_INLINE uint32_t bw_poly_pixel(const bw_layer *layer, const bw_word *in, uint32_t row, uint32_t column,
                                 uint32_t channel, uint32_t bits)
{
    const uint32_t y = row - layer->pad_top, x = column + layer->skip - layer->pad_left; /* wrap outside the map */
    if (y < layer->in_h && x < layer->in_w) {
        return bw_field(in, (y * layer->in_w + x) * layer->in_c + channel, bits);
    }
    return (layer->pad_code > 0) ? bw_mask(bits) : 0u;
}

/* Bits of up to 32 channels in STEPS columns to a polynomial each, at to[2 * channel]. */
BW_INLINE void bw_poly_spread(const uint32_t *columns, uint32_t bits, bw_word *to)
{
    uint32_t shift, i;
    for (shift = 0u; shift < 8u; ++shift) {
        uint32_t bytes = 0u; /* STEPS bits each of channels shift, 8 + shift, 16 + shift, 24 + shift */
        for (i = 0u; i < BW_POLY_STEPS; ++i) {
            bytes |= ((columns[i] >> shift) & 0x01010101u) << i;
        }
        for (i = 0u; i < bits; i += 8u) {
            to[2u * i] = (((bytes >> i) & 0xFFu) * BW_POLY_COPIES) & BW_POLY_SPREAD;
        }
        to += 2;
    }
}

/* Whether a window that ends in the block starting at this column lacks taps. */
static uint32_t bw_poly_at_border(const bw_layer *layer, const bw_poly_tile *t, uint32_t column)
{
    const uint32_t last = column + BW_POLY_STEPS - 1u;
    return (t->row < layer->pad_top || t->row + layer->kernel_h > (uint32_t)layer->in_h + layer->pad_top ||
            column < (uint32_t)layer->pad_left + layer->kernel_w - 1u || last + layer->skip >= (uint32_t)layer->in_w + layer->pad_left)
               ? 1u
               : 0u;
}

static void bw_poly_expand(const bw_layer *layer, const bw_poly *poly, const bw_word *in, bw_poly_tile *t)
{
    const uint32_t kernel_w = layer->kernel_w;
    uint32_t block, row, channel, i;
    t->borders = 0u;
    for (block = 0u; block < poly->tile; ++block) {
        bw_word *to = t->factors + (block & ~1u) * layer->kernel_h * poly->channels + (block & 1u);
        const uint32_t column = t->column + block * BW_POLY_STEPS;
        bw_word *counts = t->counts + block * BW_POLY_STEPS;
        uint32_t lanes[6] = {0u, 0u, 0u, 0u, 0u, 0u};
        uint32_t columns[BW_POLY_STEPS];
        if (poly->tap_sums != 0) {
            t->borders |= bw_poly_at_border(layer, t, column) << block;
        }
        for (i = 0u; i < BW_POLY_STEPS; ++i) {
            counts[kernel_w + i] = 0u;
        }
        for (row = 0u; row < layer->kernel_h; ++row) {
            for (channel = 0u; channel < layer->in_c; channel += 32u) {
                const uint32_t left = layer->in_c - channel, bits = (left < 32u) ? left : 32u;
                for (i = 0u; i < BW_POLY_STEPS; ++i) {
                    columns[i] = bw_poly_pixel(layer, in, t->row + row, column + i, channel, bits);
                    counts[kernel_w + i] += bw_popcount(columns[i]);
                }
                bw_poly_spread(columns, bits, to + 2u * channel);
            }
            to += 2u * poly->channels;
        }
        for (i = 0u; i < BW_POLY_STEPS; ++i) {
            t->window += counts[kernel_w + i] - counts[i];
            lanes[(i & 1u) + ((i >> 2) << 1)] += ((1u << BW_POLY_TOP) - t->window) << (((i >> 1) & 1u) * BW_POLY_LANE);
        }
        for (i = 0u; i < BW_POLY_LANES; ++i) {
            t->ones[block * BW_POLY_LANES + i] = lanes[i];
        }
    }
    for (i = 0u; i < kernel_w; ++i) {
        t->counts[i] = t->counts[i + poly->tile * BW_POLY_STEPS];
    }
}

/* ---- multiply */

/* Sums of products, low and high word: of two channels with the first block, then with the second. */
typedef struct {
    uint32_t low[4], high[4];
} bw_poly_sums;

/* steps: a multiple of 8. x: polynomials of two blocks, w: of two channels, a pair a step. */
BW_INLINE void bw_poly_multiply(bw_poly_sums *s, const bw_word *x, const uint32_t *w, uint32_t steps)
{
#if defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__) && defined(__ARM_FEATURE_DSP)
    /* Four loads in a row, then four products: the compiler's own order costs a quarter more. */
#define BW_POLY_STEP(at)                                                   \
    "ldr %[x0], [%[x], #" #at "]\n\tldr %[x1], [%[x], #" #at " + 4]\n\t"   \
    "ldr %[w0], [%[w], #" #at "]\n\tldr %[w1], [%[w], #" #at " + 4]\n\t"   \
    "umlal %[l0], %[h0], %[x0], %[w0]\n\tumlal %[l1], %[h1], %[x0], %[w1]\n\t" \
    "umlal %[l2], %[h2], %[x1], %[w0]\n\tumlal %[l3], %[h3], %[x1], %[w1]\n\t"
    const uint32_t *end = w + 2u * steps;
    uint32_t x0, x1, w0, w1;
    __asm__ volatile(
        "1:\n\t" BW_POLY_STEP(0) BW_POLY_STEP(8) BW_POLY_STEP(16) BW_POLY_STEP(24) BW_POLY_STEP(32) BW_POLY_STEP(40)
            BW_POLY_STEP(48) BW_POLY_STEP(56) "ldr %[x0], %[end]\n\tadds %[x], #64\n\tadds %[w], #64\n\t"
                                              "cmp %[w], %[x0]\n\tbne 1b\n\t"
        : [l0] "+r"(s->low[0]), [h0] "+r"(s->high[0]), [l1] "+r"(s->low[1]), [h1] "+r"(s->high[1]),
          [l2] "+r"(s->low[2]), [h2] "+r"(s->high[2]), [l3] "+r"(s->low[3]), [h3] "+r"(s->high[3]), [x] "+r"(x),
          [w] "+r"(w), [x0] "=&r"(x0), [x1] "=&r"(x1), [w0] "=&r"(w0), [w1] "=&r"(w1)
        : [end] "m"(end)
        : "cc", "memory");
#undef BW_POLY_STEP
#else
    uint64_t sum[4];
    uint32_t i;
    for (i = 0u; i < 4u; ++i) {
        sum[i] = ((uint64_t)s->high[i] << 32) | s->low[i];
    }
    do {
        sum[0] += (uint64_t)x[0] * w[0];
        sum[1] += (uint64_t)x[0] * w[1];
        sum[2] += (uint64_t)x[1] * w[0];
        sum[3] += (uint64_t)x[1] * w[1];
        x += 2;
        w += 2;
    } while (--steps != 0u);
    for (i = 0u; i < 4u; ++i) {
        s->low[i] = (uint32_t)sum[i];
        s->high[i] = (uint32_t)(sum[i] >> 32);
    }
#endif
}

/* The slots from STEPS on, as the low word that the next block starts from. */
BW_INLINE uint32_t bw_poly_carry(uint32_t high)
{
    return high >> (BW_POLY_STEPS * BW_POLY_SLOT - 32u);
}

/* Appends a result bit to both lanes. */
BW_INLINE uint32_t bw_poly_append(uint32_t results, uint32_t lanes)
{
    return (results << 1) + ((lanes >> BW_POLY_TOP) & BW_POLY_BOTH);
}

/* needs: -need of two channels in every lane, [LANES] each. */
BW_INLINE void bw_poly_compare(bw_word *results, const bw_word *ones, uint32_t low0, uint32_t high0, uint32_t low1,
                               uint32_t high1, const uint32_t *need0, const uint32_t *need1)
{
    const uint32_t even = BW_POLY_EVEN;
    results[0] = bw_poly_append(bw_poly_append(results[0], ones[0] + need1[0] + ((low1 & even) << 1)),
                                ones[0] + need0[0] + ((low0 & even) << 1));
    results[1] = bw_poly_append(bw_poly_append(results[1], ones[1] + need1[1] + (((low1 >> BW_POLY_SLOT) & even) << 1)),
                                ones[1] + need0[1] + (((low0 >> BW_POLY_SLOT) & even) << 1));
#if BW_POLY_STEPS == 5
    /* Slot 4: bits 28..34. What lies above it in the word does not reach its lane's highest bit. */
    {
        const uint32_t slot0 = (low0 >> 28) | ((high0 & 7u) << 4), slot1 = (low1 >> 28) | ((high1 & 7u) << 4);
        results[2] = bw_poly_append(bw_poly_append(results[2], ones[2] + need1[2] + (slot1 << 1)),
                                    ones[2] + need0[2] + (slot0 << 1));
    }
#else
    (void)high0;
    (void)high1;
#endif
}

/* -need, where need = ceil(reach / 2), and 1 - need of a complemented channel. The offset keeps the shifted value positive. */
BW_INLINE uint32_t bw_poly_minus_need(const bw_poly *poly, uint32_t channel, int32_t reach)
{
    const uint32_t complement = (poly->complement[channel >> 5] >> (channel & 31u)) & 1u;
    const uint32_t need = ((uint32_t)(reach + 0x4001) >> 1) - 0x2000u;
    return (complement != 0u) ? need - 1u : 0u - need;
}

/* Where a border of zeros is skipped, `need` depends on the taps that lie outside. */
static void bw_poly_border_need(const bw_layer *layer, const bw_poly *poly, const bw_poly_tile *t, uint32_t channel,
                                uint32_t column, uint32_t *need)
{
    const uint32_t taps = (uint32_t)layer->kernel_h * layer->kernel_w;
    uint32_t i, y, x;
    for (i = 0u; i < BW_POLY_LANES; ++i) {
        need[i] = 0u;
    }
    for (i = 0u; i < BW_POLY_STEPS; ++i) {
        const int16_t *tap_sum = poly->tap_sums + channel * taps;
        const uint32_t left = column + i - (layer->kernel_w - 1u); /* of the window */
        int32_t reach = poly->reach[channel];
        for (y = 0u; y < layer->kernel_h; ++y) {
            for (x = 0u; x < layer->kernel_w; ++x, ++tap_sum) {
                if (t->row + y - layer->pad_top >= layer->in_h || left + x + layer->skip - layer->pad_left >= layer->in_w) {
                    reach -= *tap_sum;
                }
            }
        }
        need[(i & 1u) + ((i >> 2) << 1)] += bw_poly_minus_need(poly, channel, reach)
                                            << (((i >> 1) & 1u) * BW_POLY_LANE);
    }
}

BW_ALL_REGISTERS static void bw_poly_tile_multiply(const bw_layer *layer, const bw_poly *poly, const bw_poly_tile *t)
{
    const uint32_t steps = layer->kernel_h * poly->channels, groups = (layer->out_c + 7u) / 8u;
    uint32_t channel = (layer->out_c + 1u) & ~1u, i;
    for (i = 0u; i < poly->tile * groups * BW_POLY_LANES; ++i) {
        t->results[i] = 0u;
    }
    do {
        const uint32_t *w;
        const bw_word *x = t->factors, *ones = t->ones;
        bw_word *results;
        uint32_t borders = t->borders, column = t->column, carry0, carry1, block, need[2];
        channel -= 2u;
        w = layer->weights + channel * steps;
        results = t->results + (channel >> 3) * BW_POLY_LANES;
        carry0 = t->carry[channel];
        carry1 = t->carry[channel + 1u];
        need[0] = bw_poly_minus_need(poly, channel, poly->reach[channel]) * BW_POLY_BOTH;
        need[1] = bw_poly_minus_need(poly, channel + 1u, poly->reach[channel + 1u]) * BW_POLY_BOTH;
        for (block = 0u; block < poly->tile; block += 2u) {
            bw_poly_sums s = {{carry0, carry1, 0u, 0u}, {0u, 0u, 0u, 0u}};
            uint32_t half;
            bw_poly_multiply(&s, x, w, steps);
            x += 2u * steps;
            for (half = 0u; half < 2u; ++half) { /* the second block continues the first */
                const uint32_t added = bw_poly_carry(s.high[half]);
                s.low[2u + half] += added;
                s.high[2u + half] += (s.low[2u + half] < added) ? 1u : 0u;
            }
            carry0 = bw_poly_carry(s.high[2]);
            carry1 = bw_poly_carry(s.high[3]);
            for (half = 0u; half < 4u; half += 2u) {
                if ((borders & 1u) != 0u) {
                    uint32_t border[2][3];
                    bw_poly_border_need(layer, poly, t, channel, column, border[0]);
                    bw_poly_border_need(layer, poly, t, channel + 1u, column, border[1]);
                    bw_poly_compare(results, ones, s.low[half], s.high[half], s.low[half + 1u], s.high[half + 1u],
                                    border[0], border[1]);
                } else {
                    const uint32_t inner[2][3] = {{need[0], need[0], need[0]}, {need[1], need[1], need[1]}};
                    bw_poly_compare(results, ones, s.low[half], s.high[half], s.low[half + 1u], s.high[half + 1u],
                                    inner[0], inner[1]);
                }
                borders >>= 1;
                results += groups * BW_POLY_LANES;
                ones += BW_POLY_LANES;
                column += BW_POLY_STEPS;
            }
        }
        t->carry[channel] = carry0;
        t->carry[channel + 1u] = carry1;
    } while (channel != 0u);
}

/* ---- collect */

/* A field whose bits beyond its width are 0, combined with those at `bit`. */
BW_INLINE void bw_or_field(bw_word *words, uint32_t bit, uint32_t value)
{
    const uint32_t shift = bit & 31u, high = (value >> 1) >> (31u - shift);
    words[bit >> 5] |= value << shift;
    if (high != 0u) {
        words[(bit >> 5) + 1u] |= high;
    }
}

BW_INLINE void bw_xor_field(bw_word *words, uint32_t bit, uint32_t value)
{
    const uint32_t shift = bit & 31u, high = (value >> 1) >> (31u - shift);
    words[bit >> 5] ^= value << shift;
    if (high != 0u) {
        words[(bit >> 5) + 1u] ^= high;
    }
}

/* Eight channels of slot `step` in each of up to four groups. */
BW_INLINE uint32_t bw_poly_result(const bw_word *results, uint32_t groups, uint32_t step)
{
    const uint32_t shift = ((step >> 1) & 1u) * BW_POLY_LANE;
    uint32_t bits = 0u, i;
    results += (step & 1u) + ((step >> 2) << 1);
    for (i = 0u; i < groups && i < 4u; ++i, results += BW_POLY_LANES) {
        bits |= ((*results >> shift) & 0xFFu) << (8u * i);
    }
    return bits;
}

/* One column's results into a pixel. */
BW_INLINE void bw_poly_put(const bw_layer *layer, const bw_poly *poly, const bw_word *results, uint32_t step,
                           uint32_t pixel, bw_word *out)
{
    const uint32_t groups = (layer->out_c + 7u) / 8u;
    uint32_t channel;
    for (channel = 0u; channel < layer->out_c; channel += 32u) {
        const uint32_t bits =
            bw_poly_result(results + channel / 8u * BW_POLY_LANES, groups - channel / 8u, step);
        bw_or_field(out, pixel * layer->out_c + channel, bits ^ poly->complement[channel >> 5]);
    }
}

/* One row of accumulators into row y of the output. */
BW_INLINE void bw_poly_row(const bw_layer *layer, const bw_poly *poly, bw_poly_tile *t, const bw_word *in, uint32_t y,
                           bw_word *out)
{
    const uint32_t columns = (layer->out_w - 1u) * layer->pool_stride_w + layer->pool_w + layer->kernel_w - 1u;
    const uint32_t block_words = (layer->out_c + 7u) / 8u * BW_POLY_LANES;
    uint32_t pixel = y * layer->out_w, phase = 0u, i; /* the pooled pixel and the column within its stride */
    t->window = 0u;
    for (i = 0u; i < ((layer->out_c + 1u) & ~1u); ++i) {
        t->carry[i] = 0u;
    }
    for (i = 0u; i < layer->kernel_w; ++i) {
        t->counts[i] = 0u;
    }
    for (t->column = 0u; t->column < columns; t->column += poly->tile * BW_POLY_STEPS) {
        bw_poly_expand(layer, poly, in, t);
        bw_poly_tile_multiply(layer, poly, t);
        for (i = 0u; i < poly->tile * BW_POLY_STEPS && t->column + i < columns; ++i) {
            if (t->column + i + 1u < layer->kernel_w) {
                continue; /* the window is not yet full */
            }
            if (phase < layer->pool_w) {
                bw_poly_put(layer, poly, t->results + i / BW_POLY_STEPS * block_words, i % BW_POLY_STEPS, pixel, out);
            }
            if (++phase == layer->pool_stride_w) {
                phase = 0u;
                ++pixel;
            }
        }
    }
}

BW_INLINE void bw_conv2d_poly(const bw_layer *layer, const bw_poly *poly, const bw_word *in, bw_word *out,
                              bw_word *scratch)
{
    const uint32_t outputs = (uint32_t)layer->out_h * layer->out_w;
    bw_poly_tile t = bw_poly_tile_in(scratch, layer, poly);
    uint32_t y, row, i;
    for (i = 0u; i < (outputs * layer->out_c + 31u) / 32u; ++i) {
        out[i] = 0u;
    }
    for (y = 0u; y < layer->out_h; ++y) {
        for (row = 0u; row < layer->pool_h; ++row) {
            t.row = y * layer->pool_stride_h + row;
            bw_poly_row(layer, poly, &t, in, y, out);
        }
    }
    if (poly->descending != 0) {
        for (y = 0u; y < outputs; ++y) {
            for (i = 0u; i < layer->out_c; i += 32u) {
                bw_xor_field(out, y * layer->out_c + i, poly->descending[i >> 5]);
            }
        }
    }
}

#endif

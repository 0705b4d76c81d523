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
 * slots' width whose highest bit tells; the fifth slot, which lies across two words, has a word to itself.
 *
 * Per tile of columns: expand bits to polynomials; multiply, two channels and two blocks at once, and compare; collect
 * the result bits as pixels, pooled by OR. Loops over slots are written out where compilers leave them rolled. */
#ifndef BW_CONV2D_POLY_H
#define BW_CONV2D_POLY_H

#include "bw_bits.h"

#if BW_POLY_STEPS == 5u
#define BW_POLY_SLOT 7u
#define BW_POLY_GATHER 4u /* channels that fit into the space between two slots */
#define BW_POLY_ONES 0x10204081u
#else
#define BW_POLY_SLOT 8u
#define BW_POLY_GATHER 8u
#define BW_POLY_ONES 0x01010101u
#endif
#define BW_POLY_LANE (2u * BW_POLY_SLOT)
#define BW_POLY_TOP (BW_POLY_LANE - 1u) /* the bit of the lower lane that tells */
#define BW_POLY_BOTH ((1u << BW_POLY_LANE) | 1u)
#define BW_POLY_EVEN (((1u << BW_POLY_SLOT) - 1u) * BW_POLY_BOTH)
#define BW_POLY_LANES ((BW_POLY_STEPS + 1u) / 2u) /* words: slots 0 and 2, 1 and 3, 4 */

/* Called at several places or rarely: a copy in each caller costs memory. */
#if defined(__GNUC__)
#define BW_POLY_SHARED static __attribute__((__noinline__))
#else
#define BW_POLY_SHARED static
#endif

/* A tile, in scratch memory. */
typedef struct {
    bw_word *carry;   /* [out_c rounded up to 2] */
    bw_word *factors; /* [tile / 2][kernel_h][channels][2]: polynomials of two blocks */
    bw_word *ones;    /* [tile][LANES]: the bit that tells, less A */
    bw_word *results; /* [tile][ceil(out_c / 8)][LANES]: a bit a channel in every lane */
    bw_word *counts;  /* [kernel_w + tile * STEPS]: ones in a column; first those before the tile */
    bw_word *sums;    /* [tile][4], over the counts: low and high word of a channel's sums, then of the next one's */
    uint32_t window;  /* A of the last column so far */
    uint32_t column;  /* the tile's first, counted from the padded map's edge */
    uint32_t first;   /* column of the tile whose window is full */
    uint32_t columns; /* of the tile, up to the row's end */
    uint32_t blocks;  /* that these need, rounded up to 2 */
    uint32_t row;     /* of the accumulators */
    uint32_t bit;     /* of the pooled pixel that the next column belongs to */
    uint32_t phase;   /* where the column is in the pooling stride */
} bw_poly_tile;

BW_INLINE uint32_t bw_poly_block_words(const bw_layer *layer)
{
    return (layer->out_c + 7u) / 8u * BW_POLY_LANES;
}

/* The word and the shift of a slot's lane. */
BW_INLINE uint32_t bw_poly_lane(uint32_t slot)
{
    return (slot & 1u) + ((slot >> 2) << 1);
}

BW_INLINE uint32_t bw_poly_shift(uint32_t slot)
{
    return ((slot >> 1) & 1u) * BW_POLY_LANE;
}

/* ---- expand */

#if BW_POLY_STEPS == 5u
#define BW_POLY_SLOT_4(number) | ((number) << (4u * BW_POLY_SLOT))
#else
#define BW_POLY_SLOT_4(number)
#endif

/* Bits of channels in STEPS columns to a polynomial each, at to[2 * channel], up to `end`. */
BW_INLINE void bw_poly_spread(const uint32_t *columns, bw_word *to, const bw_word *end)
{
    const uint32_t mask = (1u << BW_POLY_GATHER) - 1u;
    uint32_t c0 = columns[0], c1 = columns[1], c2 = columns[2], c3 = columns[3];
#if BW_POLY_STEPS == 5u
    uint32_t c4 = columns[4];
#endif
    do {
        /* Bit i of column j to bit i + SLOT * j. */
        const uint32_t gathered = (c0 & mask) | ((c1 & mask) << BW_POLY_SLOT) | ((c2 & mask) << (2u * BW_POLY_SLOT)) |
                                  ((c3 & mask) << (3u * BW_POLY_SLOT)) BW_POLY_SLOT_4(c4 & mask);
        c0 >>= BW_POLY_GATHER;
        c1 >>= BW_POLY_GATHER;
        c2 >>= BW_POLY_GATHER;
        c3 >>= BW_POLY_GATHER;
        to[0] = gathered & BW_POLY_ONES;
        to[2] = (gathered >> 1) & BW_POLY_ONES;
        to[4] = (gathered >> 2) & BW_POLY_ONES;
        to[6] = (gathered >> 3) & BW_POLY_ONES;
#if BW_POLY_STEPS == 5u
        c4 >>= BW_POLY_GATHER;
#else
        to[8] = (gathered >> 4) & BW_POLY_ONES;
        to[10] = (gathered >> 5) & BW_POLY_ONES;
        to[12] = (gathered >> 6) & BW_POLY_ONES;
        to[14] = (gathered >> 7) & BW_POLY_ONES;
#endif
        to += 2u * BW_POLY_GATHER;
    } while (to != end);
}

/* One kernel row of a block to polynomials; adds the ones of every column to counts. */
BW_POLY_SHARED void bw_poly_expand_row(const bw_layer *layer, const bw_word *in, uint32_t row, uint32_t column,
                                       bw_word *to, bw_word *counts)
{
    const uint32_t in_c = layer->in_c, y = row - layer->pad_top, x = column + layer->skip - layer->pad_left; /* wrap outside */
    const uint32_t width = (y < layer->in_h) ? layer->in_w : 0u;
    const uint32_t outside = (layer->pad_code > 0) ? 0xFFFFFFFFu : 0u;
    uint32_t bit = (y * layer->in_w + x) * in_c, left = in_c;
    do {
        const uint32_t bits = (left < 32u) ? left : 32u;
        uint32_t columns[BW_POLY_STEPS], i;
        for (i = 0u; i < BW_POLY_STEPS; ++i) {
            const uint32_t pixel = (x + i < width) ? bw_field(in, bit + i * in_c, bits) : outside & bw_mask(bits);
            columns[i] = pixel;
            counts[i] += bw_popcount(pixel);
        }
        bw_poly_spread(columns, to, to + 2u * ((bits + 7u) & ~7u));
        to += 64;
        bit += 32u;
        left -= bits;
    } while (left != 0u);
}

BW_INLINE void bw_poly_expand(const bw_layer *layer, const bw_poly *poly, const bw_word *in, bw_poly_tile *t)
{
    const uint32_t kernel_w = layer->kernel_w, kernel_h = layer->kernel_h, row_words = 2u * poly->channels;
    bw_word *to = t->factors, *counts = t->counts + kernel_w, *ones = t->ones;
    uint32_t window = t->window, column = t->column, block, row, i;
    for (block = 0u; block != t->blocks; ++block) {
        const bw_word *before = counts - kernel_w;
        uint32_t even, odd;
        for (i = 0u; i < BW_POLY_STEPS; ++i) {
            counts[i] = 0u;
        }
        for (row = 0u; row < kernel_h; ++row) {
            bw_poly_expand_row(layer, in, t->row + row, column, to, counts);
            to += row_words;
        }
        to -= ((block & 1u) != 0u) ? 1u : kernel_h * row_words - 1u;
        even = window += counts[0] - before[0];
        odd = window += counts[1] - before[1];
        even += (window += counts[2] - before[2]) << BW_POLY_LANE;
        odd += (window += counts[3] - before[3]) << BW_POLY_LANE;
        ones[0] = (1u << BW_POLY_TOP) * BW_POLY_BOTH - even;
        ones[1] = (1u << BW_POLY_TOP) * BW_POLY_BOTH - odd;
#if BW_POLY_STEPS == 5u
        window += counts[4] - before[4];
        ones[2] = (1u << BW_POLY_TOP) - window;
#endif
        counts += BW_POLY_STEPS;
        ones += BW_POLY_LANES;
        column += BW_POLY_STEPS;
    }
    t->window = window;
    for (i = 0u; i < kernel_w; ++i) {
        t->counts[i] = (counts - kernel_w)[i];
    }
}

/* ---- multiply */

/* Sums of products, low and high word: of two channels with the first block, then with the second. */
typedef struct {
    uint32_t low[4], high[4];
} bw_poly_sums;

/* The factors after those of the two blocks at x, which it multiplies with the weights w of two channels; a pair of
 * either a step. steps: a multiple of 8. */
BW_INLINE const bw_word *bw_poly_multiply(bw_poly_sums *s, const bw_word *x, const uint32_t *w, uint32_t steps)
{
#if defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__) && defined(__ARM_FEATURE_DSP)
#if defined(__ARM_FP) && (__ARM_FP & 8)
    /* Cortex-M7: a product and a load a cycle. */
#define BW_POLY_STEP(at)                                                               \
    "umlal %[l0], %[h0], %[x0], %[w0]\n\tumlal %[l1], %[h1], %[x0], %[w1]\n\t"         \
    "ldr %[x0], [%[x], #" #at " + 8]\n\tumlal %[l2], %[h2], %[x1], %[w0]\n\t"          \
    "ldr %[w0], [%[w], #" #at " + 8]\n\tumlal %[l3], %[h3], %[x1], %[w1]\n\t"          \
    "ldr %[w1], [%[w], #" #at " + 12]\n\tldr %[x1], [%[x], #" #at " + 12]\n\t"
#define BW_POLY_FIRST "ldr %[x0], [%[x]]\n\tldr %[w0], [%[w]]\n\tldr %[w1], [%[w], #4]\n\tldr %[x1], [%[x], #4]\n\t"
#define BW_POLY_LAST /* loads nothing: the weights may end here */             \
    "umlal %[l0], %[h0], %[x0], %[w0]\n\tumlal %[l1], %[h1], %[x0], %[w1]\n\t" \
    "umlal %[l2], %[h2], %[x1], %[w0]\n\tumlal %[l3], %[h3], %[x1], %[w1]\n\t"
#else
    /* Four loads in a row, then four products: the compiler's own order costs a quarter more. */
#define BW_POLY_STEP(at)                                                       \
    "ldr %[x0], [%[x], #" #at "]\n\tldr %[w0], [%[w], #" #at "]\n\t"           \
    "ldr %[w1], [%[w], #" #at " + 4]\n\tldr %[x1], [%[x], #" #at " + 4]\n\t"   \
    "umlal %[l0], %[h0], %[x0], %[w0]\n\tumlal %[l1], %[h1], %[x0], %[w1]\n\t" \
    "umlal %[l2], %[h2], %[x1], %[w0]\n\tumlal %[l3], %[h3], %[x1], %[w1]\n\t"
#define BW_POLY_FIRST
#define BW_POLY_LAST BW_POLY_STEP(56)
#endif
    const uint32_t *const end = w + 2u * steps;
    register const bw_word *xx __asm__("r4") = x; /* low registers: short instructions */
    register const uint32_t *ww __asm__("r5") = w;
    register uint32_t x0 __asm__("r0"), x1 __asm__("r1"), w0 __asm__("r2"), w1 __asm__("r3");
    __asm__ volatile(
        "1:\n\t" BW_POLY_FIRST BW_POLY_STEP(0) BW_POLY_STEP(8) BW_POLY_STEP(16) BW_POLY_STEP(24) BW_POLY_STEP(32) BW_POLY_STEP(40)
            BW_POLY_STEP(48) BW_POLY_LAST "ldr %[x0], %[end]\n\tadds %[x], #64\n\tadds %[w], #64\n\t"
                                              "cmp %[w], %[x0]\n\tbne 1b\n\t"
        : [l0] "+r"(s->low[0]), [h0] "+r"(s->high[0]), [l1] "+r"(s->low[1]), [h1] "+r"(s->high[1]),
          [l2] "+r"(s->low[2]), [h2] "+r"(s->high[2]), [l3] "+r"(s->low[3]), [h3] "+r"(s->high[3]), [x] "+r"(xx),
          [w] "+r"(ww), [x0] "=&r"(x0), [x1] "=&r"(x1), [w0] "=&r"(w0), [w1] "=&r"(w1)
        : [end] "m"(end)
        : "cc", "memory");
#undef BW_POLY_STEP
#undef BW_POLY_FIRST
#undef BW_POLY_LAST
    return xx;
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
    return x;
#endif
}

/* The slots from STEPS on, as the low word that the next block starts from. */
BW_INLINE uint32_t bw_poly_carry(uint32_t high)
{
    return high >> (BW_POLY_STEPS * BW_POLY_SLOT - 32u);
}

/* Sums of two channels in all blocks of the tile. */
BW_ALL_REGISTERS BW_POLY_SHARED void bw_poly_multiply_tile(const bw_poly_tile *t, const uint32_t *w, uint32_t steps,
                                                           uint32_t channel)
{
    const bw_word *x = t->factors, *const end = x + t->blocks * steps;
    bw_word *sums = t->sums, *const carry = t->carry + channel;
    uint32_t carry0 = carry[0], carry1 = carry[1];
    do {
        bw_poly_sums s = {{carry0, carry1, 0u, 0u}, {0u, 0u, 0u, 0u}};
        uint64_t second;
        x = bw_poly_multiply(&s, x, w, steps);
        sums[0] = s.low[0];
        sums[1] = s.high[0];
        sums[2] = s.low[1];
        sums[3] = s.high[1];
        second = (((uint64_t)s.high[2] << 32) | s.low[2]) + bw_poly_carry(s.high[0]);
        sums[4] = (uint32_t)second;
        sums[5] = (uint32_t)(second >> 32);
        carry0 = bw_poly_carry((uint32_t)(second >> 32));
        second = (((uint64_t)s.high[3] << 32) | s.low[3]) + bw_poly_carry(s.high[1]);
        sums[6] = (uint32_t)second;
        sums[7] = (uint32_t)(second >> 32);
        carry1 = bw_poly_carry((uint32_t)(second >> 32));
        sums += 8;
    } while (x != end);
    carry[0] = carry0;
    carry[1] = carry1;
}

/* ---- compare */

/* -need, where need = ceil(reach / 2), and 1 - need, negated, of a complemented channel. The offset keeps what is
 * shifted positive. */
BW_INLINE uint32_t bw_poly_minus_need(const bw_poly *poly, uint32_t channel, int32_t reach)
{
    const uint32_t complement = (poly->complement[channel >> 5] >> (channel & 31u)) & 1u;
    return (((uint32_t)(0x10000 - reach) >> 1) - 0x8000u) ^ (0u - complement);
}

/* Appends a result bit to both lanes. */
BW_INLINE uint32_t bw_poly_append(uint32_t results, uint32_t lanes)
{
    return (results << 1) + ((lanes >> BW_POLY_TOP) & BW_POLY_BOTH);
}

/* Appends the results of two channels in all blocks of the tile. need0, need1: their -need. */
BW_POLY_SHARED void bw_poly_compare_tile(const bw_poly_tile *t, bw_word *results, uint32_t block_words, uint32_t need0,
                                         uint32_t need1)
{
    const uint32_t step = 4u * block_words, even = 2u * BW_POLY_EVEN, both0 = need0 * BW_POLY_BOTH, both1 = need1 * BW_POLY_BOTH;
    const bw_word *sums = t->sums, *ones = t->ones, *const end = ones + t->blocks * BW_POLY_LANES;
#if BW_POLY_STEPS == 5 && defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__) && defined(__ARM_FEATURE_DSP)
    /* As below; the compiler's own order spills. */
#define BW_POLY_REACHED(l, sum, shift, both)                                                                       \
    "and %[" #l "], %[even], " #sum ", " shift "\n\tadd %[" #l "], %[" #l "], %[" #both "]\n\t"                    \
    "add %[" #l "], %[" #l "], %[ones]\n\tand %[" #l "], %[mask], %[" #l "], lsr #13\n\t"                           \
    "add %[r], %[" #l "], %[r], lsl #1\n\t"
#define BW_POLY_LAST(high, low, both)                                                                              \
    "lsr %[" #low "], #28\n\tbfi %[" #low "], %[" #high "], #4, #3\n\tadd %[" #low "], %[" #both "], %[" #low "], lsl #1\n\t" \
    "add %[" #low "], %[" #low "], %[ones]\n\tand %[" #low "], %[mask], %[" #low "], lsr #13\n\t"                  \
    "add %[r], %[" #low "], %[r], lsl #1\n\t"
    uint32_t l0, l1, h, r, one;
    __asm__ volatile(
        "1:\n\tldr %[l0], [%[s]]\n\tldr %[l1], [%[s], #8]\n\tldr %[ones], [%[o]]\n\tldr %[r], [%[to]]\n\t"
        BW_POLY_REACHED(h, %[l1], "lsl #1", both1) BW_POLY_REACHED(h, %[l0], "lsl #1", both0)
        "str %[r], [%[to]]\n\tldr %[ones], [%[o], #4]\n\tldr %[r], [%[to], #4]\n\t"
        BW_POLY_REACHED(h, %[l1], "lsr #6", both1) BW_POLY_REACHED(h, %[l0], "lsr #6", both0)
        "str %[r], [%[to], #4]\n\tldr %[ones], [%[o], #8]\n\tldr %[r], [%[to], #8]\n\tldr %[h], [%[s], #12]\n\t"
        BW_POLY_LAST(h, l1, both1)
        "ldr %[h], [%[s], #4]\n\tldr %[l1], %[step]\n\tadds %[s], #16\n\tadds %[o], #12\n\t"
        BW_POLY_LAST(h, l0, both0)
        "str %[r], [%[to], #8]\n\tldr %[h], %[end]\n\tadd %[to], %[l1]\n\tcmp %[o], %[h]\n\tbne 1b\n\t"
        : [s] "+&r"(sums), [o] "+&r"(ones), [to] "+&r"(results), [l0] "=&r"(l0), [l1] "=&r"(l1), [h] "=&r"(h),
          [r] "=&r"(r), [ones] "=&r"(one)
        : [both0] "r"(both0), [both1] "r"(both1), [even] "r"(even), [mask] "r"(BW_POLY_BOTH), [step] "m"(step), [end] "m"(end)
        : "cc", "memory");
#undef BW_POLY_REACHED
#undef BW_POLY_LAST
#else
    do {
        const uint32_t low0 = sums[0], low1 = sums[2], ones0 = ones[0], ones1 = ones[1];
        results[0] = bw_poly_append(bw_poly_append(results[0], ones0 + both1 + ((low1 << 1) & even)),
                                    ones0 + both0 + ((low0 << 1) & even));
        results[1] = bw_poly_append(bw_poly_append(results[1], ones1 + both1 + ((low1 >> (BW_POLY_SLOT - 1u)) & even)),
                                    ones1 + both0 + ((low0 >> (BW_POLY_SLOT - 1u)) & even));
#if BW_POLY_STEPS == 5u
        {
            const uint32_t slot0 = (low0 >> 28) | ((sums[1] & 7u) << 4), slot1 = (low1 >> 28) | ((sums[3] & 7u) << 4);
            results[2] = bw_poly_append(bw_poly_append(results[2], ones[2] + both1 + (slot1 << 1)),
                                        ones[2] + both0 + (slot0 << 1));
        }
#endif
        sums += 4;
        ones += BW_POLY_LANES;
        results += block_words;
    } while (ones != end);
    (void)step;
#endif
}

/* ---- border */

/* Whether a border of zeros is skipped in this tile: `need` then depends on the taps that lie outside. */
BW_INLINE int bw_poly_at_border(const bw_layer *layer, const bw_poly *poly, const bw_poly_tile *t)
{
    return poly->tap_sums != NULL &&
           (t->row < layer->pad_top || t->row + layer->kernel_h > (uint32_t)layer->in_h + layer->pad_top ||
            t->column + t->first < (uint32_t)layer->pad_left + layer->kernel_w - 1u ||
            t->column + t->columns + layer->skip > (uint32_t)layer->in_w + layer->pad_left);
}

/* before[x]: the sum of a channel's taps left of column x of the kernel, in its rows inside the map. Returns the reach
 * of a window that has all columns. */
BW_POLY_SHARED int32_t bw_poly_border_reach(const bw_layer *layer, const bw_poly *poly, uint32_t row, uint32_t channel,
                                            int32_t *before)
{
    const uint32_t kernel_w = layer->kernel_w, top = row - layer->pad_top;
    const int16_t *tap_sum = poly->tap_sums + channel * layer->kernel_h * kernel_w;
    int32_t reach = poly->reach[channel];
    uint32_t x, y;
    for (x = 0u; x <= kernel_w; ++x) {
        before[x] = 0;
    }
    for (y = top; y != top + layer->kernel_h; ++y) {
        int32_t sum = 0;
        for (x = 1u; x <= kernel_w; ++x) {
            sum += *tap_sum++;
            before[x] += (y < layer->in_h) ? sum : 0;
        }
        reach -= (y < layer->in_h) ? 0 : sum;
    }
    return reach;
}

/* Compares the windows that lack columns anew, for the channel whose result is bit `late` of each lane. */
BW_POLY_SHARED void bw_poly_compare_border(const bw_layer *layer, const bw_poly *poly, const bw_poly_tile *t,
                                           uint32_t channel, const int32_t *before, int32_t reach)
{
    const int32_t kernel_w = layer->kernel_w, in_w = layer->in_w;
    const uint32_t late = channel & 1u;
    uint32_t i;
    for (i = t->first; i < t->columns; ++i) {
        const int32_t x = (int32_t)(t->column + i + layer->skip) - (kernel_w - 1) - layer->pad_left; /* the window's first column */
        const int32_t from = (x >= 0) ? 0 : (x > -kernel_w) ? -x : kernel_w;
        const int32_t to = (x <= in_w - kernel_w) ? kernel_w : (x < in_w) ? in_w - x : 0;
        const uint32_t block = i / BW_POLY_STEPS, slot = i % BW_POLY_STEPS, lane = bw_poly_lane(slot);
        const bw_word *sums = t->sums + 4u * block + 2u * late;
        bw_word *result = t->results + block * bw_poly_block_words(layer) + (channel >> 3) * BW_POLY_LANES + lane;
        uint32_t reached, shift = bw_poly_shift(slot);
        if (to - from == kernel_w) {
            i += (uint32_t)(in_w - kernel_w - x);
            continue;
        }
        reached = t->ones[block * BW_POLY_LANES + lane] >> shift;
        reached += (bw_funnel(sums[0], sums[1], slot * BW_POLY_SLOT) & ((1u << BW_POLY_SLOT) - 1u)) << 1;
        reached += bw_poly_minus_need(poly, channel, reach - before[kernel_w] + before[to] - before[from]);
        shift += late;
        *result = (*result & ~(1u << shift)) | (((reached >> BW_POLY_TOP) & 1u) << shift);
    }
}

/* All channels of a tile. */
BW_INLINE void bw_poly_convolve(const bw_layer *layer, const bw_poly *poly, const bw_poly_tile *t)
{
    const uint32_t steps = layer->kernel_h * poly->channels, block_words = bw_poly_block_words(layer);
    const int at_border = bw_poly_at_border(layer, poly, t);
    uint32_t channel = (layer->out_c + 1u) & ~1u, i;
    bw_word *results = t->results, *const end = results + t->blocks * block_words;
    do {
        *results++ = 0u;
    } while (results != end);
    do {
        int32_t before[2][BW_POLY_STEPS + 1u], reach[2];
        channel -= 2u;
        for (i = 0u; i < 2u; ++i) {
            reach[i] = at_border ? bw_poly_border_reach(layer, poly, t->row, channel + i, before[i])
                                 : poly->reach[channel + i];
        }
        bw_poly_multiply_tile(t, layer->weights + channel * steps, steps, channel);
        bw_poly_compare_tile(t, t->results + (channel >> 3) * BW_POLY_LANES, block_words,
                             bw_poly_minus_need(poly, channel, reach[0]), bw_poly_minus_need(poly, channel + 1u, reach[1]));
        for (i = 0u; at_border && i < 2u; ++i) {
            bw_poly_compare_border(layer, poly, t, channel + i, before[i], reach[i]);
        }
    } while (channel != 0u);
}

/* ---- collect */

/* Sets the bits of a field (at most 32 bits), then inverts those of another. */
BW_INLINE void bw_poly_merge(bw_word *words, uint32_t bit, uint32_t set, uint32_t invert)
{
    const uint32_t shift = bit & 31u;
    words += bit >> 5;
    words[0] = (words[0] | (set << shift)) ^ (invert << shift);
    set = (set >> 1) >> (31u - shift);
    invert = (invert >> 1) >> (31u - shift);
    if ((set | invert) != 0u) {
        words[1] = (words[1] | set) ^ invert;
    }
}

/* Up to 32 channels of the tile's results to pixels, pooled by OR. invert: on completed pixels. */
BW_INLINE void bw_poly_collect(const bw_layer *layer, const bw_poly_tile *t, const bw_word *results, uint32_t complement,
                               uint32_t invert, uint32_t mask, bw_word *out, uint32_t bit, uint32_t phase)
{
    uint32_t i, slot = t->first, set = 0u;
    for (i = t->first; i < t->columns; ++i) {
        const bw_word *lanes = results + bw_poly_lane(slot);
        const uint32_t shift = bw_poly_shift(slot);
        /* Eight channels a word; past the last channel, anything. */
        set |= ((((lanes[0] >> shift) & 0xFFu) | (((lanes[BW_POLY_LANES] >> shift) & 0xFFu) << 8) |
                 (((lanes[2u * BW_POLY_LANES] >> shift) & 0xFFu) << 16) | ((lanes[3u * BW_POLY_LANES] >> shift) << 24)) ^
                complement) &
               mask;
        if (++phase == layer->pool_w) {
            bw_poly_merge(out, bit, set, invert);
        }
        if (phase == layer->pool_stride_w) {
            set = phase = 0u;
            bit += layer->out_c;
        }
        if (++slot == BW_POLY_STEPS) {
            slot = 0u;
            results += bw_poly_block_words(layer);
        }
    }
    if (phase != 0u && phase < layer->pool_w) { /* the rest of a window comes with the next tile */
        bw_poly_merge(out, bit, set, 0u);
    }
}

BW_INLINE void bw_poly_tile_columns(const bw_layer *layer, const bw_poly *poly, bw_poly_tile *t, const bw_word *in, int last_row, bw_word *out)
{
    uint32_t channel, columns;
    bw_poly_expand(layer, poly, in, t);
    bw_poly_convolve(layer, poly, t);
    for (channel = 0u; channel < layer->out_c; channel += 32u) {
        const uint32_t left = layer->out_c - channel, mask = bw_mask((left < 32u) ? left : 32u);
        const uint32_t invert = (last_row && poly->descending != NULL) ? poly->descending[channel >> 5] & mask : 0u;
        bw_poly_collect(layer, t, t->results + channel / 8u * BW_POLY_LANES, poly->complement[channel >> 5], invert, mask,
                        out, t->bit + channel, t->phase);
    }
    columns = t->phase + t->columns - t->first;
    t->bit += columns / layer->pool_stride_w * layer->out_c;
    t->phase = columns % layer->pool_stride_w;
}

/* One row of accumulators into row y of the output. */
BW_INLINE void bw_poly_row(const bw_layer *layer, const bw_poly *poly, bw_poly_tile *t, const bw_word *in, uint32_t y,
                           int last_row, bw_word *out)
{
    const uint32_t tile_columns = poly->tile * BW_POLY_STEPS;
    uint32_t left = (layer->out_w - 1u) * layer->pool_stride_w + layer->pool_w + layer->kernel_w - 1u, i;
    for (i = 0u; i < ((layer->out_c + 1u) & ~1u); ++i) {
        t->carry[i] = 0u;
    }
    for (i = 0u; i < layer->kernel_w; ++i) {
        t->counts[i] = 0u;
    }
    t->window = t->column = t->phase = 0u;
    t->first = layer->kernel_w - 1u;
    t->bit = y * layer->out_w * layer->out_c;
    do {
        t->columns = (left < tile_columns) ? left : tile_columns;
        t->blocks = (t->columns + 2u * BW_POLY_STEPS - 1u) / (2u * BW_POLY_STEPS) * 2u;
        bw_poly_tile_columns(layer, poly, t, in, last_row, out);
        t->column += tile_columns;
        t->first = 0u;
        left -= t->columns;
    } while (left != 0u);
}

BW_INLINE void bw_conv2d_poly(const bw_layer *layer, const bw_poly *poly, const bw_word *in, bw_word *out,
                              bw_word *scratch)
{
    const uint32_t words = (layer->out_h * layer->out_w * layer->out_c + 31u) / 32u;
    bw_poly_tile t;
    uint32_t y, row, i;
    t.carry = scratch;
    t.factors = t.carry + ((layer->out_c + 1u) & ~1u);
    t.ones = t.factors + (uint32_t)poly->tile * layer->kernel_h * poly->channels;
    t.results = t.ones + poly->tile * BW_POLY_LANES;
    t.counts = t.results + poly->tile * bw_poly_block_words(layer);
    t.sums = t.counts + layer->kernel_w;
    for (i = 0u; i < words; ++i) {
        out[i] = 0u;
    }
    for (y = 0u; y < layer->out_h; ++y) {
        for (row = 0u; row < layer->pool_h; ++row) {
            t.row = y * layer->pool_stride_h + row;
            bw_poly_row(layer, poly, &t, in, y, row + 1u == layer->pool_h, out);
        }
    }
}

#endif

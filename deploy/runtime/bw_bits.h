/* bw_bits.h: fields of bits in 32-bit words. SPDX-License-Identifier: Apache-2.0 */
#ifndef BW_BITS_H
#define BW_BITS_H

#include "bw_kernels.h"

#if defined(__GNUC__)
#define BW_INLINE static inline __attribute__((__always_inline__))
#else
#define BW_INLINE static inline
#endif

/* For what is called at several places: a copy in each would cost memory. */
#if defined(__GNUC__)
#define BW_APART static __attribute__((__noinline__, __unused__))
#else
#define BW_APART static
#endif

/* A unit that is compiled for one layer defines BW_SPECIALIZED, and BW_SPECIALIZED_F32 if its kernel's name ends in f32:
 * bw_NAME_inline.h, which the emitter makes of bw_NAME.c, then defines its functions in line in the place of their
 * declarations. Where no window reaches beyond the map it defines BW_NO_BORDER. */
#ifdef BW_SPECIALIZED
#define BW_FOLDS 1u /* constants fold: what takes a branch for them costs nothing */
#define BW_ONCE BW_INLINE
#else
#define BW_FOLDS 0u
#define BW_ONCE BW_APART /* what is called at one place: in line where constants fold, else apart, for its registers */
#endif

/* For functions whose inline assembler needs every register, the frame pointer's too. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__ARM_FEATURE_DSP)
#define BW_ALL_REGISTERS __attribute__((optimize("omit-frame-pointer")))
#else
#define BW_ALL_REGISTERS
#endif

/* The word that starts `shift` (0..31) bits into `low` and goes on in `high`. */
BW_INLINE uint32_t bw_funnel(uint32_t low, uint32_t high, uint32_t shift)
{
    return (low >> shift) | ((high << 1) << (31u - shift));
}

/* The lowest `bits` (1..32) bits set. */
BW_INLINE uint32_t bw_mask(uint32_t bits)
{
    return 0xFFFFFFFFu >> (32u - bits);
}

/* `bits` (1..32) bits from position `bit`. Reads no word in which the field has no part. */
BW_INLINE uint32_t bw_field(const bw_word *words, uint32_t bit, uint32_t bits)
{
    const uint32_t low = words[bit >> 5], high = words[(bit + bits - 1u) >> 5];
    return bw_funnel(low, high, bit & 31u) & bw_mask(bits);
}

/* Number of bits set (Warren, Hacker's Delight, figure 5-2). */
BW_INLINE uint32_t bw_popcount(uint32_t x)
{
    x = x - ((x >> 1) & 0x55555555u);
    x = (x & 0x33333333u) + ((x >> 2) & 0x33333333u);
    x = (x + (x >> 4)) & 0x0F0F0F0Fu;
    return (x * 0x01010101u) >> 24;
}

/* Adds a and b to *sum in every column and returns the carries. */
BW_INLINE uint32_t bw_full_add(uint32_t a, uint32_t b, uint32_t *sum)
{
    b ^= a;
    a ^= *sum;
    *sum ^= b;
    return (a | b) ^ *sum;
}

BW_INLINE uint32_t bw_half_add(uint32_t a, uint32_t *sum)
{
    const uint32_t carry = *sum & a;
    *sum ^= a;
    return carry;
}

/* Reads integer codes of one kind without a branch: code = ((field << left) ^ flip) - minus. */
typedef struct {
    uint32_t bits, left, flip, minus;
} bw_reader;

BW_INLINE bw_reader bw_reader_of(uint32_t bits, uint32_t kind)
{
    const uint32_t sign = (kind == (uint32_t)BW_SIGNED) ? 1u << (bits - 1u) : 0u;
    const uint32_t binary = (kind == (uint32_t)BW_BINARY) ? 1u : 0u;
    const bw_reader reader = {bits, binary, sign, sign + binary};
    return reader;
}

BW_INLINE int32_t bw_read(const bw_word *words, const bw_reader *reader, uint32_t element)
{
    const uint32_t field = bw_field(words, element * reader->bits, reader->bits);
    return (int32_t)(((field << reader->left) ^ reader->flip) - reader->minus);
}

/* Appends bits to every `stride`-th word. */
typedef struct {
    bw_word *next;
    uint32_t fill, value, stride;
} bw_appender;

/* The lowest `count` (1..32) bits of `bits`, whose others are 0. */
BW_INLINE void bw_append(bw_appender *a, uint32_t bits, uint32_t count)
{
    const uint32_t fill = a->fill + count;
    a->value |= bits << a->fill;
    if (fill >= 32u) {
        *a->next = a->value;
        a->next += a->stride;
        a->value = (a->fill == 0u) ? 0u : bits >> (32u - a->fill);
    }
    a->fill = fill & 31u;
}

/* A whole word. */
BW_INLINE void bw_append_word(bw_appender *a, uint32_t word)
{
    *a->next = a->value | (word << a->fill);
    a->next += a->stride;
    a->value = (word >> 1) >> (31u - a->fill);
}

BW_INLINE void bw_append_same(bw_appender *a, uint32_t bit, uint32_t count)
{
    while (count != 0u) {
        const uint32_t part = (count < 32u) ? count : 32u;
        bw_append(a, (bit != 0u) ? bw_mask(part) : 0u, part);
        count -= part;
    }
}

BW_INLINE void bw_end_appender(bw_appender *a)
{
    if (a->fill != 0u) {
        *a->next = a->value;
    }
}

/* Writes fields one after another; every word is written once, when it is full or at the end. */
typedef struct {
    bw_word *next;
    uint32_t bits, fill, value;
} bw_writer;

BW_INLINE void bw_put(bw_writer *writer, uint32_t code)
{
    const uint32_t field = code & bw_mask(writer->bits);
    writer->value |= field << writer->fill;
    writer->fill += writer->bits;
    if (writer->fill >= 32u) {
        writer->fill -= 32u;
        *writer->next++ = writer->value;
        writer->value = (writer->fill == 0u) ? 0u : field >> (writer->bits - writer->fill);
    }
}

BW_INLINE void bw_flush(bw_writer *writer)
{
    if (writer->fill != 0u) {
        *writer->next = writer->value;
    }
}

#endif

/* bw_max_pool.c: the largest code of a window. SPDX-License-Identifier: Apache-2.0
 * As many codes at a time as a word holds. Binary maps come as BW_UNSIGNED of one bit: the larger bit is the larger
 * code. */
#include "bw_patch.h"

/* The larger of each two fields of `bits` bits, whose highest bits are those of `high`: where the highest bits are
 * equal, a subtraction compares the others and leaves its borrow in their place. */
BW_INLINE uint32_t bw_larger(uint32_t a, uint32_t b, uint32_t high, uint32_t bits)
{
    const uint32_t not_less = (a | high) - (b & ~high);
    const uint32_t keep = ((a & ~b) | (~(a ^ b) & not_less)) & high;
    const uint32_t mask = (keep << 1) - (keep >> (bits - 1u));
    return (a & mask) | (b & ~mask);
}

/* The largest of the fields, `width` bits of them, from position `bit` of the window's first pixel on. */
BW_INLINE uint32_t bw_largest(const bw_layer *layer, const bw_word *in, uint32_t bit, uint32_t width, uint32_t high,
                              uint32_t flip)
{
    const uint32_t bits = layer->in_bits, step = layer->in_c * bits, row = layer->in_w * step;
    uint32_t best = 0u, y, x;
    for (y = 0u; y < layer->pool_h; ++y) {
        uint32_t at = bit;
        for (x = 0u; x < layer->pool_w; ++x) {
            best = bw_larger(best, bw_field(in, at, width) ^ flip, high, bits);
            at += step;
        }
        bit += row;
    }
    return (best ^ flip) & bw_mask(width);
}

void bw_max_pool(const bw_layer *layer, const bw_word *in, bw_word *out)
{
    const uint32_t bits = layer->in_bits, pixel = layer->in_c * bits;
    bw_appender to = {out, 0u, 0u, 1u};
    uint32_t high = 0u, chunk = 0u, y, x, first;
    while (chunk + bits <= 32u) {
        chunk += bits;
        high |= 1u << (chunk - 1u);
    }
    for (y = 0u; y < layer->out_h; ++y) {
        for (x = 0u; x < layer->out_w; ++x) {
            const bw_patch patch = bw_patch_at(layer, y * layer->pool_stride_h, x * layer->pool_stride_w);
            for (first = 0u; first < pixel; first += chunk) {
                const uint32_t left = pixel - first, width = (left < chunk) ? left : chunk;
                const uint32_t flip = (layer->in_kind == (uint8_t)BW_SIGNED) ? high & bw_mask(width) : 0u;
                bw_append(&to, bw_largest(layer, in, patch.pixel * pixel + first, width, high, flip), width);
            }
        }
    }
    bw_end_appender(&to);
}

/* bw_accumulate.h: one integer accumulator of a convolution, a depthwise convolution or a logarithm of a variance.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BW_ACCUMULATE_H
#define BW_ACCUMULATE_H

#include "bw_driver.h"

/* pad_code times the sum of the channel's weights that lie outside the patch; bw_border.c. */
#ifdef BW_SPECIALIZED
#include "bw_border_inline.h"
#else
int32_t bw_border(const bw_layer *layer, const bw_patch *patch, uint32_t channel);
#endif

/* A convolution by rows: each is one run of codes in the input and in the weights, and so are all rows together
 * where the kernel is as wide as the map. */
BW_INLINE int32_t bw_convolve(const bw_layer *layer, const bw_word *in, const bw_patch *patch, uint32_t channel,
                              int32_t (*dot)(const bw_layer *, const bw_word *, uint32_t, uint32_t, uint32_t))
{
    const uint32_t in_c = layer->in_c, kernel_w = layer->kernel_w, in_w = layer->in_w;
    uint32_t from = patch->pixel * in_c;
    uint32_t tap = ((channel * layer->kernel_h + patch->top) * kernel_w + patch->left) * in_c;
    uint32_t run = patch->columns * in_c, rows = patch->rows;
    int32_t acc = 0;
    if (patch->columns == kernel_w && kernel_w == in_w) {
        run *= rows;
        rows = 1u;
    }
    do {
        acc += dot(layer, in, from, tap, run);
        from += in_w * in_c;
        tap += kernel_w * in_c;
    } while (--rows != 0u);
    if (layer->pad_code != 0) {
        acc += bw_border(layer, patch, channel);
    }
    return acc;
}

BW_INLINE int32_t bw_depthwise_sum(const bw_layer *layer, const bw_word *in, const bw_word *with,
                                   const bw_patch *patch, uint32_t channel)
{
    const bw_reader a = bw_reader_of(layer->in_bits, layer->in_kind);
    const bw_reader w = bw_reader_of(layer->weight_bits, layer->weight_kind);
    uint32_t tap = channel * layer->kernel_h * layer->kernel_w, y, x;
    int32_t acc = 0;
    (void)with;
    for (y = 0u; y < layer->kernel_h; ++y) {
        const uint32_t row = y - patch->top; /* wraps above the patch: then it is no row of it */
        for (x = 0u; x < layer->kernel_w; ++x, ++tap) {
            const uint32_t column = x - patch->left;
            if (row < patch->rows && column < patch->columns) {
                const uint32_t pixel = patch->pixel + row * layer->in_w + column;
                acc += bw_read(in, &a, pixel * layer->in_c + channel) * bw_read(layer->weights, &w, tap);
            } else if (layer->pad_code != 0) {
                acc += layer->pad_code * bw_read(layer->weights, &w, tap);
            } else {
                /* skipped */
            }
        }
    }
    return acc;
}

/* 256 log2(value) of value > 0, linear between powers of two and rounded down. */
BW_INLINE int32_t bw_log2_steps(uint64_t value)
{
    uint32_t high = (uint32_t)(value >> 32), low = (uint32_t)value, exponent = 63u, step;
    if (high == 0u) {
        high = low;
        low = 0u;
        exponent = 31u;
    }
    for (step = 16u; step != 0u; step >>= 1) { /* moves the leading one up to bit 31 of `high` */
        if ((high >> (32u - step)) == 0u) {
            high = (high << step) | (low >> (32u - step));
            low <<= step;
            exponent -= step;
        }
    }
    return (int32_t)((exponent << 8) | ((high >> 23) & 0xFFu));
}

/* n * sum x^2 - (sum x)^2 of the patch's n codes, at most 2^52, as bw_log2_steps; 0 as 1. */
BW_INLINE int32_t bw_window_log_variance(const bw_layer *layer, const bw_word *in, const bw_word *with,
                                         const bw_patch *patch, uint32_t channel)
{
    const bw_reader a = bw_reader_of(layer->in_bits, layer->in_kind);
    const uint32_t count = patch->rows * patch->columns;
    uint64_t squares = 0u, variance;
    int32_t sum = 0;
    uint32_t y, x;
    (void)with;
    for (y = 0u; y < patch->rows; ++y) {
        const uint32_t pixel = patch->pixel + y * layer->in_w;
        for (x = 0u; x < patch->columns; ++x) {
            const int32_t code = bw_read(in, &a, (pixel + x) * layer->in_c + channel);
            sum += code;
            squares += (uint64_t)((int64_t)code * code);
        }
    }
    variance = count * squares - (uint64_t)((int64_t)sum * sum);
    return bw_log2_steps((variance == 0u) ? 1u : variance);
}

#endif

/* bw_log_variance_f32.c: the logarithm of each channel's variance, of floats. SPDX-License-Identifier: Apache-2.0 */
#include "bw_float.h"

BW_INLINE float element(const bw_layer *layer, const bw_word *in, uint32_t pixel, uint32_t channel)
{
    return bw_float_of(in[pixel * layer->in_c + channel]);
}

/* The window is the whole map, whose pixels lie one after another. */
BW_INLINE float log_variance(const bw_layer *layer, const bw_word *in, const bw_word *with, const bw_patch *patch,
                             uint32_t channel)
{
    const uint32_t pixels = patch->rows * patch->columns;
    const float count = (float)pixels, first = element(layer, in, 0u, channel);
    float sum = 0.0f, squares = 0.0f, mean, variance;
    uint32_t i;
    (void)with;
    for (i = 0u; i < pixels; ++i) {
        sum += element(layer, in, i, channel) - first;
    }
    mean = sum / count;
    for (i = 0u; i < pixels; ++i) {
        const float from_first = element(layer, in, i, channel) - first;
        const float distance = from_first - mean;
        const float square = distance * distance; /* rounded before the sum: no fused multiply-add */
        squares += square;
    }
    variance = count * squares;
    if (!(variance > 0x1p-32f)) {
        variance = 0x1p-32f;
    } else if (variance > 0x1p126f) {
        variance = 0x1p126f;
    } else {
        /* as it is */
    }
    /* 256 log2, linear between powers of two and rounded down: exponent and the mantissa's upper 8 bits. */
    return (float)((int32_t)(bw_word_of(variance) >> 15) - (127 << 8));
}

void bw_log_variance_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out)
{
    bw_each_output_f32(layer, in, in, log_variance, epilogue, out);
}

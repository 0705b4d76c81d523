/* bw_float.h: single precision: operands, the epilogue and the loop over outputs. Only kernels whose name ends in
 * _f32 include it, so that an integer network links no floating-point support. SPDX-License-Identifier: Apache-2.0 */
#ifndef BW_FLOAT_H
#define BW_FLOAT_H

#include <string.h>

#include "bw_driver.h"

BW_INLINE float bw_float_of(uint32_t word)
{
    float value;
    (void)memcpy(&value, &word, sizeof value);
    return value;
}

BW_INLINE uint32_t bw_word_of(float value)
{
    uint32_t word;
    (void)memcpy(&word, &value, sizeof word);
    return word;
}

/* A float as it is, or an integer code as a float. */
BW_INLINE float bw_real(const bw_word *words, const bw_reader *reader, uint32_t kind, uint32_t element)
{
    if (kind == (uint32_t)BW_FLOAT) {
        return bw_float_of(words[element]);
    }
    return (float)bw_read(words, reader, element);
}

/* floor(value) clamped to [low, high]; not a number gives low. */
BW_INLINE int32_t bw_floor_clamp(float value, int32_t low, int32_t high)
{
    int32_t code = low;
    if (value >= (float)high) {
        code = high;
    } else if (value > (float)low) {
        code = (int32_t)value; /* towards 0 */
        if ((float)code > value) {
            --code;
        }
    } else {
        /* low */
    }
    return code;
}

BW_INLINE uint32_t bw_finish_real(const bw_float_epilogue *e, uint32_t channel, float acc)
{
    const float product = acc * e->scale[channel]; /* rounded before the sum: no fused multiply-add */
    const float y = product + e->offset[channel];
    if (e->kind == (uint8_t)BW_FLOAT) {
        return bw_word_of((e->relu != 0u && !(y > 0.0f)) ? 0.0f : y);
    }
    if (e->kind == (uint8_t)BW_BINARY) {
        return (y >= 0.0f) ? 1u : 0u;
    } else {
        const float steps = y * e->inverse_step;
        return (uint32_t)bw_floor_clamp(steps + 0.5f, e->low, e->high);
    }
}

/* The epilogue for integer accumulators. */
BW_INLINE uint32_t bw_finish_f32(const void *epilogue, uint32_t channel, int32_t acc)
{
    return bw_finish_real((const bw_float_epilogue *)epilogue, channel, (float)acc);
}

typedef float bw_accumulate_f32(const bw_layer *layer, const bw_word *in, const bw_word *with, const bw_patch *patch,
                                uint32_t channel);

/* bw_each_output with accumulators in single precision. epilogue NULL: the accumulator is the output. */
BW_INLINE void bw_each_output_f32(const bw_layer *layer, const bw_word *in, const bw_word *with,
                                  bw_accumulate_f32 *accumulate, const bw_float_epilogue *epilogue, bw_word *out)
{
    bw_writer writer = {out, (epilogue != NULL) ? epilogue->bits : 32u, 0u, 0u};
    uint32_t y, x, channel, pool_y, pool_x;
    for (y = 0u; y < layer->out_h; ++y) {
        for (x = 0u; x < layer->out_w; ++x) {
            for (channel = 0u; channel < layer->out_c; ++channel) {
                float best = 0.0f;
                for (pool_y = 0u; pool_y < layer->pool_h; ++pool_y) {
                    for (pool_x = 0u; pool_x < layer->pool_w; ++pool_x) {
                        const bw_patch patch = bw_patch_at(layer, y * layer->pool_stride_h + pool_y,
                                                           x * layer->pool_stride_w + pool_x);
                        const float acc = accumulate(layer, in, with, &patch, channel);
                        best = ((pool_y | pool_x) == 0u || acc > best) ? acc : best;
                    }
                }
                bw_put(&writer, (epilogue != NULL) ? bw_finish_real(epilogue, channel, best) : bw_word_of(best));
            }
        }
    }
    bw_flush(&writer);
}

#endif

/* bw_conv2d_wf32.c: convolution with float weights, inputs of any kind, window by window; accumulators in single precision.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Scratch memory: accumulators; inputs as floats, BW_CHUNK at a time. */
#include "bw_float.h"
#include "bw_pixels.h"

#if defined(__GNUC__)
typedef float __attribute__((__may_alias__)) bw_real_word;
#else
typedef float bw_real_word;
#endif

/* Codes [start, start + count) of a window as floats; taps outside the map are pad_code. */
static inline void bw_gather_reals(const bw_layer *layer, const bw_word *in, const bw_patch *patch, uint32_t start,
                                   uint32_t count, bw_real_word *room)
{
    const bw_reader reader = bw_reader_of(layer->in_bits, layer->in_kind);
    const uint32_t in_c = layer->in_c, row = (uint32_t)layer->kernel_w * in_c, end = start + count;
    const uint32_t run = patch->columns * in_c;
    uint32_t at = (patch->top * layer->kernel_w + patch->left) * in_c, from = patch->pixel * in_c, y, i;
    if (patch->rows != layer->kernel_h || patch->columns != layer->kernel_w) {
        for (i = 0u; i < count; ++i) {
            room[i] = (float)layer->pad_code;
        }
    }
    for (y = 0u; y < patch->rows; ++y) {
        const uint32_t first = (at > start) ? at : start, last = (at + run < end) ? at + run : end;
        for (i = first; i < last; ++i) {
            room[i - start] = bw_real(in, &reader, layer->in_kind, from + (i - at));
        }
        at += row;
        from += (uint32_t)layer->in_w * in_c;
    }
}

/* acc[o] += the sums, each product rounded before it is added; four channels at a time, so that they overlap. */
static inline void bw_accumulate_reals(const bw_real_word *x, const uint32_t *weights, uint32_t row_words,
                                       uint32_t count, uint32_t out_c, bw_real_word *acc)
{
    const bw_real_word *w = (const bw_real_word *)weights;
    uint32_t o, i;
    for (o = 0u; o + 4u <= out_c; o += 4u, w += 4u * row_words) {
        float a = acc[o], b = acc[o + 1u], c = acc[o + 2u], d = acc[o + 3u];
        for (i = 0u; i < count; ++i) {
            const float code = x[i];
            const float p = code * w[i], q = code * w[i + row_words];
            const float r = code * w[i + 2u * row_words], s = code * w[i + 3u * row_words];
            a += p;
            b += q;
            c += r;
            d += s;
        }
        acc[o] = a;
        acc[o + 1u] = b;
        acc[o + 2u] = c;
        acc[o + 3u] = d;
    }
    for (; o < out_c; ++o, w += row_words) {
        float a = acc[o];
        for (i = 0u; i < count; ++i) {
            const float p = x[i] * w[i];
            a += p;
        }
        acc[o] = a;
    }
}

void bw_conv2d_wf32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out,
                    bw_word *scratch)
{
    const uint32_t taps = bw_taps(layer), out_c = layer->out_c;
    bw_real_word *acc = (bw_real_word *)scratch, *room = acc + out_c;
    bw_appender to = bw_appender_at(out);
    bw_pixels pixels;
    bw_patch patch;
    bw_begin_pixels(&pixels, layer, 0);
    while (bw_next_patch(&pixels, &patch) != 0u) {
        uint32_t start, o;
        for (o = 0u; o < out_c; ++o) {
            acc[o] = 0.0f;
        }
        for (start = 0u; start < taps; start += BW_CHUNK) {
            const uint32_t left = taps - start, count = (left < BW_CHUNK) ? left : BW_CHUNK;
            bw_gather_reals(layer, in, &patch, start, count, room);
            bw_accumulate_reals(room, layer->weights + start, taps, count, out_c, acc);
        }
        for (o = 0u; o < out_c; ++o) {
            bw_append(&to, bw_finish_real(epilogue, o, acc[o]) & bw_mask(epilogue->bits), epilogue->bits);
        }
    }
    bw_end_appender(&to);
}

/* bw_upsample.c: every pixel becomes a block of kernel_h x kernel_w equal ones. SPDX-License-Identifier: Apache-2.0
 * A pixel is a run of bits, whatever its codes mean: one kernel for every format. */
#include "bw_bits.h"

/* bw_put of 32 bits, and of `count` (1..31) that are the whole of `field`. */
BW_INLINE void put_word(bw_writer *writer, uint32_t word)
{
    *writer->next++ = writer->value | (word << writer->fill);
    writer->value = (word >> 1) >> (31u - writer->fill);
}

BW_INLINE void put_field(bw_writer *writer, uint32_t field, uint32_t count)
{
    writer->value |= field << writer->fill;
    writer->fill += count;
    if (writer->fill >= 32u) {
        writer->fill -= 32u;
        *writer->next++ = writer->value;
        writer->value = field >> (count - writer->fill);
    }
}

/* `count` bits from position `bit`. */
BW_INLINE void copy_bits(bw_writer *writer, const bw_word *in, uint32_t bit, uint32_t count)
{
    for (; count >= 32u; count -= 32u) {
        put_word(writer, bw_field(in, bit, 32u));
        bit += 32u;
    }
    if (count != 0u) {
        put_field(writer, bw_field(in, bit, count), count);
    }
}

void bw_upsample(const bw_layer *layer, const bw_word *in, bw_word *out)
{
    const uint32_t pixel = layer->in_c * layer->in_bits, row = layer->in_w * pixel; /* in bits */
    bw_writer writer = {out, 0u, 0u, 0u};
    uint32_t y, x, down, right;
    for (y = 0u; y < layer->in_h; ++y) {
        for (down = 0u; down < layer->kernel_h; ++down) {
            for (x = 0u; x < layer->in_w; ++x) {
                for (right = 0u; right < layer->kernel_w; ++right) {
                    copy_bits(&writer, in, y * row + x * pixel, pixel);
                }
            }
        }
    }
    bw_flush(&writer);
}

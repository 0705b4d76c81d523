/* bw_max_pool.c: the largest code of a window. SPDX-License-Identifier: Apache-2.0
 * Binary maps come as BW_UNSIGNED of one bit: the larger bit is the larger code. */
#include "bw_driver.h"

BW_INLINE int32_t code_at(const bw_layer *layer, const bw_word *in, const bw_word *with, const bw_patch *patch,
                          uint32_t channel)
{
    const bw_reader a = bw_reader_of(layer->in_bits, layer->in_kind);
    (void)with;
    return bw_read(in, &a, patch->pixel * layer->in_c + channel);
}

BW_INLINE uint32_t unchanged(const void *epilogue, uint32_t channel, int32_t code)
{
    (void)epilogue;
    (void)channel;
    return (uint32_t)code;
}

void bw_max_pool(const bw_layer *layer, const bw_word *in, bw_word *out)
{
    bw_each_output(layer, in, in, code_at, 0, unchanged, layer->in_bits, out);
}

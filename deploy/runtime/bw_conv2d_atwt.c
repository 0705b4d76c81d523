/* bw_conv2d_atwt.c: convolution, ternary inputs, ternary weights. SPDX-License-Identifier: Apache-2.0 */
#include "bw_accumulate.h"
#include "bw_dot.h"
#include "bw_epilogue.h"

BW_INLINE int32_t accumulate(const bw_layer *layer, const bw_word *in, const bw_word *with, const bw_patch *patch,
                             uint32_t channel)
{
    (void)with;
    return bw_convolve(layer, in, patch, channel, bw_dot_atwt);
}

void bw_conv2d_atwt(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out)
{
    bw_each_output(layer, in, in, accumulate, epilogue, bw_finish_code, epilogue->bits, out);
}

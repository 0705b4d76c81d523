/* bw_conv2d_atwt_to_f32.c: convolution, ternary inputs, ternary weights, float32 outputs. SPDX-License-Identifier: Apache-2.0 */
#include "bw_accumulate.h"
#include "bw_dot.h"
#include "bw_float.h"

BW_INLINE int32_t accumulate(const bw_layer *layer, const bw_word *in, const bw_word *with, const bw_patch *patch,
                             uint32_t channel)
{
    (void)with;
    return bw_convolve(layer, in, patch, channel, bw_dot_atwt);
}

void bw_conv2d_atwt_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out)
{
    bw_each_output(layer, in, in, accumulate, epilogue, bw_finish_f32, epilogue->bits, out);
}

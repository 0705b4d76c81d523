/* bw_depthwise_axwx_to_f32.c: depthwise convolution of any packed integers, float32 outputs. SPDX-License-Identifier: Apache-2.0 */
#include "bw_accumulate.h"
#include "bw_float.h"

void bw_depthwise_axwx_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out)
{
    bw_each_output(layer, in, in, bw_depthwise_sum, epilogue, bw_finish_f32, epilogue->bits, out);
}

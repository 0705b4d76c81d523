/* bw_depthwise_axwx.c: depthwise convolution of any packed integers, one product at a time. SPDX-License-Identifier: Apache-2.0 */
#include "bw_accumulate.h"
#include "bw_epilogue.h"

void bw_depthwise_axwx(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out)
{
    bw_each_output(layer, in, in, bw_depthwise_sum, epilogue, bw_finish_code, epilogue->bits, out);
}

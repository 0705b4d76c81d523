/* bw_depthwise.c: depthwise convolution of any packed integers. SPDX-License-Identifier: Apache-2.0 */
#include "bw_accumulate.h"
#include "bw_epilogue.h"

void bw_depthwise(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out)
{
    bw_each_output(layer, in, in, bw_depthwise_sum, epilogue, bw_finish_code, epilogue->bits, out);
}

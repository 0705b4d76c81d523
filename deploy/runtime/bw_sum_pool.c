/* bw_sum_pool.c: average pooling: the integer sum of a window. SPDX-License-Identifier: Apache-2.0 */
#include "bw_accumulate.h"
#include "bw_epilogue.h"

void bw_sum_pool(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out)
{
    bw_each_output(layer, in, in, bw_window_sum, epilogue, bw_finish_code, epilogue->bits, out);
}

/* bw_sum_pool.c: average pooling: the integer sum of a window. SPDX-License-Identifier: Apache-2.0 */
#include "bw_add_codes.h"

void bw_sum_pool(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                 bw_word *scratch)
{
    bw_each_window(layer, in, bw_window_of_sums, epilogue, bw_finish_pixel, out, scratch);
}

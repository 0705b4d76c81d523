/* bw_log_variance.c: the logarithm of each channel's variance. SPDX-License-Identifier: Apache-2.0 */
#include "bw_accumulate.h"
#include "bw_epilogue.h"

void bw_log_variance(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out)
{
    bw_each_output(layer, in, in, bw_window_log_variance, epilogue, bw_finish_code, epilogue->bits, out);
}

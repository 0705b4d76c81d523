/* bw_log_variance_to_f32.c: the logarithm of each channel's variance, float32 outputs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "bw_accumulate.h"
#include "bw_float.h"

void bw_log_variance_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out)
{
    bw_each_output(layer, in, in, bw_window_log_variance, epilogue, bw_finish_f32, epilogue->bits, out);
}

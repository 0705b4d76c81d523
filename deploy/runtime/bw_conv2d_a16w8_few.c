/* bw_conv2d_a16w8_few.c: small windows of bytes to bits. SPDX-License-Identifier: Apache-2.0 */
#include "bw_convolve_few.h"

void bw_conv2d_a16w8_few(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                         bw_word *scratch)
{
    bw_convolve_few(layer, epilogue, in, out, scratch);
}

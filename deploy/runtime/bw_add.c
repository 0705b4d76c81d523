/* bw_add.c: residual add of two maps whose scales differ by a power of two. SPDX-License-Identifier: Apache-2.0 */
#include "bw_add_codes.h"

void bw_add(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, const bw_word *with, bw_word *out,
            bw_word *scratch)
{
    bw_add_maps(layer, in, with, epilogue, bw_finish_pixel, out, scratch);
}

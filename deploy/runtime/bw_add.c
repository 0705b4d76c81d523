/* bw_add.c: residual add of two maps whose scales differ by a power of two. SPDX-License-Identifier: Apache-2.0 */
#include "bw_accumulate.h"
#include "bw_epilogue.h"

void bw_add(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, const bw_word *with, bw_word *out)
{
    bw_each_output(layer, in, with, bw_shifted_sum, epilogue, bw_finish_code, epilogue->bits, out);
}

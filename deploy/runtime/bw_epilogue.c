/* bw_epilogue.c: the integer epilogues, an output at a time. SPDX-License-Identifier: Apache-2.0 */
#include "bw_epilogue.h"

uint32_t bw_output_code(const bw_epilogue *epilogue, uint32_t channel, int32_t acc)
{
    return (uint32_t)bw_code_of(epilogue, channel, acc);
}

/* bw_epilogue.h: from an integer accumulator to an output code. SPDX-License-Identifier: Apache-2.0 */
#ifndef BW_EPILOGUE_H
#define BW_EPILOGUE_H

#include "bw_bits.h"

/* The output code in its low bits; bw_epilogue.c. */
uint32_t bw_output_code(const bw_epilogue *epilogue, uint32_t channel, int32_t acc);

/* 1 if acc >= threshold, or acc <= threshold where flip is all ones (~ turns the order of integers round). */
BW_INLINE uint32_t bw_reaches(int32_t acc, int32_t threshold, uint32_t flip)
{
    return ((int32_t)((uint32_t)acc ^ flip) >= (int32_t)((uint32_t)threshold ^ flip)) ? 1u : 0u;
}

/* All ones for a channel whose thresholds are reached from above. */
BW_INLINE uint32_t bw_flip(const bw_epilogue *epilogue, uint32_t channel)
{
    return 0u - ((epilogue->extra[channel >> 5] >> (channel & 31u)) & 1u);
}

/* Binary outputs in line, the others by a call. */
BW_INLINE uint32_t bw_finish_code(const void *epilogue, uint32_t channel, int32_t acc)
{
    const bw_epilogue *e = (const bw_epilogue *)epilogue;
    if (e->levels == 1u && e->narrow != 0) {
        return bw_reaches(acc, e->narrow[channel], bw_flip(e, channel));
    }
    return bw_output_code(e, channel, acc);
}

#endif

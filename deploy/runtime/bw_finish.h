/* bw_finish.h: from the accumulators of a pixel to its packed codes. SPDX-License-Identifier: Apache-2.0 */
#ifndef BW_FINISH_H
#define BW_FINISH_H

#include "bw_bits.h"

/* epilogue: bw_epilogue, bw_finish.c. */
#ifdef BW_SPECIALIZED
#include "bw_finish_inline.h"
#else
void bw_finish_pixel(const void *epilogue, const int32_t *acc, uint32_t channels, bw_appender *out);
#endif

/* epilogue: bw_float_epilogue, bw_finish_f32.c. */
#if defined(BW_SPECIALIZED_F32)
#include "bw_finish_f32_inline.h"
#elif !defined(BW_SPECIALIZED)
void bw_finish_pixel_f32(const void *epilogue, const int32_t *acc, uint32_t channels, bw_appender *out);
#endif

typedef void bw_finish_function(const void *epilogue, const int32_t *acc, uint32_t channels, bw_appender *out);

BW_INLINE bw_appender bw_appender_at(bw_word *out)
{
    const bw_appender appender = {out, 0u, 0u, 1u};
    return appender;
}

/* Accumulators that were added up part by part become a tensor. */
BW_INLINE void bw_finish_sums(const bw_epilogue *epilogue, const int32_t *acc, uint32_t channels, bw_word *out)
{
    bw_appender to = bw_appender_at(out);
    bw_finish_pixel(epilogue, acc, channels, &to);
    bw_end_appender(&to);
}

#if !defined(BW_SPECIALIZED) || defined(BW_SPECIALIZED_F32)
BW_INLINE void bw_finish_sums_f32(const bw_float_epilogue *epilogue, const int32_t *acc, uint32_t channels,
                                  bw_word *out)
{
    bw_appender to = bw_appender_at(out);
    bw_finish_pixel_f32(epilogue, acc, channels, &to);
    bw_end_appender(&to);
}
#endif

#endif

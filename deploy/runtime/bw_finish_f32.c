/* bw_finish_f32.c: the float epilogue of integer accumulators, a pixel at a time. SPDX-License-Identifier: Apache-2.0 */
#include "bw_finish.h"

#include "bw_float.h"

void bw_finish_pixel_f32(const void *epilogue, const int32_t *acc, uint32_t channels, bw_appender *out)
{
    const bw_float_epilogue *e = (const bw_float_epilogue *)epilogue;
    uint32_t channel;
    for (channel = 0u; channel < channels; ++channel) {
        bw_append(out, bw_finish_f32(e, channel, acc[channel]) & bw_mask(e->bits), e->bits);
    }
}

/* bw_stream.c: layers that run column by column. SPDX-License-Identifier: Apache-2.0 */
#include "bw_stream.h"

#include <string.h>

void bw_begin_stream(bw_stage_state *states, uint32_t stages)
{
    (void)memset(states, 0, stages * sizeof *states);
}

/* Outputs of the next run. */
static uint32_t bw_run_length(const bw_stage *stage, const bw_stage_state *state)
{
    const uint32_t left = (uint32_t)stage->outputs - state->done;
    return (left < stage->band) ? left : stage->band;
}

uint32_t bw_next_stage(const bw_stage *stages, const bw_stage_state *states, uint32_t count)
{
    uint32_t i = count;
    do {
        const bw_stage *stage;
        uint32_t outputs, needed;
        --i;
        stage = &stages[i];
        outputs = bw_run_length(stage, &states[i]);
        needed = (states[i].done + outputs - 1u) * stage->step + stage->window;
        needed = (needed > (uint32_t)stage->inputs + stage->pad) ? (uint32_t)stage->inputs + stage->pad : needed;
        if (outputs != 0u && (uint32_t)states[i].filled + stage->pad >= needed) {
            return i;
        }
    } while (i != 0u);
    return BW_NO_STAGE;
}

const bw_word *bw_begin_run(const bw_stage *stage, bw_stage_state *state, const bw_word *buffer, bw_layer *layer)
{
    const uint32_t start = (uint32_t)state->done * stage->step; /* of its first window, counted from the border's edge */
    const uint32_t edge = (uint32_t)state->base + stage->pad;   /* of the buffer, likewise */
    state->count = (uint16_t)bw_run_length(stage, state);
    layer->out_w = state->count;
    layer->in_w = (uint16_t)(state->filled - state->base);
    layer->pad_left = (uint16_t)((start < edge) ? edge - start : 0u);
    layer->skip = (uint8_t)((start < edge) ? 0u : start - edge);
    return (stage->capacity == 0u) ? buffer + (uint32_t)state->base * stage->column_bits / 32u : buffer;
}

bw_word *bw_buffer_output(const bw_stage *next, const bw_stage_state *state, bw_word *buffer)
{
    return buffer + (uint32_t)(state->filled - state->base) * next->column_bits / 32u;
}

bw_word *bw_tensor_output(const bw_stage *stage, const bw_stage_state *state, bw_word *tensor)
{
    return tensor + (uint32_t)state->done * stage->out_bits / 32u;
}

void bw_end_run(const bw_stage *stages, bw_stage_state *states, uint32_t is_last, bw_word *buffer)
{
    const bw_stage *stage = stages;
    bw_stage_state *state = states;
    uint32_t start;
    state->done = (uint16_t)(state->done + state->count);
    if (is_last == 0u) {
        states[1].filled = (uint16_t)(states[1].filled + state->count);
    }
    start = (uint32_t)state->done * stage->step;
    if (start > (uint32_t)state->base + stage->pad) {
        uint32_t drop = start - state->base - stage->pad;
        const uint32_t held = (uint32_t)state->filled - state->base;
        drop = (drop < held) ? drop - drop % stage->align : held - held % stage->align;
        if (stage->capacity != 0u) {
            const uint32_t from = drop * stage->column_bits / 32u;
            const uint32_t words = (held * stage->column_bits + 31u) / 32u - from;
            (void)memmove(buffer, buffer + from, words * sizeof *buffer);
        }
        state->base = (uint16_t)(state->base + drop);
    }
}

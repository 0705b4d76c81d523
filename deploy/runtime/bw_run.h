/* bw_run.h: the schedule of bw_stream.h where kernels are compiled for their layers: one table says all of a stage, so that
 * its code is there once. SPDX-License-Identifier: Apache-2.0 */
#ifndef BW_RUN_H
#define BW_RUN_H

#include "bw_bits.h"
#include "bw_stream.h"

/* A stage with where its tensors lie: words of the arena. */
typedef struct {
    bw_stage stage;
    uint32_t in_word, out_word; /* of its input or its buffer; of its outputs' tensor or the next stage's buffer */
} bw_placed_stage;

/* Some outputs of a stage. */
typedef struct {
    const bw_placed_stage *placed;
    bw_stage_state *state;
    const bw_word *in;
    bw_word *out;
    uint32_t stage;          /* which */
    uint32_t first, outputs; /* of it */
    uint32_t in_w, pad_left, skip; /* what bw_layer says of them */
} bw_run;

BW_INLINE void bw_set_run(const bw_placed_stage *placed, bw_stage_state *state, uint32_t is_last, bw_word *arena,
                          bw_run *run)
{
    const bw_stage *stage = &placed->stage;
    const uint32_t start = (uint32_t)state->done * stage->step, edge = (uint32_t)state->base + stage->pad;
    const uint32_t before = (is_last != 0u) ? state->done : (uint32_t)state[1].filled - state[1].base;
    run->in = &arena[placed->in_word];
    if (stage->capacity == 0u) {
        run->in += (uint32_t)state->base * stage->column_bits / 32u;
    }
    run->out = &arena[placed->out_word + before * stage->out_bits / 32u];
    run->placed = placed;
    run->state = state;
    run->first = state->done;
    run->in_w = (uint32_t)state->filled - state->base;
    run->pad_left = (start < edge) ? edge - start : 0u;
    run->skip = (start < edge) ? 0u : start - edge;
}

/* The next run of the latest stage that has its input; 0 where none has. */
static inline uint32_t bw_next_run(const bw_placed_stage *stages, bw_stage_state *states, uint32_t count,
                                   bw_word *arena, bw_run *run)
{
    uint32_t i = count;
    do {
        const bw_stage *stage;
        uint32_t outputs, needed, all;
        --i;
        stage = &stages[i].stage;
        outputs = (uint32_t)stage->outputs - states[i].done;
        outputs = (outputs < stage->band) ? outputs : stage->band;
        needed = (states[i].done + outputs - 1u) * stage->step + stage->window;
        all = (uint32_t)stage->inputs + stage->pad;
        needed = (needed > all) ? all : needed;
        if (outputs != 0u && (uint32_t)states[i].filled + stage->pad >= needed) {
            run->stage = i;
            run->outputs = outputs;
            bw_set_run(&stages[i], &states[i], (i + 1u == count) ? 1u : 0u, arena, run);
            return 1u;
        }
    } while (i != 0u);
    return 0u;
}

/* Makes `layer` the part of the stage's layer that a run does. */
BW_INLINE void bw_set_part(const bw_run *run, bw_layer *layer)
{
    layer->in_w = (uint16_t)run->in_w;
    layer->pad_left = (uint16_t)run->pad_left;
    layer->skip = (uint8_t)run->skip;
    layer->out_w = (uint16_t)run->outputs;
}

/* Hands the outputs to the next stage, of `count`, and drops columns of the stage's buffer that no later run needs. */
static inline void bw_close_run(const bw_run *run, uint32_t count, bw_word *arena)
{
    const bw_stage *stage = &run->placed->stage;
    bw_stage_state *state = run->state;
    const uint32_t done = run->first + run->outputs, edge = (uint32_t)state->base + stage->pad;
    const uint32_t start = done * stage->step;
    state->done = (uint16_t)done;
    if (run->stage + 1u != count) {
        state[1].filled = (uint16_t)(state[1].filled + run->outputs);
    }
    if (start > edge) {
        const uint32_t held = run->in_w, unused = start - edge;
        const uint32_t drop = ((unused < held) ? unused : held) & (0u - stage->align); /* a power of two */
        if (stage->capacity != 0u) {
            const uint32_t from = drop * stage->column_bits / 32u;
            uint32_t words = (held * stage->column_bits + 31u) / 32u - from;
            bw_word *to = &arena[run->placed->in_word];
            for (; words != 0u; --words) {
                *to = to[from];
                ++to;
            }
        }
        state->base = (uint16_t)(state->base + drop);
    }
}

#endif

/* bw_stream.h: layers that run column by column, each over the few columns of its input that are there.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stages are consecutive layers over maps of one row. The input of the first is the network's, all of it in place, though
 * perhaps not yet all written; that of the others a buffer. A buffer and what a stage writes start with whole words. */
#ifndef BW_STREAM_H
#define BW_STREAM_H

#include "bw_kernels.h"

typedef struct {
    uint16_t band;              /* outputs a run; the last may have fewer */
    uint16_t step, window, pad; /* input columns: from output to output, that one needs, before the map */
    uint16_t inputs, outputs;   /* columns in all */
    uint16_t column_bits;       /* of an input column */
    uint16_t align;             /* input columns that fill whole words */
    uint16_t out_bits;          /* of an output column */
    uint16_t capacity;          /* input columns that the buffer holds; 0: the input stays in place, all of it */
} bw_stage;

typedef struct {
    uint16_t base;   /* the input column at the start of the buffer */
    uint16_t filled; /* input columns that came so far */
    uint16_t done;   /* outputs so far */
    uint16_t count;  /* outputs of the present run */
} bw_stage_state;

/* What bw_next_stage gives when no stage can run until more input comes. */
#define BW_NO_STAGE 0xFFFFFFFFu

void bw_begin_stream(bw_stage_state *states, uint32_t stages);

/* The latest stage whose next run has its input. */
uint32_t bw_next_stage(const bw_stage *stages, const bw_stage_state *states, uint32_t count);

/* Makes `layer` the part of the stage's layer that its next run does; returns where its input starts. */
const bw_word *bw_begin_run(const bw_stage *stage, bw_stage_state *state, const bw_word *buffer, bw_layer *layer);

/* Where the next stage's buffer takes the outputs of a run. */
bw_word *bw_buffer_output(const bw_stage *next, const bw_stage_state *state, bw_word *buffer);

/* Where the outputs of a run of the last stage belong in their tensor. */
bw_word *bw_tensor_output(const bw_stage *stage, const bw_stage_state *state, bw_word *tensor);

/* Ends the run of stages[0] and hands its outputs to stages[1] unless it is the last; drops columns of its buffer that no
 * later run needs. */
void bw_end_run(const bw_stage *stages, bw_stage_state *states, uint32_t is_last, bw_word *buffer);

#endif

/* check_case.h: what the program that checks random networks does with each of them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Before a case come its data: VECTORS inputs and outputs as words, NAME_inputs and NAME_outputs. */
/* clang-format off */
#ifndef CHECK_CASE_H
#define CHECK_CASE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIRT 0xDEADBEEFu /* nothing may rely on zeros */

#if defined(__arm__) || defined(__riscv)
#define GUARD_WORDS 64u
#define GUARD 0x5AFE57A7u
static uint32_t memory[CHECK_ARENA_WORDS + 2u * GUARD_WORDS];

static uint32_t *take_arena(uint32_t words)
{
    uint32_t i;
    for (i = 0u; i < words + 2u * GUARD_WORDS; ++i) {
        memory[i] = (i < GUARD_WORDS || i >= GUARD_WORDS + words) ? GUARD : DIRT;
    }
    return &memory[GUARD_WORDS];
}

/* Whether something was written beside the arena. */
static uint32_t give_back_arena(uint32_t *arena, uint32_t words)
{
    uint32_t i, wrong = 0u;
    for (i = 0u; i < GUARD_WORDS; ++i) {
        wrong |= (memory[i] != GUARD || arena[words + i] != GUARD) ? 1u : 0u;
    }
    return wrong;
}
#else /* AddressSanitizer knows where a block ends */
static uint32_t *take_arena(uint32_t words)
{
    uint32_t *arena = malloc(words * sizeof *arena);
    uint32_t i;
    if (arena == NULL) {
        abort();
    }
    for (i = 0u; i < words; ++i) {
        arena[i] = DIRT;
    }
    return arena;
}

static uint32_t give_back_arena(uint32_t *arena, uint32_t words)
{
    (void)words;
    free(arena);
    return 0u;
}
#endif

/* Whether output i is the reference's. */
#define MATCHES(name, NAME, model, i) \
    (memcmp(name##_output(model), &name##_outputs[(i) * (NAME##_OUT_BYTES / 4u)], NAME##_OUT_BYTES) == 0)

/* Runs every input; the number of runs that are wrong. */
#define CHECK_RUNS(name, NAME)                                                                               \
    static uint32_t run_##name(name##_t *model)                                                              \
    {                                                                                                        \
        uint32_t i, wrong = 0u;                                                                              \
        for (i = 0u; i < VECTORS; ++i) {                                                                     \
            (void)memcpy(name##_input(model), &name##_inputs[i * (NAME##_IN_BYTES / 4u)], NAME##_IN_BYTES);  \
            wrong += (name##_run(model) == NAME##_OK && MATCHES(name, NAME, model, i)) ? 0u : 1u;            \
        }                                                                                                    \
        return wrong;                                                                                        \
    }

/* Pushes every input in pieces of 8, 16, 24, 8, ... columns (whole bytes, whatever the format), which come to their
 * place just before, as a DMA would write them. */
#define CHECK_PUSHES(name, NAME)                                                                             \
    static uint32_t push_##name(name##_t *model)                                                             \
    {                                                                                                        \
        uint32_t i, wrong = 0u, piece = 0u;                                                                  \
        for (i = 0u; i < VECTORS; ++i) {                                                                     \
            const uint8_t *from = (const uint8_t *)&name##_inputs[i * (NAME##_IN_BYTES / 4u)];               \
            uint8_t *to = (uint8_t *)name##_input(model);                                                    \
            uint32_t done = 0u, status = (uint32_t)name##_reset(model);                                      \
            while (done < NAME##_IN_COLUMNS) {                                                               \
                const uint32_t left = NAME##_IN_COLUMNS - done;                                              \
                const uint32_t wish = 8u * (1u + piece++ % 3u), columns = (wish < left) ? wish : left;       \
                const uint32_t begin = done * NAME##_COLUMN_BITS / 8u;                                       \
                const uint32_t end = ((done + columns) * NAME##_COLUMN_BITS + 7u) / 8u;                      \
                (void)memcpy(to + begin, from + begin, end - begin);                                         \
                status = (uint32_t)name##_push(model, NULL, columns);                                        \
                done += columns;                                                                             \
            }                                                                                                \
            wrong += (status == (uint32_t)NAME##_OK && MATCHES(name, NAME, model, i)) ? 0u : 1u;             \
        }                                                                                                    \
        return wrong;                                                                                        \
    }

#define NO_PUSHES(name, NAME)                    \
    static uint32_t push_##name(name##_t *model) \
    {                                            \
        (void)model;                             \
        return 0u;                               \
    }

/* How many runs were wrong; a self test and what lies beside the arena count as one each. */
#define CHECK(name, NAME)                                                      \
    static uint32_t check_##name(void)                                         \
    {                                                                          \
        uint32_t *arena = take_arena(NAME##_ARENA_WORDS);                      \
        uint32_t wrong = 1u;                                                   \
        name##_t model;                                                        \
        if (name##_init(&model, arena, NAME##_ARENA_BYTES) == NAME##_OK) {     \
            wrong = run_##name(&model) + push_##name(&model);                  \
            wrong += (name##_selftest(&model) == NAME##_OK) ? 0u : 1u;         \
        }                                                                      \
        return wrong + give_back_arena(arena, NAME##_ARENA_WORDS);             \
    }

typedef struct {
    const char *name;
    uint32_t (*check)(void);
} check_case;

/* Says each name before its run, so that a crash has one. */
static uint32_t check_all(const check_case *cases, uint32_t count)
{
    uint32_t i, failed = 0u;
    for (i = 0u; i < count; ++i) {
        uint32_t wrong;
        printf("%s", cases[i].name);
        (void)fflush(stdout);
        wrong = cases[i].check();
        printf(" %lu\n", (unsigned long)wrong);
        failed |= (wrong != 0u) ? 1u : 0u;
    }
    return failed;
}

#endif

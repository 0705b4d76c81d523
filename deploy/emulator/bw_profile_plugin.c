/* bw_profile_plugin.c: exact profile of translated blocks, for qemu-system-arm and -riscv32 (TCG plugin API version 1).
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The only file of Bitwright under this licence: it is loaded into QEMU. Bitwright runs QEMU as a separate process
 * and reads the text written here. Debian ships no qemu-plugin.h; the entry points used are declared below from
 * QEMU's public documentation (docs/devel/tcg-plugins).
 *
 * Arguments, key=value:
 *   out=FILE      where the profile goes, at exit
 *   begin=ADDR    hex; counting starts when the function at ADDR is entered ...
 *   end=ADDR      ... and stops when the one at ADDR is. The marks' own blocks are not counted; the few instructions
 *                 that set up the call of the code between the marks are.
 *   riscv=1       the instructions are RISC-V's; otherwise Thumb's
 *   separate=1    count the runs between begin and end each by itself; otherwise all as run 0
 *   parts=ADDR:...  count each run in parts: a new one begins where one of these, at most 1024, is reached by a jump:
 *                   the entry of a function, or what follows a call
 *   whole=1       count from the first instruction to the last, as one run, without marks
 *   flash=BASE:SIZE                 hex; simulate the line buffers of a flash that lies there. Slower: each access to
 *                                   memory is then seen
 *   ibuffer=LINES:LINE_BYTES:WAYS   its buffer of instructions; the bytes a power of two, WAYS 0: a line may lie
 *   dbuffer=LINES:LINE_BYTES:WAYS   anywhere; and of data; 0 LINES of data: every load misses
 * Output, one line a block and run, in the order of first translation:
 *   block ADDR BYTES INSTRUCTIONS RUN EXECUTIONS JUMPS   ADDR hex; JUMPS of EXECUTIONS left not to the next address
 *                                                        with parts=, RUN is the number of the part
 * with parts= one line a part:
 *   part PART RUN ADDR                                   where it began; 0 where the run did
 * with flash= one line a run, with parts= as well one line a part:
 *   memory RUN MISSES SEQUENTIAL DATA_MISSES LOADS UNALIGNED
 *       lines of instructions that were not in their buffer, after a jump to another line and where execution went on
 *       into the next line; lines of data that were not; loads from flash; accesses of all memory, loads and stores,
 *       to an address that is no multiple of their size (or of four bytes, of wider ones)
 * and on the last line:
 *   runs N                                               how often counting started
 *
 * Lines are replaced least recently used first. The buffers are empty at reset and see all that runs, counted or not.
 *
 * Two traps of QEMU 7.2: the size that it reports for an instruction of a block translated for the second time may
 * be doubled, so sizes come from the encoding; a load callback is only delivered with the store callback, so both are
 * asked for. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef struct qemu_info_t qemu_info_t;
typedef uint32_t qemu_plugin_meminfo_t;
enum { QEMU_PLUGIN_CB_NO_REGS = 0, QEMU_PLUGIN_MEM_RW = 3 };
extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                                  void (*cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, void (*cb)(unsigned cpu, void *data),
                                                 int flags, void *data);
extern void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
                                             void (*cb)(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address,
                                                        void *data),
                                             int flags, int direction, void *data);
extern unsigned qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t info);
extern _Bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t info);
extern void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, void (*cb)(qemu_plugin_id_t id, void *data),
                                           void *data);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;

struct count {
    uint64_t executions, jumps;
};

struct block {
    struct block *next;        /* in its bucket */
    struct block *next_listed; /* in order of translation */
    uint32_t address, bytes, instructions;
    int begins_part;
    struct count *counts; /* one a run, or a part */
    size_t capacity;
};

struct part {
    uint64_t run;
    uint32_t address;
};

enum { BUCKETS = 1 << 14, MOST_PARTS = 1024 };
static struct block *buckets[BUCKETS];
static struct block *first_listed, **last_listed = &first_listed;
static struct block *previous; /* counted block that ran last, while counting */
static uint64_t runs;
static size_t run; /* the current one, or its current part */
static uint32_t part_marks[MOST_PARTS];
static size_t part_mark_count, part_count, part_capacity;
static struct part *parts;
static int counting, separate, riscv;
static uint32_t begin_mark, end_mark;
static char out_path[4096];

/* Lines of `ways` slots each in `sets` sets; a set's tags are in order of use, the last used first. */
struct line_buffer {
    uint32_t lines, shift, sets, ways;
    uint32_t *tags;
};
struct memory_count {
    uint64_t misses, sequential, data_misses, loads, unaligned;
};
static struct line_buffer instruction_buffer, data_buffer;
static struct memory_count *memory_counts; /* one a run, or a part */
static size_t memory_capacity;
static uint32_t flash_base, flash_size; /* size 0: not simulated */
static uint32_t last_line = UINT32_MAX; /* of instructions, that ran last */

/* Thumb (ARMv7-M manual, A5.1): a half-word whose top five bits are 0b11101, 0b11110 or 0b11111 starts a 32-bit
 * instruction. RISC-V (unprivileged ISA, 1.5): the low two bits of one are 0b11. */
static uint32_t instruction_size(const uint8_t *code)
{
    if (riscv)
        return (code[0] & 3) == 3 ? 4 : 2;
    return (code[1] >> 3) >= 0x1d ? 4 : 2;
}

static struct count *count_of(struct block *block)
{
    if (run >= block->capacity) {
        const size_t capacity = 2 * run + 1;
        block->counts = realloc(block->counts, capacity * sizeof *block->counts);
        if (!block->counts)
            abort();
        memset(block->counts + block->capacity, 0, (capacity - block->capacity) * sizeof *block->counts);
        block->capacity = capacity;
    }
    return &block->counts[run];
}

static struct memory_count *memory_of_run(void)
{
    if (run >= memory_capacity) {
        const size_t capacity = 2 * run + 1;
        memory_counts = realloc(memory_counts, capacity * sizeof *memory_counts);
        if (!memory_counts)
            abort();
        memset(memory_counts + memory_capacity, 0, (capacity - memory_capacity) * sizeof *memory_counts);
        memory_capacity = capacity;
    }
    return &memory_counts[run];
}

/* Whether the buffer holds a line; afterwards it does. */
static int use_line(struct line_buffer *buffer, uint32_t line)
{
    if (!buffer->lines)
        return 0;
    uint32_t *set = buffer->tags + (size_t)(line % buffer->sets) * buffer->ways;
    uint32_t i = 0;
    while (i + 1 < buffer->ways && set[i] != line)
        i++;
    const int hit = set[i] == line;
    for (; i > 0; i--)
        set[i] = set[i - 1];
    set[0] = line;
    return hit;
}

static int in_flash(uint32_t address)
{
    return address - flash_base < flash_size;
}

static void fetch(const struct block *block)
{
    const uint32_t shift = instruction_buffer.shift;
    if (!in_flash(block->address)) {
        last_line = UINT32_MAX;
        return;
    }
    for (uint32_t line = block->address >> shift; line <= (block->address + block->bytes - 1) >> shift; line++) {
        if (line == last_line)
            continue;
        const int hit = use_line(&instruction_buffer, line);
        if (!hit && counting) {
            if (line == last_line + 1)
                memory_of_run()->sequential++;
            else
                memory_of_run()->misses++;
        }
        last_line = line;
    }
}

static void on_access(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t where, void *data)
{
    const uint32_t address = (uint32_t)where, bytes = 1u << qemu_plugin_mem_size_shift(info);
    (void)cpu;
    (void)data;
    if (counting && (address & ((bytes > 4 ? 4 : bytes) - 1)))
        memory_of_run()->unaligned++;
    if (qemu_plugin_mem_is_store(info) || !in_flash(address))
        return;
    uint64_t misses = 0;
    for (uint32_t line = address >> data_buffer.shift; line <= (address + bytes - 1) >> data_buffer.shift; line++)
        misses += !use_line(&data_buffer, line);
    if (counting) {
        memory_of_run()->loads++;
        memory_of_run()->data_misses += misses;
    }
}

static void leave_previous(uint32_t to)
{
    if (previous && previous->address + previous->bytes != to)
        count_of(previous)->jumps++;
}

/* Counts go to a new part of the current run. */
static void begin_part(uint32_t address)
{
    if (part_count == part_capacity) {
        part_capacity = 2 * part_capacity + 1;
        parts = realloc(parts, part_capacity * sizeof *parts);
        if (!parts)
            abort();
    }
    run = part_count++;
    parts[run] = (struct part){separate ? runs - 1 : 0, address};
}

static int is_part_mark(uint32_t address)
{
    size_t i = 0;
    while (i < part_mark_count && part_marks[i] != address)
        i++;
    return i < part_mark_count;
}

static void on_execute(unsigned cpu, void *data)
{
    struct block *block = data;
    (void)cpu;
    if (counting && block->begins_part) {
        leave_previous(block->address);
        begin_part(block->address);
        previous = NULL;
    }
    if (flash_size)
        fetch(block);
    if (block->address == begin_mark) {
        counting = 1;
        run = separate ? (size_t)runs : 0;
        runs++;
        if (part_mark_count)
            begin_part(0);
        previous = NULL;
        return;
    }
    if (!counting)
        return;
    leave_previous(block->address);
    if (block->address == end_mark) {
        counting = 0;
        return;
    }
    count_of(block)->executions++;
    previous = block;
}

static struct block *find_block(uint32_t address, uint32_t instructions)
{
    struct block *block = buckets[(address >> 1) % BUCKETS];
    while (block && (block->address != address || block->instructions != instructions))
        block = block->next;
    return block;
}

static struct block *add_block(const struct qemu_plugin_tb *tb, uint32_t address, uint32_t instructions)
{
    struct block **bucket = &buckets[(address >> 1) % BUCKETS];
    struct block *block = calloc(1, sizeof *block);
    if (!block)
        abort();
    block->address = address;
    block->begins_part = is_part_mark(address);
    block->instructions = instructions;
    for (uint32_t i = 0; i < instructions; i++)
        block->bytes += instruction_size(qemu_plugin_insn_data(qemu_plugin_tb_get_insn(tb, i)));
    block->next = *bucket;
    *bucket = block;
    *last_listed = block;
    last_listed = &block->next_listed;
    return block;
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    const uint32_t address = (uint32_t)qemu_plugin_tb_vaddr(tb);
    const uint32_t instructions = (uint32_t)qemu_plugin_tb_n_insns(tb);
    struct block *block = find_block(address, instructions);
    (void)id;
    if (!block)
        block = add_block(tb, address, instructions);
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_execute, QEMU_PLUGIN_CB_NO_REGS, block);
    for (size_t i = 0; flash_size && i < instructions; i++)
        qemu_plugin_register_vcpu_mem_cb(qemu_plugin_tb_get_insn(tb, i), on_access, QEMU_PLUGIN_CB_NO_REGS,
                                         QEMU_PLUGIN_MEM_RW, NULL);
}

static void on_exit_write(qemu_plugin_id_t id, void *data)
{
    FILE *file = fopen(out_path, "w");
    (void)id;
    (void)data;
    if (!file) {
        fprintf(stderr, "bw_profile_plugin: cannot write %s\n", out_path);
        return;
    }
    for (const struct block *block = first_listed; block; block = block->next_listed)
        for (size_t i = 0; i < block->capacity; i++)
            if (block->counts[i].executions)
                fprintf(file, "block %x %u %u %zu %llu %llu\n", block->address, block->bytes, block->instructions, i,
                        (unsigned long long)block->counts[i].executions, (unsigned long long)block->counts[i].jumps);
    for (size_t i = 0; i < part_count; i++)
        fprintf(file, "part %zu %llu %x\n", i, (unsigned long long)parts[i].run, parts[i].address);
    for (size_t i = 0; flash_size && i < (part_mark_count ? part_count : separate ? runs : runs > 0); i++) {
        static const struct memory_count none;
        const struct memory_count *m = i < memory_capacity ? &memory_counts[i] : &none;
        fprintf(file, "memory %zu %llu %llu %llu %llu %llu\n", i, (unsigned long long)m->misses,
                (unsigned long long)m->sequential, (unsigned long long)m->data_misses, (unsigned long long)m->loads,
                (unsigned long long)m->unaligned);
    }
    fprintf(file, "runs %llu\n", (unsigned long long)runs);
    fclose(file);
}

/* LINES:LINE_BYTES:WAYS */
static void set_up_buffer(struct line_buffer *buffer, const char *text)
{
    char *end;
    buffer->lines = (uint32_t)strtoul(text, &end, 10);
    for (uint32_t bytes = (uint32_t)strtoul(end + 1, &end, 10); bytes > 1; bytes /= 2)
        buffer->shift++;
    buffer->ways = (uint32_t)strtoul(end + 1, &end, 10);
    if (!buffer->ways)
        buffer->ways = buffer->lines;
    if (!buffer->lines)
        return;
    buffer->sets = buffer->lines / buffer->ways;
    buffer->tags = malloc(buffer->lines * sizeof *buffer->tags);
    if (!buffer->tags)
        abort();
    memset(buffer->tags, 0xff, buffer->lines * sizeof *buffer->tags); /* no line */
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (!strncmp(argv[i], "out=", 4))
            snprintf(out_path, sizeof out_path, "%s", argv[i] + 4);
        else if (!strncmp(argv[i], "begin=", 6))
            begin_mark = (uint32_t)strtoul(argv[i] + 6, NULL, 16);
        else if (!strncmp(argv[i], "end=", 4))
            end_mark = (uint32_t)strtoul(argv[i] + 4, NULL, 16);
        else if (!strcmp(argv[i], "riscv=1"))
            riscv = 1;
        else if (!strcmp(argv[i], "separate=1"))
            separate = 1;
        else if (!strncmp(argv[i], "parts=", 6)) {
            char *end = argv[i] + 5;
            while (part_mark_count < MOST_PARTS && *end && end[1])
                part_marks[part_mark_count++] = (uint32_t)strtoul(end + 1, &end, 16);
        } else if (!strcmp(argv[i], "whole=1")) {
            counting = 1;
            runs = 1;
        } else if (!strncmp(argv[i], "flash=", 6)) {
            char *end;
            flash_base = (uint32_t)strtoul(argv[i] + 6, &end, 16);
            flash_size = (uint32_t)strtoul(end + 1, NULL, 16);
        } else if (!strncmp(argv[i], "ibuffer=", 8))
            set_up_buffer(&instruction_buffer, argv[i] + 8);
        else if (!strncmp(argv[i], "dbuffer=", 8))
            set_up_buffer(&data_buffer, argv[i] + 8);
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
    qemu_plugin_register_atexit_cb(id, on_exit_write, NULL);
    return 0;
}

/* startup.c: brings an emulated Cortex-M from reset to main(argc, argv) with semihosting.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Linked with newlib's rdimon for files and the console. argv comes from SYS_GET_CMDLINE, split at blanks.
 * BW_TRAP_UNALIGNED: ARMv6-M code on a Cortex-M3 model; unaligned access then faults, as it does on an M0+. */
#include <stdint.h>

extern uint32_t bw_stack_top, bw_bss_begin, bw_bss_end;
extern int main(int argc, char **argv);
extern void initialise_monitor_handles(void);
extern void __libc_init_array(void);
extern void exit(int status) __attribute__((noreturn));
void bw_reset(void) __attribute__((noreturn));

/* Semihosting for AArch32 and AArch64, Arm document 2020Q2: operation in r0, parameter in r1, BKPT 0xAB. */
enum { SYS_GET_CMDLINE = 0x15, SYS_EXIT = 0x18, ADP_STOPPED_RUNTIME_ERROR = 0x20023 };
static uint32_t semihost(uint32_t operation, uintptr_t parameter)
{
    register uint32_t r0 __asm("r0") = operation;
    register uintptr_t r1 __asm("r1") = parameter;
    __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

/* The name tells bitwright emulate how the program ended. */
static void bw_on_fault(void)
{
    for (;;)
        semihost(SYS_EXIT, ADP_STOPPED_RUNTIME_ERROR);
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    &bw_stack_top, bw_reset, bw_on_fault, bw_on_fault, bw_on_fault, bw_on_fault, bw_on_fault, 0,
    0,             0,        0,           bw_on_fault, bw_on_fault, 0,           bw_on_fault, bw_on_fault,
};

/* Called by __libc_init_array and exit; there is no C++. */
void _init(void) {}
void _fini(void) {}

static int split_command_line(char *line, char **argv, int limit)
{
    int argc = 0;
    while (argc < limit) {
        while (*line == ' ')
            *line++ = 0;
        if (!*line)
            break;
        argv[argc++] = line;
        while (*line && *line != ' ')
            line++;
    }
    return argc;
}

void bw_reset(void)
{
#ifdef BW_TRAP_UNALIGNED
    *(volatile uint32_t *)0xE000ED14 |= 1u << 3; /* CCR.UNALIGN_TRP */
#endif
#ifdef __ARM_FP
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; /* CPACR: the FPU on */
    __asm volatile("dsb\n\tisb");
#endif
    for (uint32_t *word = &bw_bss_begin; word < &bw_bss_end; word++)
        *word = 0;
    initialise_monitor_handles();
    __libc_init_array();

    static char line[1024];
    static char *argv[16];
    struct {
        char *text;
        uint32_t size;
    } block = {line, sizeof line - 1};
    semihost(SYS_GET_CMDLINE, (uintptr_t)&block);
    exit(main(split_command_line(line, argv, 15), argv));
}

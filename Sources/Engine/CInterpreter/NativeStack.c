// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the native stack, the switch to it, and what happens when native code faults.

#define _GNU_SOURCE
#include "CInterpreter.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

void sw_native_keep_frames(sw_native_state *state, const void *pc, const uint64_t *frame_pointer);
void sw_native_leave(sw_native_state *state, uint32_t reason);

// Offsets in sw_native_state, for the assembly.
#define EXIT_STACK 0
#define IS_INSIDE 8
#define STACK_TOP 16
_Static_assert(offsetof(sw_native_state, exit_stack) == EXIT_STACK, "assembly");
_Static_assert(offsetof(sw_native_state, is_inside) == IS_INSIDE, "assembly");
_Static_assert(offsetof(sw_native_state, stack_top) == STACK_TOP, "assembly");

#define TEXT_OF_(x) #x
#define TEXT_OF(x) TEXT_OF_(x)
#define FUNCTION(name) ".p2align 4\n.globl " name "\n.hidden " name "\n.type " name ", @function\n" name ":\n"

// All that a caller wants preserved goes to its stack, then the former state; a leave restores it from there. A frame
// pointer of zero ends the chain of native frames.
#if defined(__x86_64__)
__asm__(
    ".text\n"
    FUNCTION("sw_native_switch")
    "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
    "  pushq " TEXT_OF(EXIT_STACK) "(%rdi)\n  pushq " TEXT_OF(IS_INSIDE) "(%rdi)\n"
    "  movq %rsp, " TEXT_OF(EXIT_STACK) "(%rdi)\n"
    "  movq %rdi, %r12\n"
    "  cmpq $0, " TEXT_OF(IS_INSIDE) "(%rdi)\n  jne 1f\n"
    "  movq $1, " TEXT_OF(IS_INSIDE) "(%rdi)\n  movq " TEXT_OF(STACK_TOP) "(%rdi), %rsp\n"
    "1: andq $-16, %rsp\n"
    "  movq %rsi, %rax\n  movq %rdx, %rdi\n  movq %rcx, %rsi\n  movq %r8, %rdx\n  xorl %ebp, %ebp\n"
    "  callq *%rax\n"
    "  movq %r12, %rdi\n  xorl %esi, %esi\n  jmp sw_native_leave\n"
    ".size sw_native_switch, .-sw_native_switch\n"
    FUNCTION("sw_native_leave")
    "  movl %esi, %eax\n  movq " TEXT_OF(EXIT_STACK) "(%rdi), %rsp\n"
    "  popq " TEXT_OF(IS_INSIDE) "(%rdi)\n  popq " TEXT_OF(EXIT_STACK) "(%rdi)\n"
    "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n  retq\n"
    ".size sw_native_leave, .-sw_native_leave\n");
#elif defined(__aarch64__)
__asm__(
    ".text\n"
    FUNCTION("sw_native_switch")
    "  stp x29, x30, [sp, #-176]!\n  stp x19, x20, [sp, #16]\n  stp x21, x22, [sp, #32]\n"
    "  stp x23, x24, [sp, #48]\n  stp x25, x26, [sp, #64]\n  stp x27, x28, [sp, #80]\n"
    "  stp d8, d9, [sp, #96]\n  stp d10, d11, [sp, #112]\n  stp d12, d13, [sp, #128]\n  stp d14, d15, [sp, #144]\n"
    "  ldp x9, x10, [x0, #" TEXT_OF(EXIT_STACK) "]\n  stp x9, x10, [sp, #160]\n"
    "  mov x19, x0\n  mov x9, sp\n  str x9, [x0, #" TEXT_OF(EXIT_STACK) "]\n"
    "  cbnz x10, 1f\n"
    "  mov x10, #1\n  str x10, [x0, #" TEXT_OF(IS_INSIDE) "]\n"
    "  ldr x9, [x0, #" TEXT_OF(STACK_TOP) "]\n  mov sp, x9\n"
    "1: mov x8, x1\n  mov x0, x2\n  mov x1, x3\n  mov x2, x4\n  mov x29, xzr\n"
    "  blr x8\n"
    "  mov x0, x19\n  mov w1, wzr\n  b sw_native_leave\n"
    ".size sw_native_switch, .-sw_native_switch\n"
    FUNCTION("sw_native_leave")
    "  ldr x9, [x0, #" TEXT_OF(EXIT_STACK) "]\n  mov sp, x9\n"
    "  ldp x9, x10, [sp, #160]\n  stp x9, x10, [x0, #" TEXT_OF(EXIT_STACK) "]\n  mov w0, w1\n"
    "  ldp x19, x20, [sp, #16]\n  ldp x21, x22, [sp, #32]\n  ldp x23, x24, [sp, #48]\n"
    "  ldp x25, x26, [sp, #64]\n  ldp x27, x28, [sp, #80]\n  ldp d8, d9, [sp, #96]\n"
    "  ldp d10, d11, [sp, #112]\n  ldp d12, d13, [sp, #128]\n  ldp d14, d15, [sp, #144]\n"
    "  ldp x29, x30, [sp], #176\n  ret\n"
    ".size sw_native_leave, .-sw_native_leave\n");
#else
#error "native code needs its way in and out for this processor"
#endif

static bool sw_is_native(const sw_native_state *state, const uint8_t *pc) {
    for (uint32_t i = 0; i < state->text_count; i++) {
        if ((uint64_t)(pc - state->texts[i].start) < state->texts[i].byte_count) return true;
    }
    return false;
}

void sw_native_keep_frames(sw_native_state *state, const void *pc, const uint64_t *frame_pointer) {
    while (sw_is_native(state, pc) && sw_native_keep(state, (sw_frame_place){pc, UINT64_MAX})) {
        // The stack grows downwards; a chain that does not go up is none.
        if ((const uint8_t *)frame_pointer < state->stack_base || (const uint8_t *)frame_pointer >= state->stack_top)
            return;
        const uint64_t *next = (const uint64_t *)frame_pointer[0];
        // A return address belongs to the instruction before it.
        pc = (const void *)(frame_pointer[1] - 1);
        if (next && next <= frame_pointer) return;
        frame_pointer = next;
    }
}

bool sw_native_add_text(sw_machine *machine, const void *start, uint64_t byte_count) {
    sw_native_state *state = machine->native;
    sw_native_text *texts = realloc(state->texts, (state->text_count + 1) * sizeof *texts);
    if (!texts) return false;
    texts[state->text_count] = (sw_native_text){start, byte_count};
    state->texts = texts;
    state->text_count++;
    return true;
}

// MARK: Faults

__thread sw_machine *sw_native_machine;
static struct sigaction sw_previous_actions[2];
static pthread_once_t sw_handlers_once = PTHREAD_ONCE_INIT;
static int sw_handlers_error;

/// An access outside of a memory, or the end of the native stack: the guest's fault, which ends its run. Anything else
/// goes to whom it went before.
static void sw_fault_handler(int number, siginfo_t *info, void *opaque) {
    ucontext_t *context = opaque;
#if defined(__x86_64__)
    const uint8_t *pc = (const uint8_t *)context->uc_mcontext.gregs[REG_RIP];
    const uint64_t *frame_pointer = (const uint64_t *)context->uc_mcontext.gregs[REG_RBP];
#else
    const uint8_t *pc = (const uint8_t *)context->uc_mcontext.pc;
    const uint64_t *frame_pointer = (const uint64_t *)context->uc_mcontext.regs[29];
#endif
    sw_native_state *state = sw_native_machine ? sw_native_machine->native : NULL;
    if (state && state->is_inside && sw_is_native(state, pc)) {
        const uint8_t *address = info->si_addr;
        bool is_stack = (uint64_t)(address - state->stack_base) < state->stack_byte_count;
        sw_native_keep_frames(state, pc, frame_pointer);
        uint64_t reason = is_stack ? 10 : 5;
#if defined(__x86_64__)
        context->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)&sw_native_leave;
        context->uc_mcontext.gregs[REG_RDI] = (greg_t)(uintptr_t)state;
        context->uc_mcontext.gregs[REG_RSI] = (greg_t)reason;
#else
        context->uc_mcontext.pc = (uintptr_t)&sw_native_leave;
        context->uc_mcontext.regs[0] = (uintptr_t)state;
        context->uc_mcontext.regs[1] = reason;
#endif
        return;
    }
    const struct sigaction *previous = &sw_previous_actions[number == SIGBUS];
    if (previous->sa_flags & SA_SIGINFO) {
        previous->sa_sigaction(number, info, opaque);
    } else if (previous->sa_handler == SIG_DFL || previous->sa_handler == SIG_IGN) {
        // The instruction is executed again and ends the process as if we were not here.
        signal(number, SIG_DFL);
    } else {
        previous->sa_handler(number);
    }
}

static void sw_install_handlers(void) {
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
    action.sa_sigaction = sw_fault_handler;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGSEGV, &action, &sw_previous_actions[0]) != 0
        || sigaction(SIGBUS, &action, &sw_previous_actions[1]) != 0)
        sw_handlers_error = errno;
}

// MARK: Stacks

enum { sw_signal_stack = 64 << 10 };

static int sw_add_signal_stack(void) {
    stack_t current;
    if (sigaltstack(NULL, &current) != 0) return errno;
    // A thread's signal stack stays with it.
    if (!(current.ss_flags & SS_DISABLE)) return 0;
    void *memory = mmap(NULL, sw_signal_stack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return errno;
    stack_t stack = {.ss_sp = memory, .ss_size = sw_signal_stack};
    return sigaltstack(&stack, NULL) == 0 ? 0 : errno;
}

int sw_native_prepare(sw_machine *machine, uint64_t stack_byte_count) {
    if (!machine->native) {
        sw_native_state *state = calloc(1, sizeof *state);
        if (!state) return ENOMEM;
        uint64_t whole = stack_byte_count + sw_native_reserve + sw_native_guard;
        void *base = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
        if (base == MAP_FAILED
            || mprotect((uint8_t *)base + sw_native_guard, whole - sw_native_guard, PROT_READ | PROT_WRITE) != 0)
        {
            int error = errno;
            if (base != MAP_FAILED) munmap(base, whole);
            free(state);
            return error;
        }
        state->stack_base = base;
        state->stack_byte_count = whole;
        state->stack_end = state->stack_base + sw_native_guard;
        state->stack_top = state->stack_base + whole;
        machine->native = state;
    }
    int error = sw_add_signal_stack();
    if (error) return error;
    pthread_once(&sw_handlers_once, sw_install_handlers);
    return sw_handlers_error;
}

void sw_native_release(sw_machine *machine) {
    if (!machine->native) return;
    munmap(machine->native->stack_base, machine->native->stack_byte_count);
    free(machine->native->texts);
    free(machine->native);
    machine->native = NULL;
}

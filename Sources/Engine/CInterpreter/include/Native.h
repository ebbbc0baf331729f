// SPDX-License-Identifier: Apache-2.0
// Swiftlet: how native code of the AOT compiler, the interpreter and the host call each other.
//
// A native function takes the instance's context, then its parameters as the language's own types; more than
// `sw_register_results` results go to slots whose address follows the context. It runs on a stack of its own
// (`sw_native_state`), has no resources to give back, and is left by moving the stack pointer: at a trap, at proc_exit,
// when an exception passes. See docs/RATIONALE.md.
#pragma once

#include "Machine.h"

enum {
    /// Version of everything in this file and Machine.h that compiled code relies on.
    sw_native_abi = 1,
    sw_register_results = 2,
    /// Below this much of the native stack nothing of the host's is started.
    sw_native_reserve = 256 << 10,
    /// Faults here are the stack's end. No frame touches its far end before its near one.
    sw_native_guard = 64 << 10,
};

/// From slots to a native function and back: `body` is a native function of the thunk's type.
typedef void (*sw_native_thunk)(sw_context *context, uint64_t *frame, const void *body);

/// What native code calls. Each may end the run instead of returning.
struct sw_native_calls {
    /// Ends the run with that `TrapReason`.
    void (*trap)(sw_context *context, uint32_t reason);
    /// Calls any function with its arguments in slots, which its results replace.
    void (*call)(sw_context *context, const sw_function *function, uint64_t *slots);
    /// Executes an instruction of `SlowOperation`: opcode, two immediates, three operands; its result.
    uint64_t (*operation)(
        sw_context *context, uint32_t opcode, uint32_t first, uint32_t second, uint64_t a, uint64_t b, uint64_t c);
    /// memory.copy between checked ranges.
    void (*copy)(sw_context *context, uint8_t *to, const uint8_t *from, uint64_t count);
    /// memory.fill of a checked range.
    void (*fill)(sw_context *context, uint8_t *to, uint32_t value, uint64_t count);
    /// memory.atomic.notify (0), wait32 (1) and wait64 (2) at a checked address.
    uint64_t (*wait)(
        sw_context *context, const sw_memory *memory, uint32_t number, uint64_t at, uint64_t value, int64_t timeout);
    /// Throws a new exception made of the values in slots.
    void (*throw_new)(sw_context *context, sw_tag *tag, const uint64_t *slots);
    /// Whether a type is another one or declared as a subtype of it.
    uint32_t (*is_subtype)(sw_context *context, const sw_type *type, const sw_type *target);
};

/// One-time preparation of a thread and the process for native code of a machine: its stack, a signal stack, handlers
/// for SIGSEGV and SIGBUS. 0, or an errno. Must happen before a filter forbids the system calls.
int sw_native_prepare(sw_machine *machine, uint64_t stack_byte_count);
void sw_native_release(sw_machine *machine);

/// Adds a frame to those that are kept; false when there is no room.
static inline bool sw_native_keep(sw_native_state *state, sw_frame_place place) {
    if (state->kept_count == sw_kept_frames) return false;
    state->kept[state->kept_count++] = place;
    return true;
}
static inline sw_frame_place sw_native_kept(const sw_native_state *state, uint32_t index) { return state->kept[index]; }

/// Native code of a machine may be in these addresses. False when there is no memory to note it.
bool sw_native_add_text(sw_machine *machine, const void *start, uint64_t byte_count);

/// Calls a native function through its thunk; 0, or how the run ended (`sw_machine.trap_reason`).
uint32_t sw_native_enter(sw_function *function, sw_context *context, uint64_t *frame);

/// The functions that `sw_context.calls` points to.
const sw_native_calls *sw_native_call_table(void);

// What is left to Swift (WasmRuntime/NativeCode).

/// Makes an exception of the values in slots; false when the memory limit is reached.
bool sw_make_exception(sw_context *context, sw_tag *tag, const uint64_t *slots);
/// Keeps the interpreter's frames of the run that just ended, for the backtrace.
void sw_keep_interpreter_frames(sw_machine *machine);
/// Executes an instruction of `SlowOperation`; 0, or the reason of a trap.
uint32_t sw_native_operation(
    sw_context *context, uint32_t opcode, uint32_t first, uint32_t second, uint64_t a, uint64_t b, uint64_t c,
    uint64_t *result);

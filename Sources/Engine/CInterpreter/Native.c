// SPDX-License-Identifier: Apache-2.0
// Swiftlet: entering and leaving native code, and what it calls.

#include "CInterpreter.h"

/// Switches to the native stack and calls `thunk(context, frame, body)`; what sw_native_leave was given, or 0.
uint32_t sw_native_switch(
    sw_native_state *state, sw_native_thunk thunk, sw_context *context, uint64_t *frame, const void *body);
/// Goes back to the innermost sw_native_switch, which returns `reason`.
_Noreturn void sw_native_leave(sw_native_state *state, uint32_t reason);

/// Keeps the native frames from an instruction on, up to where native code was entered. Async-signal-safe.
void sw_native_keep_frames(sw_native_state *state, const void *pc, const uint64_t *frame_pointer);

/// Whose native code this thread runs.
extern __thread sw_machine *sw_native_machine;

/// Ends the run from a function that native code has called.
#define SW_LEAVE(machine, reason)                                                                                     \
    do {                                                                                                              \
        const uint64_t *own = __builtin_frame_address(0);                                                             \
        sw_native_keep_frames((machine)->native, (const void *)(own[1] - 1), (const uint64_t *)own[0]);               \
        sw_native_leave((machine)->native, reason);                                                                   \
    } while (0)

uint32_t sw_native_enter(sw_function *function, sw_context *context, uint64_t *frame) {
    sw_native_state *state = context->machine->native;
    if (state->is_inside && (uint8_t *)__builtin_frame_address(0) < state->stack_end + sw_native_reserve) return 10;
    state->kept_count = 0;
    sw_machine *outer = sw_native_machine;
    sw_native_machine = context->machine;
    uint32_t reason =
        sw_native_switch(state, (sw_native_thunk)function->definition->thunk, context, frame, function->native);
    sw_native_machine = outer;
    return reason;
}

static void sw_native_trap(sw_context *context, uint32_t reason) { SW_LEAVE(context->machine, reason); }

/// Runs any function on the value stack, for native code.
static uint32_t sw_native_run(sw_context *context, const sw_function *function, uint64_t *slots) {
    sw_machine *machine = context->machine;
    if ((uint8_t *)__builtin_frame_address(0) < machine->native->stack_end + sw_native_reserve) return 10;
    uint64_t *frame = machine->stack_top;
    if (frame + function->header + 2 > machine->stack_limit) return machine->is_interrupted ? 11 : 10;
    for (uint32_t i = 0; i < function->parameter_slots; i++) frame[i] = slots[i];
    uint32_t reason;
    if (!function->context) {
        reason = sw_call_host((sw_function *)function, context, frame);
        if (reason == 0 && machine->is_interrupted) reason = 11;
    } else {
        sw_run((sw_function *)function, function->context, frame);
        reason = machine->trap_reason;
        // What nobody has caught down there may be caught above.
        if (reason == 13) reason = sw_exception_thrown;
        if (reason != 0 && reason != sw_exit_requested) sw_keep_interpreter_frames(machine);
    }
    machine->stack_top = frame;
    if (reason == 0) {
        for (uint32_t i = 0; i < function->result_slots; i++) slots[i] = frame[i];
    }
    return reason;
}

static void sw_native_call(sw_context *context, const sw_function *function, uint64_t *slots) {
    uint32_t reason = sw_native_run(context, function, slots);
    if (reason) SW_LEAVE(context->machine, reason);
}

static uint64_t sw_native_call_operation(
    sw_context *context, uint32_t opcode, uint32_t first, uint32_t second, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t result = 0;
    uint32_t reason = sw_native_operation(context, opcode, first, second, a, b, c, &result);
    if (reason) SW_LEAVE(context->machine, reason);
    return result;
}

static void sw_native_copy(sw_context *context, uint8_t *to, const uint8_t *from, uint64_t count) {
    uint32_t reason = sw_copy_bytes(context->machine, to, from, count);
    if (reason) SW_LEAVE(context->machine, reason);
}

static void sw_native_fill(sw_context *context, uint8_t *to, uint32_t value, uint64_t count) {
    // In chunks, for an interrupt's sake.
    const uint64_t chunk = 16 << 20;
    while (count > 0) {
        uint64_t now = count < chunk ? count : chunk;
        __builtin_memset(to, (int)(value & 0xFF), now);
        to += now;
        count -= now;
        if (context->machine->is_interrupted) SW_LEAVE(context->machine, 11);
    }
}

static uint64_t sw_native_wait(
    sw_context *context, const sw_memory *memory, uint32_t number, uint64_t at, uint64_t value, int64_t timeout)
{
    uint64_t result = 0;
    uint32_t reason = sw_wait_operation(context, memory, number, at, value, timeout, &result);
    if (reason) SW_LEAVE(context->machine, reason);
    return result;
}

static void sw_native_throw(sw_context *context, sw_tag *tag, const uint64_t *slots) {
    uint32_t reason = sw_make_exception(context, tag, slots) ? sw_exception_thrown : 27;
    SW_LEAVE(context->machine, reason);
}

static uint32_t sw_native_is_subtype(sw_context *context, const sw_type *type, const sw_type *target) {
    (void)context;
    return sw_type_matches(type, target);
}

static const sw_native_calls sw_calls = {
    .trap = sw_native_trap,
    .call = sw_native_call,
    .operation = sw_native_call_operation,
    .copy = sw_native_copy,
    .fill = sw_native_fill,
    .wait = sw_native_wait,
    .throw_new = sw_native_throw,
    .is_subtype = sw_native_is_subtype,
};

const sw_native_calls *sw_native_call_table(void) { return &sw_calls; }

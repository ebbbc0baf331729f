// SPDX-License-Identifier: Apache-2.0
// Swiftlet: handlers of branches, calls and returns.
#pragma once

#include "Semantics.h"

// A branch back is where endless loops can be stopped: it looks at the stack limit as a call does.
#define SW_POLL_fwd
#define SW_POLL_back                                                                                                  \
    if (SW_UNLIKELY(sp > cx->machine->stack_limit)) SW_GO(trap_stack);

// Conditional branches: left slot at 8, right slot or 16-bit immediate at 10, distance in bytes at 12.
#define SW_BRANCH(name, suffix, left, right, when, step)                                                              \
    SW_HANDLER(br_##name##_##suffix##_##step) {                                                                       \
        uint32_t holds;                                                                                               \
        holds = sw_##name(left, right);                                                      \
        if (holds == when) {                                                                                          \
            SW_POLL_##step                                                                                            \
            SW_NEXT(SW_S32(12));                                                                                      \
        }                                                                                                             \
        SW_NEXT(16);                                                                                                  \
    }
#define SW_BRANCH_STEPS(name, suffix, left, right, when)                                                              \
    SW_BRANCH(name, suffix, left, right, when, fwd)                                                                   \
    SW_BRANCH(name, suffix, left, right, when, back)
#define SW_DEFINE_INT_BRANCH(name, T, R)                                                                              \
    SW_BRANCH_STEPS(name, ss, SW_SLOT_##T(SW_U16(8)), SW_SLOT_##T(SW_U16(10)), 1)                                     \
    SW_BRANCH_STEPS(name, as, SW_ACC_##T, SW_SLOT_##T(SW_U16(10)), 1)                                                 \
    SW_BRANCH_STEPS(name, sa, SW_SLOT_##T(SW_U16(8)), SW_ACC_##T, 1)                                                  \
    SW_BRANCH_STEPS(name, si, SW_SLOT_##T(SW_U16(8)), SW_IMMEDIATE_##T(SW_S16(10)), 1)                                \
    SW_BRANCH_STEPS(name, ai, SW_ACC_##T, SW_IMMEDIATE_##T(SW_S16(10)), 1)
#define SW_DEFINE_FLOAT_BRANCH(name, T, R)                                                                            \
    SW_BRANCH_STEPS(name, ss_if, SW_SLOT_##T(SW_U16(8)), SW_SLOT_##T(SW_U16(10)), 1)                                  \
    SW_BRANCH_STEPS(name, ss_unless, SW_SLOT_##T(SW_U16(8)), SW_SLOT_##T(SW_U16(10)), 0)                              \
    SW_BRANCH_STEPS(name, as_if, SW_ACC_##T, SW_SLOT_##T(SW_U16(10)), 1)                                              \
    SW_BRANCH_STEPS(name, as_unless, SW_ACC_##T, SW_SLOT_##T(SW_U16(10)), 0)                                          \
    SW_BRANCH_STEPS(name, sa_if, SW_SLOT_##T(SW_U16(8)), SW_ACC_##T, 1)                                               \
    SW_BRANCH_STEPS(name, sa_unless, SW_SLOT_##T(SW_U16(8)), SW_ACC_##T, 0)
SW_INT_COMPARES(SW_DEFINE_INT_BRANCH)
SW_FLOAT_COMPARES(SW_DEFINE_FLOAT_BRANCH)

#define SW_TEST(name, condition, step)                                                                                \
    SW_HANDLER(name) {                                                                                                \
        if (condition) {                                                                                              \
            SW_POLL_##step                                                                                            \
            SW_NEXT(SW_S32(12));                                                                                      \
        }                                                                                                             \
        SW_NEXT(16);                                                                                                  \
    }
SW_TEST(br_if_s, SW_SLOT_I32(SW_U16(8)) != 0, fwd)
SW_TEST(br_if_s_back, SW_SLOT_I32(SW_U16(8)) != 0, back)
SW_TEST(br_if_a, SW_ACC_I32 != 0, fwd)
SW_TEST(br_if_a_back, SW_ACC_I32 != 0, back)
SW_TEST(br_unless_s, SW_SLOT_I32(SW_U16(8)) == 0, fwd)
SW_TEST(br_unless_s_back, SW_SLOT_I32(SW_U16(8)) == 0, back)
SW_TEST(br_unless_a, SW_ACC_I32 == 0, fwd)
SW_TEST(br_unless_a_back, SW_ACC_I32 == 0, back)

SW_HANDLER(br) { SW_NEXT(SW_S32(12)); }
SW_HANDLER(br_back) {
    SW_POLL_back
    SW_NEXT(SW_S32(12));
}

// Index slot at 8, number of labels at 12; then one 32-bit distance per label and one for the default.
#define SW_BRANCH_TABLE(name, value)                                                                                  \
    SW_HANDLER(name) {                                                                                                \
        uint32_t index = (value), count = SW_U32(12);                                                                 \
        index = index < count ? index : count;                                                                        \
        SW_NEXT(SW_S32(16 + 4 * (uint64_t)index));                                                                    \
    }
SW_BRANCH_TABLE(br_table_s, SW_SLOT_I32(SW_U16(8)))
SW_BRANCH_TABLE(br_table_a, SW_ACC_I32)

// The cost of the instructions up to the next of these: at 12. Only there in code of a store with fuel.
SW_HANDLER(fuel) {
    uint64_t fuel = cx->machine->fuel, cost = SW_U32(12);
    if (SW_UNLIKELY(fuel < cost)) SW_GO(trap_fuel);
    cx->machine->fuel = fuel - cost;
    SW_NEXT(16);
}

// The first instruction of a function that has locals: first local at 12, number of locals at 14.
SW_HANDLER(enter_locals) {
    uint64_t *local = sp + SW_U16(12);
#pragma clang loop vectorize(disable) unroll(disable)
    for (uint32_t n = SW_U16(14); n != 0; n--) *local++ = 0;
    SW_NEXT(16);
}

// A frame: parameters (later results) from slot 0, at slot `header` the return address, then the caller's sp, then
// locals and temporaries. The caller has checked that its own frame reaches to the end of this header.
#define SW_PUSH_FRAME(frame, header, byte_count)                                                                      \
    (frame)[header] = (uint64_t)(uintptr_t)(pc + (byte_count));                                                       \
    (frame)[(header) + 1] = (uint64_t)(uintptr_t)sp;

// A function that was not translated yet says 0 slots; its entry handler looks again.
#define SW_CHECK_STACK(frame, function)                                                                               \
    if (SW_UNLIKELY((frame) + (function)->frame_slots > cx->machine->stack_limit)) SW_GO(trap_stack);

// Function at 16, frame at 8, header at 10.
SW_HANDLER(call) {
    const sw_function *function = SW_POINTER(const sw_function, 16);
    uint64_t *frame = sp + SW_U16(8);
    SW_CHECK_STACK(frame, function)
    SW_PUSH_FRAME(frame, SW_U16(10), 24)
    sp = frame;
    pc = function->code;
    SW_DISPATCH();
}

// Into another instance: five slots after the arguments keep the caller, the callee's frame follows.
#define SW_CROSS_SLOTS 5
#define SW_CROSS_CALL(function, frame, length)                                                                        \
    uint32_t header = (function)->header;                                                                             \
    uint64_t *saved = (frame) + header, *inner = saved + SW_CROSS_SLOTS;                                              \
    if (SW_UNLIKELY(inner + header + 2 > cx->machine->stack_limit)) SW_GO(trap_stack);                                \
    SW_CHECK_STACK(inner, function)                                                                                   \
    saved[0] = (uint64_t)(uintptr_t)(pc + (length));                                                                  \
    saved[1] = (uint64_t)(uintptr_t)sp;                                                                               \
    saved[2] = (uint64_t)(uintptr_t)cx;                                                                               \
    saved[3] = header;                                                                                                \
    saved[4] = (function)->result_slots;                                                                              \
    for (uint32_t i = 0; i < (function)->parameter_slots; i++) inner[i] = (frame)[i];                                 \
    inner[header] = (uint64_t)(uintptr_t)cx->machine->cross_return_code;                                              \
    inner[header + 1] = (uint64_t)(uintptr_t)saved;                                                                   \
    sp = inner;                                                                                                       \
    cx = (function)->context;                                                                                         \
    md = cx->memory->base;                                                                                            \
    ms = cx->memory->byte_count;                                                                                      \
    pc = (function)->code;                                                                                            \
    SW_DISPATCH();

SW_HANDLER(call_cross) {
    const sw_function *function = SW_POINTER(const sw_function, 16);
    SW_CROSS_CALL(function, sp + SW_U16(8), 24)
}
SW_HANDLER(cross_return) {
    uint64_t *saved = sp, *results = saved + SW_CROSS_SLOTS, *frame = saved - saved[3];
    uint64_t count = saved[4];
    pc = (const uint8_t *)(uintptr_t)saved[0];
    sp = (uint64_t *)(uintptr_t)saved[1];
    cx = (sw_context *)(uintptr_t)saved[2];
    md = cx->memory->base;
    ms = cx->memory->byte_count;
    ai = results[0];
    af = *(sw_f32 *)results;
    ad = *(sw_f64 *)results;
    av = *(sw_slot_v128 *)results;
    for (uint64_t i = 0; i < count; i++) frame[i] = results[i];
    SW_DISPATCH();
}

/// An indirect call whose target is no function of this instance; ai = the function.
SW_CONVENTION __attribute__((used, noinline)) static void sw_h_call_indirect_elsewhere(SW_PARAMETERS) {
    const sw_function *function = (const sw_function *)(uintptr_t)ai;
    uint64_t *frame = sp + SW_U16(10);
    if (function->context) {
        SW_CROSS_CALL(function, frame, 24)
    }
    SW_PUSH_FRAME(frame, function->header, 24)
    sp = frame;
    pc = function->code;
    SW_DISPATCH();
}
/// An indirect call of a function whose type is not the one named; a declared subtype will do. ai = the function.
SW_CONVENTION __attribute__((used, noinline)) static void sw_h_call_indirect_subtype(SW_PARAMETERS) {
    const sw_function *function = (const sw_function *)(uintptr_t)ai;
    if (!sw_is_subtype_number(function->definition, SW_U32(12))) SW_GO(trap_indirect_call_type);
    if (function->context != cx) SW_GO(call_indirect_elsewhere);
    uint64_t *frame = sp + SW_U16(10);
    SW_CHECK_STACK(frame, function)
    SW_PUSH_FRAME(frame, function->header, 24)
    sp = frame;
    pc = function->code;
    SW_DISPATCH();
}
// Element index slot at 8, frame at 10, type at 12, table at 16.
#define SW_CALL_INDIRECT(name, T, index)                                                                                 \
    SW_HANDLER(name) {                                                                                                \
        const sw_table *table = SW_POINTER(const sw_table, 16);                                                       \
        T element = (index);                                                                                   \
        if (SW_UNLIKELY(element >= table->count)) SW_GO(trap_undefined_element);                                      \
        const sw_function *function = (const sw_function *)(uintptr_t)table->elements[element];                       \
        if (SW_UNLIKELY(!function)) SW_GO(trap_uninitialized_element);                                                \
        if (SW_UNLIKELY(function->type != SW_U32(12))) {                                                              \
            ai = (uint64_t)(uintptr_t)function;                                                                       \
            SW_GO(call_indirect_subtype);                                                                             \
        }                                                                                                             \
        if (SW_UNLIKELY(function->context != cx)) {                                                                   \
            ai = (uint64_t)(uintptr_t)function;                                                                       \
            SW_GO(call_indirect_elsewhere);                                                                           \
        }                                                                                                             \
        uint64_t *frame = sp + SW_U16(10);                                                                            \
        SW_CHECK_STACK(frame, function)                                                                               \
        SW_PUSH_FRAME(frame, function->header, 24)                                                                    \
        sp = frame;                                                                                                   \
        pc = function->code;                                                                                          \
        SW_DISPATCH();                                                                                                \
    }
SW_CALL_INDIRECT(call_indirect_s, uint32_t, SW_SLOT_I32(SW_U16(8)))
SW_CALL_INDIRECT(call_indirect_a, uint32_t, SW_ACC_I32)
SW_CALL_INDIRECT(call_indirect_64, uint64_t, SW_SLOT_I64(SW_U16(8)))

// Returns: header at 8, source slot at 10. The result is left in its accumulator too.
#define SW_POP_FRAME()                                                                                                \
    uint64_t *frame = sp;                                                                                             \
    uint32_t header = SW_U16(8);                                                                                      \
    pc = (const uint8_t *)(uintptr_t)frame[header];                                                                   \
    sp = (uint64_t *)(uintptr_t)frame[header + 1];                                                                    \
    (void)frame;
SW_HANDLER(return0) {
    SW_POP_FRAME()
    SW_DISPATCH();
}
#define SW_RETURN(name, R, value, cell)                                                                               \
    SW_HANDLER(name) {                                                                                                \
        SW_KEEP_##R(value);                                                                                           \
        SW_POP_FRAME()                                                                                                \
        cell;                                                                                                         \
        SW_DISPATCH();                                                                                                \
    }
SW_RETURN(return_I_s, I64, SW_SLOT_I64(SW_U16(10)), frame[0] = ai)
SW_RETURN(return_I_a, I64, ai, frame[0] = ai)
SW_RETURN(return_F_s, F32, SW_SLOT_F32(SW_U16(10)), frame[0] = __builtin_bit_cast(uint32_t, af))
SW_RETURN(return_F_a, F32, af, frame[0] = __builtin_bit_cast(uint32_t, af))
SW_RETURN(return_D_s, F64, SW_SLOT_F64(SW_U16(10)), *(sw_f64 *)frame = ad)
SW_RETURN(return_D_a, F64, ad, *(sw_f64 *)frame = ad)
SW_RETURN(return_V_s, V128, SW_SLOT_V128(SW_U16(10)), *(sw_slot_v128 *)frame = av)
SW_RETURN(return_V_a, V128, av, *(sw_slot_v128 *)frame = av)
// Number of result slots at 12; they are moved down to slot 0.
SW_HANDLER(returnN) {
    uint32_t count = SW_U16(12);
    uint64_t *from = sp + SW_U16(10);
    SW_POP_FRAME()
    for (uint32_t i = 0; i < count; i++) frame[i] = from[i];
    ai = frame[0];
    af = *(sw_f32 *)frame;
    ad = *(sw_f64 *)frame;
    av = *(sw_slot_v128 *)frame;
    SW_DISPATCH();
}

SW_HANDLER(unreachable) { SW_GO(trap_unreachable); }

#define SW_FUNCTION_OF_ENTRY() ((sw_function *)(uintptr_t)(pc - offsetof(sw_function, entry)))

/// Code of a function that was never called.
SW_HANDLER(translate_entry) {
    sw_function *function = SW_FUNCTION_OF_ENTRY();
    uint32_t trap = sw_translate(function);
    if (SW_UNLIKELY(trap)) {
        cx->machine->trap_reason = trap;
        pc = (const uint8_t *)(uintptr_t)sp[function->header] - 8;
        sp = (uint64_t *)(uintptr_t)sp[function->header + 1];
        SW_GO(stop);
    }
    pc = function->code;
    SW_CHECK_STACK(sp, function)
    SW_DISPATCH();
}

/// Code of a host function. It runs with the caller's context, thus with the caller's memory.
SW_HANDLER(host_entry) {
    sw_function *function = SW_FUNCTION_OF_ENTRY();
    uint64_t *frame = sp;
    uint32_t header = function->header;
    uint32_t trap = sw_call_host(function, cx, frame);
    pc = (const uint8_t *)(uintptr_t)frame[header];
    sp = (uint64_t *)(uintptr_t)frame[header + 1];
    if (SW_UNLIKELY(trap)) {
        if (trap == sw_exception_thrown) SW_GO(host_throw);
        // A trap in the host is reported at the instruction that called it.
        cx->machine->trap_reason = trap;
        pc -= 8;
        SW_GO(stop);
    }
    md = cx->memory->base;
    ms = cx->memory->byte_count;
    ai = frame[0];
    af = *(sw_f32 *)frame;
    ad = *(sw_f64 *)frame;
    av = *(sw_slot_v128 *)frame;
    SW_DISPATCH();
}

/// Code of a function that was compiled. It runs on the native stack; a re-entrant call starts behind its frame.
SW_HANDLER(native_entry) {
    sw_function *function = SW_FUNCTION_OF_ENTRY();
    sw_machine *machine = cx->machine;
    uint64_t *frame = sp, *top = machine->stack_top;
    uint32_t header = function->header;
    machine->stack_top = frame + header + 2;
    uint32_t reason = sw_native_enter(function, cx, frame);
    machine->stack_top = top;
    pc = (const uint8_t *)(uintptr_t)frame[header];
    sp = (uint64_t *)(uintptr_t)frame[header + 1];
    if (SW_UNLIKELY(reason)) {
        if (reason == sw_exception_thrown) SW_GO(host_throw);
        machine->trap_reason = reason;
        pc -= 8;
        SW_GO(stop);
    }
    md = cx->memory->base;
    ms = cx->memory->byte_count;
    ai = frame[0];
    af = *(sw_f32 *)frame;
    ad = *(sw_f64 *)frame;
    av = *(sw_slot_v128 *)frame;
    SW_DISPATCH();
}

/// The code that a frame entered from the host returns to: back to `sw_run`.
SW_HANDLER(exit) {
    (void)pc, (void)sp, (void)md, (void)ms, (void)ai, (void)af, (void)ad, (void)av;
    cx->machine->trap_reason = 0;
}

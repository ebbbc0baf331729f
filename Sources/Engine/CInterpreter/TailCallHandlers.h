// SPDX-License-Identifier: Apache-2.0
// Swiftlet: handlers of tail calls: the callee takes the caller's frame, so a chain of any length has one frame.
#pragma once

#include "ControlHandlers.h"

static inline void sw_move_slots(uint64_t *to, const uint64_t *from, uint64_t count) {
    if (to <= from) {
#pragma clang loop vectorize(disable) unroll(disable)
        for (uint64_t i = 0; i < count; i++) to[i] = from[i];
    } else {
#pragma clang loop vectorize(disable) unroll(disable)
        for (uint64_t i = count; i > 0; i--) to[i - 1] = from[i - 1];
    }
}

// Header of this function at 8, arguments at 10. The return address is read before the arguments may overwrite it.
#define SW_TAIL_CALL(function)                                                                                        \
    SW_CHECK_STACK(sp, function)                                                                                      \
    uint64_t return_pc = sp[SW_U16(8)], caller = sp[SW_U16(8) + 1];                                                   \
    sw_move_slots(sp, sp + SW_U16(10), (function)->parameter_slots);                                                  \
    sp[(function)->header] = return_pc;                                                                               \
    sp[(function)->header + 1] = caller;                                                                              \
    pc = (function)->code;                                                                                            \
    SW_DISPATCH();

// Function at 16: of this instance or of the host.
SW_HANDLER(return_call) {
    const sw_function *function = SW_POINTER(const sw_function, 16);
    SW_TAIL_CALL(function)
}

/// A tail call whose target may be in another instance; ai = the function.
///
/// A function that was called from another instance has the record of that call before its frame; it serves the new
/// callee as well. Otherwise the first such call makes the record, where the frame was, and later ones find it.
SW_CONVENTION __attribute__((used, noinline)) static void sw_h_return_call_elsewhere(SW_PARAMETERS) {
    const sw_function *function = (const sw_function *)(uintptr_t)ai;
    if (!function->context) {
        SW_TAIL_CALL(function)
    }
    const uint64_t *arguments = sp + SW_U16(10);
    uint64_t return_pc = sp[SW_U16(8)], caller = sp[SW_U16(8) + 1];
    uint32_t header = function->header;
    if (return_pc != (uint64_t)(uintptr_t)cx->machine->cross_return_code) {
        uint64_t *saved = sp + header, *inner = saved + SW_CROSS_SLOTS;
        if (SW_UNLIKELY(inner + header + 2 > cx->machine->stack_limit)) SW_GO(trap_stack);
        SW_CHECK_STACK(inner, function)
        sw_move_slots(inner, arguments, function->parameter_slots);
        saved[0] = return_pc;
        saved[1] = caller;
        saved[2] = (uint64_t)(uintptr_t)cx;
        saved[3] = header;
        saved[4] = function->result_slots;
        return_pc = (uint64_t)(uintptr_t)cx->machine->cross_return_code;
        caller = (uint64_t)(uintptr_t)saved;
        sp = inner;
    } else {
        SW_CHECK_STACK(sp, function)
        sw_move_slots(sp, arguments, function->parameter_slots);
    }
    sp[header] = return_pc;
    sp[header + 1] = caller;
    cx = function->context;
    md = cx->memory->base;
    ms = cx->memory->byte_count;
    pc = function->code;
    SW_DISPATCH();
}
SW_HANDLER(return_call_cross) {
    ai = SW_U64(16);
    SW_GO(return_call_elsewhere);
}

// Type at 12, table at 16, element index slot at 24.
SW_HANDLER(return_call_indirect) {
    const sw_table *table = SW_POINTER(const sw_table, 16);
    uint64_t element = SW_SLOT_I64(SW_U16(24));
    if (SW_UNLIKELY(element >= table->count)) SW_GO(trap_undefined_element);
    const sw_function *function = (const sw_function *)(uintptr_t)table->elements[element];
    if (SW_UNLIKELY(!function)) SW_GO(trap_uninitialized_element);
    if (SW_UNLIKELY(function->type != SW_U32(12) && !sw_is_subtype_number(function->definition, SW_U32(12))))
        SW_GO(trap_indirect_call_type);
    if (SW_UNLIKELY(function->context != cx)) {
        ai = (uint64_t)(uintptr_t)function;
        SW_GO(return_call_elsewhere);
    }
    SW_TAIL_CALL(function)
}

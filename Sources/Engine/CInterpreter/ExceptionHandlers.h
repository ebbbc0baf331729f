// SPDX-License-Identifier: Apache-2.0
// Swiftlet: handlers of exceptions. Who catches is searched in tables when something is thrown; see
// WasmRuntime/Exceptions.
#pragma once

#include "Registers.h"

#define SW_LAND_OR_STOP(trap)                                                                                         \
    if (SW_UNLIKELY(trap)) {                                                                                          \
        cx->machine->trap_reason = trap;                                                                              \
        SW_GO(stop);                                                                                                  \
    }                                                                                                                 \
    SW_GO(land);

SW_CONVENTION __attribute__((used, noinline)) static void sw_h_land(SW_PARAMETERS) {
    const sw_machine *machine = cx->machine;
    pc = machine->landing_pc;
    sp = machine->landing_sp;
    cx = machine->landing_context;
    md = cx->memory->base;
    ms = cx->memory->byte_count;
    SW_DISPATCH();
}

// First value slot at 8, tag at 16.
SW_HANDLER(throw) {
    uint32_t trap = sw_throw(cx, sp, pc);
    SW_LAND_OR_STOP(trap)
}
// Slot of the exception at 8.
SW_HANDLER(throw_ref) {
    uint32_t trap = sw_throw_reference(cx, sp, pc);
    SW_LAND_OR_STOP(trap)
}

/// A host function threw; pc and sp are those of its caller already.
SW_COLD_HANDLER(host_throw) {
    uint32_t trap = sw_throw_from_host(cx, sp, pc);
    if (trap) pc -= 8;
    SW_LAND_OR_STOP(trap)
}

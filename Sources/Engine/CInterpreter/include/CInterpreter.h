// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the interpreter's C part as Swift sees it.
#pragma once

#include "HandlerNumbers.h"
#include "Machine.h"
#include "Native.h"
#include "Profile.h"

/// The address of handler `number` (0 ..< SW_handler_count), the first word of its instructions.
uint64_t sw_handler_address(int32_t number);

/// Chooses between the handlers for the newest processors that this one is among, and those for every processor; the
/// first is what happens without a call. For tests; code that was translated before stays as it is. True when the
/// handlers for AVX2 (x86-64-v3) were chosen.
bool sw_select_handlers(bool newest);

/// The first handler of the vector instruction with that number behind the prefix 0xFD; 0 where the list of its shape
/// has none (`v128.const`, `v128.store`, `i8x16.shuffle`). See `VectorInstructions.h` for what follows it.
int32_t sw_vector_handler(uint32_t index);

/// Runs a function whose arguments stand at `frame`; its results stand there afterwards. How the run ended is in
/// `context->machine->trap_reason`.
void sw_run(sw_function *function, sw_context *context, uint64_t *frame);

/// memmove, in chunks between which an interrupt ends it; 0, or the reason of a trap.
uint32_t sw_copy_bytes(const sw_machine *machine, uint8_t *to, const uint8_t *from, uint64_t count);

/// memory.atomic.notify (0), wait32 (1) and wait64 (2) at a checked address; 0, or the reason of a trap.
uint32_t sw_wait_operation(
    sw_context *context, const sw_memory *memory, uint32_t number, uint64_t at, uint64_t value, int64_t timeout,
    uint64_t *result);

// What the handlers leave to Swift (WasmRuntime/Interpreter/SlowPaths.swift).

/// Translates a function at its first call; 0, or the reason of a trap.
uint32_t sw_translate(sw_function *function);
/// Calls the host with the arguments at `frame`, writes the results there; 0, or the reason of a trap.
uint32_t sw_call_host(sw_function *function, sw_context *caller, uint64_t *frame);
/// Executes a table, bulk memory or memory.grow instruction; 0, or the reason of a trap.
uint32_t sw_slow_operation(sw_context *context, uint64_t *frame, const uint8_t *instruction);

/// Makes an object of `length` elements (0 for a structure); values in use on the value stack end before `top`. Its
/// contents are undefined. Null when the memory limit is reached.
sw_object *sw_allocate(sw_context *context, const sw_type *type, uint32_t length, uint64_t *top);
/// Executes a rare instruction on references; 0, or the reason of a trap.
uint32_t sw_reference_operation(sw_context *context, uint64_t *frame, const uint8_t *instruction);
/// Throws a new exception for `throw`, an existing one for `throw_ref`: 0 when it is caught, which the machine's
/// `landing` tells, or the reason of a trap.
uint32_t sw_throw(sw_context *context, uint64_t *frame, const uint8_t *instruction);
uint32_t sw_throw_reference(sw_context *context, uint64_t *frame, const uint8_t *instruction);
/// The same for the machine's `exception`, which a host function throws to the call that returns to `return_pc`.
uint32_t sw_throw_from_host(sw_context *context, uint64_t *frame, const uint8_t *return_pc);

/// Makes the running guest trap with "interrupted" at its next call or loop iteration. Async-signal-safe.
void sw_interrupt(sw_machine *machine);

/// A file in memory, close-on-exec (memfd_create(2)); -1 with errno.
int sw_memory_file(const char *name);

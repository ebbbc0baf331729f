// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the machine state that interpreted code, native code and the host share.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "Heap.h"

typedef struct sw_context sw_context;
typedef struct sw_native_calls sw_native_calls;

/// A frame of native or interpreted code that a trap has left.
typedef struct sw_frame_place {
    /// Of native code: the instruction. Of interpreted code: the function.
    const void *place;
    /// Of interpreted code: offset in its code. UINT64_MAX = native.
    uint64_t offset;
} sw_frame_place;

enum { sw_kept_frames = 32 };

/// Addresses of native code.
typedef struct sw_native_text {
    const uint8_t *start;
    uint64_t byte_count;
} sw_native_text;

/// The native side of a machine (Native.h).
typedef struct sw_native_state {
    /// Where the innermost entry into native code has saved its registers.
    void *exit_stack;
    /// 1 while the thread runs on `stack_top`'s stack.
    uint64_t is_inside;
    /// Where that stack begins, and the lowest address that code may use of it.
    uint8_t *stack_top;
    uint8_t *stack_end;
    uint8_t *stack_base;
    uint64_t stack_byte_count;
    /// Frames of the run that ended last, innermost first: those that are no longer there for a backtrace.
    uint32_t kept_count;
    uint32_t text_count;
    sw_frame_place kept[sw_kept_frames];
    /// `text_count` of them.
    sw_native_text *texts;
} sw_native_state;

/// One guest thread: its value stack, and how its current run ended.
typedef struct sw_machine {
    /// A frame may not end above this address. An interrupt sets it to null, so that the next call or loop
    /// iteration takes the slow path; written by signal handlers, hence volatile.
    uint64_t *volatile stack_limit;
    /// 1 after an interrupt was requested.
    volatile uint32_t is_interrupted;
    /// `TrapReason` of the run that just ended, 0 = it returned; `sw_exit_requested` = `proc_exit`.
    uint32_t trap_reason;
    uint32_t exit_status;
    /// Where the run ended.
    const uint8_t *trap_pc;
    uint64_t *trap_sp;
    sw_context *trap_context;
    /// The store's heap, without memory until the first object.
    sw_heap *heap;
    /// The first free slot, valid while a host function runs; a re-entrant call starts here.
    uint64_t *stack_top;
    /// Where the guest goes on after a throw that is caught.
    const uint8_t *landing_pc;
    uint64_t *landing_sp;
    sw_context *landing_context;
    /// The exception that the host throws, or that nobody has caught: a reference.
    uint64_t exception;
    /// What code translated with `StoreLimits.fuel` may still use up.
    uint64_t fuel;
    /// The two-word code that a frame entered from the host returns to.
    uint8_t exit_code[8];
    /// The code that a frame entered from another instance returns to.
    uint8_t cross_return_code[8];
    /// Null while no native code was loaded.
    sw_native_state *native;
} sw_machine;

enum { sw_exit_requested = 255, sw_exception_thrown = 254 };

/// A linear memory (core specification §4.2.8). The base never moves.
typedef struct sw_memory {
    uint8_t *base;
    uint64_t byte_count;
    /// The most it may grow to: the smaller of the type's maximum and the store's limit, in pages.
    uint64_t page_limit;
    /// The maximum of the type in pages, or UINT64_MAX.
    uint64_t page_maximum;
    uint64_t reserved_byte_count;
    /// Addressed with 64 bits (memory64).
    bool is_64;
    /// Several threads may have it: its size may rise at any time.
    bool is_shared;
} sw_memory;

/// A table (core specification §4.2.7). A null reference is 0.
typedef struct sw_table {
    uint64_t *elements;
    uint32_t count;
    uint32_t limit;
    uint64_t maximum;
    /// `ValueType` of the elements, with the store's type numbers.
    uint32_t element_type;
    /// Addressed with 64 bits (memory64).
    bool is_64;
} sw_table;

typedef struct sw_function {
    /// What a call jumps to: the translated code, or `entry` below.
    const uint8_t *code;
    /// Null for a host function.
    sw_context *context;
    /// One handler address: "translate me" or "call the host".
    uint8_t entry[8];
    /// Its type, one object per type and store.
    const sw_type *definition;
    /// Its native code, or null: then calls go through `code`.
    const void *native;
    /// The store's number for the function type.
    uint32_t type;
    /// Function index in the module, or index into the store's host functions.
    uint32_t index;
    /// A value takes one slot, a vector two.
    uint16_t parameter_slots;
    uint16_t result_slots;
    /// Slot of the return address in the frame: max(parameter_slots, result_slots).
    uint16_t header;
    /// Number of its catch clauses' table in the store; 0 = it has none.
    uint32_t catch_table;
    /// Slots of the whole frame; 0 before translation and for the host.
    uint32_t frame_slots;
} sw_function;

/// A tag (core specification 3.0 §4.2.11). Its address is its identity.
typedef struct sw_tag {
    /// The store's number for the function type.
    uint32_t type;
    /// What exceptions with this tag are made of, after the first was thrown.
    const sw_type *record;
} sw_tag;

/// The part of an instance that handlers and native code read. The rest lives in Swift.
struct sw_context {
    sw_machine *machine;
    /// Memory 0, or the store's empty memory.
    sw_memory *memory;
    /// Unmanaged<Instance>.
    const void *owner;
    /// What native code calls.
    const sw_native_calls *calls;
    /// Of memory 0, which never moves.
    uint8_t *memory_base;
    /// The functions defined in the module, one after the other.
    sw_function *functions;
    // Words whose places `ContextLayout` knows follow: globals, and pointers to what is imported or shared.
};

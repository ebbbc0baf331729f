// SPDX-License-Identifier: Apache-2.0
// Swiftlet: handlers of memory.fill and memory.copy, which stand for the memset and memcpy of compiled programs.
#pragma once

#include "Registers.h"

#include <string.h>

/// LIMIT: bytes written between two looks at the interrupt flag; a few milliseconds when every page is new.
enum { SW_BULK_CHUNK = 8 << 20 };
enum { SW_OUT_OF_BOUNDS_MEMORY = 5, SW_INTERRUPTED = 11 };

static inline bool sw_is_inside(const sw_memory *memory, uint64_t at, uint64_t count) {
    return count <= memory->byte_count && at <= memory->byte_count - count;
}

// Swift calls it too, hence one symbol for all levels of the processor.
#if !SW_HAS_AVX2
uint32_t sw_copy_bytes(const sw_machine *machine, uint8_t *to, const uint8_t *from, uint64_t count) {
    // Whole chunks are moved in the order in which single bytes would have to be.
    bool is_upwards = to <= from;
    for (uint64_t done = 0; done < count;) {
        if (SW_UNLIKELY(machine->is_interrupted)) return SW_INTERRUPTED;
        uint64_t length = count - done < SW_BULK_CHUNK ? count - done : SW_BULK_CHUNK;
        uint64_t offset = is_upwards ? done : count - done - length;
        memmove(to + offset, from + offset, length);
        done += length;
    }
    return 0;
}
#endif

__attribute__((noinline)) static uint32_t sw_fill(
    const sw_machine *machine, const sw_memory *memory, uint64_t at, uint8_t value, uint64_t count) {
    if (!sw_is_inside(memory, at, count)) return SW_OUT_OF_BOUNDS_MEMORY;
    for (uint64_t done = 0; done < count;) {
        if (SW_UNLIKELY(machine->is_interrupted)) return SW_INTERRUPTED;
        uint64_t length = count - done < SW_BULK_CHUNK ? count - done : SW_BULK_CHUNK;
        memset(memory->base + at + done, value, length);
        done += length;
    }
    return 0;
}

__attribute__((noinline)) static uint32_t sw_copy(
    const sw_machine *machine, const sw_memory *target, uint64_t to, const sw_memory *source, uint64_t from,
    uint64_t count) {
    if (!sw_is_inside(target, to, count) || !sw_is_inside(source, from, count)) return SW_OUT_OF_BOUNDS_MEMORY;
    return sw_copy_bytes(machine, target->base + to, source->base + from, count);
}

#define SW_FINISH_BULK(length)                                                                                        \
    if (SW_UNLIKELY(trap)) {                                                                                          \
        cx->machine->trap_reason = trap;                                                                              \
        SW_GO(stop);                                                                                                  \
    }                                                                                                                 \
    SW_NEXT(length);

// Slots of address, value and count at 8, 10, 12; the memory at 16.
SW_HANDLER(memory_fill) {
    uint32_t trap = sw_fill(
        cx->machine, SW_POINTER(const sw_memory, 16), sp[SW_U16(8)], (uint8_t)sp[SW_U16(10)], sp[SW_U16(12)]);
    SW_FINISH_BULK(24)
}

// Slots of target, source and count at 8, 10, 12; target memory at 16, source memory at 24.
SW_HANDLER(memory_copy) {
    uint32_t trap = sw_copy(
        cx->machine, SW_POINTER(const sw_memory, 16), sp[SW_U16(8)], SW_POINTER(const sw_memory, 24), sp[SW_U16(10)],
        sp[SW_U16(12)]);
    SW_FINISH_BULK(32)
}

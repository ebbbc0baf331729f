// SPDX-License-Identifier: Apache-2.0
// Swiftlet: atomic instructions of the threads proposal, sequentially consistent.
#pragma once

#include "Registers.h"

enum { SW_UNALIGNED_ATOMIC = 30 };

// Operations by (number behind 0xFE - 0x1E) / 7.
#define SW_UPDATE(M)                                                                                                  \
    static inline uint64_t sw_update_##M(M *place, uint32_t operation, M value, M replacement) {                      \
        switch (operation) {                                                                                          \
        case 0: return __atomic_fetch_add(place, value, __ATOMIC_SEQ_CST);                                            \
        case 1: return __atomic_fetch_sub(place, value, __ATOMIC_SEQ_CST);                                            \
        case 2: return __atomic_fetch_and(place, value, __ATOMIC_SEQ_CST);                                            \
        case 3: return __atomic_fetch_or(place, value, __ATOMIC_SEQ_CST);                                             \
        case 4: return __atomic_fetch_xor(place, value, __ATOMIC_SEQ_CST);                                            \
        case 5: return __atomic_exchange_n(place, value, __ATOMIC_SEQ_CST);                                           \
        default:                                                                                                      \
            __atomic_compare_exchange_n(place, &value, replacement, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);       \
            return value;                                                                                             \
        }                                                                                                             \
    }
SW_UPDATE(uint8_t)
SW_UPDATE(uint16_t)
SW_UPDATE(uint32_t)
SW_UPDATE(uint64_t)

/// Whether the value that a compare-exchange expects fits the place at all; where not, nothing is exchanged.
static inline bool sw_fits(uint64_t value, uint32_t width_log2) {
    return width_log2 == 3 || value >> (8u << width_log2) == 0;
}

static inline uint64_t sw_atomic_load(const void *place, uint32_t width_log2) {
    switch (width_log2) {
    case 0: return __atomic_load_n((const uint8_t *)place, __ATOMIC_SEQ_CST);
    case 1: return __atomic_load_n((const uint16_t *)place, __ATOMIC_SEQ_CST);
    case 2: return __atomic_load_n((const uint32_t *)place, __ATOMIC_SEQ_CST);
    default: return __atomic_load_n((const uint64_t *)place, __ATOMIC_SEQ_CST);
    }
}

static inline void sw_atomic_store(void *place, uint32_t width_log2, uint64_t value) {
    switch (width_log2) {
    case 0: __atomic_store_n((uint8_t *)place, (uint8_t)value, __ATOMIC_SEQ_CST); break;
    case 1: __atomic_store_n((uint16_t *)place, (uint16_t)value, __ATOMIC_SEQ_CST); break;
    case 2: __atomic_store_n((uint32_t *)place, (uint32_t)value, __ATOMIC_SEQ_CST); break;
    default: __atomic_store_n((uint64_t *)place, value, __ATOMIC_SEQ_CST); break;
    }
}

static inline uint64_t sw_atomic_update(
    void *place, uint32_t width_log2, uint32_t operation, uint64_t value, uint64_t replacement) {
    if (operation == 6 && !sw_fits(value, width_log2)) return sw_atomic_load(place, width_log2);
    switch (width_log2) {
    case 0: return sw_update_uint8_t(place, operation, (uint8_t)value, (uint8_t)replacement);
    case 1: return sw_update_uint16_t(place, operation, (uint16_t)value, (uint16_t)replacement);
    case 2: return sw_update_uint32_t(place, operation, (uint32_t)value, (uint32_t)replacement);
    default: return sw_update_uint64_t(place, operation, value, replacement);
    }
}

// Number behind 0xFE at 8; slots of up to three operands at 10, 12, 14; memory at 16; offset at 24; result slot at 32;
// binary logarithm of the width at 34.
__attribute__((noinline)) static uint32_t sw_atomic(sw_context *cx, uint64_t *sp, const uint8_t *pc) {
    uint32_t number = SW_U16(8);
    uint32_t width_log2 = SW_U16(34);
    const sw_memory *memory = SW_POINTER(const sw_memory, 16);
    uint64_t address = sp[SW_U16(10)];
    uint64_t at;
    if (__builtin_add_overflow(address, SW_U64(24), &at)) return 5;
    if (at & ((1u << width_log2) - 1)) return SW_UNALIGNED_ATOMIC;
    // Another thread may have grown the memory; its size only ever rises.
    uint64_t byte_count = __atomic_load_n(&memory->byte_count, __ATOMIC_ACQUIRE);
    if (byte_count < (1u << width_log2) || at > byte_count - (1u << width_log2)) return 5;
    void *place = memory->base + at;
    if (number < 4) {
        uint64_t result = 0;
        uint32_t trap = sw_wait_operation(cx, memory, number, at, sp[SW_U16(12)], (int64_t)sp[SW_U16(14)], &result);
        sp[SW_U16(32)] = result;
        return trap;
    }
    if (number < 0x17) {
        sp[SW_U16(32)] = sw_atomic_load(place, width_log2);
    } else if (number < 0x1E) {
        sw_atomic_store(place, width_log2, sp[SW_U16(12)]);
    } else {
        uint64_t value = sp[SW_U16(12)], replacement = sp[SW_U16(14)];
        sp[SW_U16(32)] = sw_atomic_update(place, width_log2, (number - 0x1E) / 7, value, replacement);
    }
    return 0;
}

SW_HANDLER(atomic) {
    uint32_t trap = sw_atomic(cx, sp, pc);
    if (SW_UNLIKELY(trap)) {
        cx->machine->trap_reason = trap;
        SW_GO(stop);
    }
    SW_NEXT(40);
}

SW_HANDLER(atomic_fence) {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    SW_NEXT(16);
}

// SPDX-License-Identifier: Apache-2.0
// Swiftlet: handlers of accesses to memory 0 with 64-bit addresses, and to any memory by its place.
#pragma once

#include "MemoryHandlers.h"

// Memory 0: an address inside plus a 32-bit offset does not wrap.
#define SW_CHECK_64(address, byte_count)                                                                              \
    uint64_t from = (address), at = from + SW_U32(12);                                                                \
    if (SW_UNLIKELY(from > ms || at + (byte_count) > ms)) SW_GO(trap_out_of_bounds_memory)

// Result slot at 8, address slot at 10, offset at 12.
#define SW_LOAD_64(name, M, R, suffix, address, to)                                                                   \
    SW_HANDLER(name##_64_##suffix) {                                                                                  \
        M value;                                                                                                      \
        SW_CHECK_64(address, sizeof(M));                                                                              \
        __builtin_memcpy(&value, md + at, sizeof(M));                                                                 \
        SW_KEEP_##R((SW_C_##R)value);                                                                                 \
        SW_FINISH_##to(R)                                                                                             \
    }
#define SW_DEFINE_LOAD_64(name, M, R)                                                                                 \
    SW_LOAD_64(name, M, R, s, SW_SLOT_I64(SW_U16(10)), slot)                                                          \
    SW_LOAD_64(name, M, R, s_a, SW_SLOT_I64(SW_U16(10)), acc)                                                         \
    SW_LOAD_64(name, M, R, a, SW_ACC_I64, slot)                                                                       \
    SW_LOAD_64(name, M, R, a_a, SW_ACC_I64, acc)
SW_LOADS(SW_DEFINE_LOAD_64)

// Address slot at 8, value slot at 10, offset at 12.
#define SW_STORE_64(name, M, suffix, operand)                                                                         \
    SW_HANDLER(name##_64_##suffix) {                                                                                  \
        SW_CHECK_64(SW_SLOT_I64(SW_U16(8)), sizeof(M));                                                               \
        M value = (M)(operand);                                                                                       \
        __builtin_memcpy(md + at, &value, sizeof(M));                                                                 \
        SW_NEXT(16);                                                                                                  \
    }
#define SW_DEFINE_STORE_64(name, M, T)                                                                                \
    SW_STORE_64(name, M, s, SW_SLOT_##T(SW_U16(10)))                                                                  \
    SW_STORE_64(name, M, a, SW_ACC_##T)
SW_STORES(SW_DEFINE_STORE_64, SW_DEFINE_STORE_64)

// Any memory: its place at 16, a 64-bit offset at 24. A 32-bit address is zero-extended in its slot.
#define SW_CHECK_ANY(address, width)                                                                                  \
    const sw_memory *memory = SW_POINTER(const sw_memory, 16);                                                        \
    uint64_t at, size = memory->byte_count;                                                                           \
    if (SW_UNLIKELY(__builtin_add_overflow((address), SW_U64(24), &at) || at > size || size - at < (width)))          \
        SW_GO(trap_out_of_bounds_memory)

// Result slot at 8, address slot at 10.
#define SW_DEFINE_LOAD_ANY(name, M, R)                                                                                \
    SW_HANDLER(name##_any) {                                                                                          \
        M value;                                                                                                      \
        SW_CHECK_ANY(SW_SLOT_I64(SW_U16(10)), sizeof(M));                                                             \
        __builtin_memcpy(&value, memory->base + at, sizeof(M));                                                       \
        SW_KEEP_##R((SW_C_##R)value);                                                                                 \
        SW_WRITE_##R(SW_U16(8));                                                                                      \
        SW_NEXT(32);                                                                                                  \
    }                                                                                                                 \
    SW_HANDLER(name##_any_a) {                                                                                        \
        M value;                                                                                                      \
        SW_CHECK_ANY(SW_SLOT_I64(SW_U16(10)), sizeof(M));                                                             \
        __builtin_memcpy(&value, memory->base + at, sizeof(M));                                                       \
        SW_KEEP_##R((SW_C_##R)value);                                                                                 \
        SW_NEXT(32);                                                                                                  \
    }
SW_LOADS(SW_DEFINE_LOAD_ANY)

// Address slot at 8, value slot at 10.
#define SW_DEFINE_STORE_ANY(name, M)                                                                                  \
    SW_HANDLER(name##_any) {                                                                                          \
        SW_CHECK_ANY(SW_SLOT_I64(SW_U16(8)), sizeof(M));                                                              \
        M value = (M)sp[SW_U16(10)];                                                                                  \
        __builtin_memcpy(memory->base + at, &value, sizeof(M));                                                       \
        SW_NEXT(32);                                                                                                  \
    }
SW_DEFINE_STORE_ANY(store8, uint8_t)
SW_DEFINE_STORE_ANY(store16, uint16_t)
SW_DEFINE_STORE_ANY(store32, uint32_t)
SW_DEFINE_STORE_ANY(store64, uint64_t)

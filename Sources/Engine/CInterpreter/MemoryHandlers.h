// SPDX-License-Identifier: Apache-2.0
// Swiftlet: handlers of loads, stores and globals.
#pragma once

#include "Registers.h"

// Loads: result slot at 8, address slot at 10, offset at 12. The sum of two 32-bit numbers does not wrap in 64 bits.
#define SW_CHECK(address, byte_count)                                                                                 \
    uint64_t at = (uint64_t)(address) + SW_U32(12);                                                                   \
    if (SW_UNLIKELY(at + (byte_count) > ms)) SW_GO(trap_out_of_bounds_memory)

#define SW_LOAD(name, M, R, suffix, address, to)                                                                      \
    SW_HANDLER(name##_##suffix) {                                                                                     \
        M value;                                                                                                      \
        SW_CHECK(address, sizeof(M));                                                                                 \
        __builtin_memcpy(&value, md + at, sizeof(M));                                                                 \
        SW_KEEP_##R((SW_C_##R)value);                                                                                 \
        SW_FINISH_##to(R)                                                                                             \
    }
#define SW_DEFINE_LOAD(name, M, R)                                                                                    \
    SW_LOAD(name, M, R, s, SW_SLOT_I32(SW_U16(10)), slot)                                                             \
    SW_LOAD(name, M, R, s_a, SW_SLOT_I32(SW_U16(10)), acc)                                                            \
    SW_LOAD(name, M, R, a, SW_ACC_I32, slot)                                                                          \
    SW_LOAD(name, M, R, a_a, SW_ACC_I32, acc)
SW_LOADS(SW_DEFINE_LOAD)

// Loads whose address is a sum: result slot at 8, summands at 10 and 12, 16-bit offset at 14.
#define SW_SUM_LOAD(name, M, R, suffix, left, to)                                                                     \
    SW_HANDLER(name##_sum_##suffix) {                                                                                 \
        M value;                                                                                                      \
        uint64_t at = (uint64_t)(uint32_t)((left) + SW_SLOT_I32(SW_U16(12))) + SW_U16(14);                            \
        if (SW_UNLIKELY(at + sizeof(M) > ms)) SW_GO(trap_out_of_bounds_memory);                                       \
        __builtin_memcpy(&value, md + at, sizeof(M));                                                                 \
        SW_KEEP_##R((SW_C_##R)value);                                                                                 \
        SW_FINISH_##to(R)                                                                                             \
    }
#define SW_DEFINE_SUM_LOAD(name, M, R)                                                                                \
    SW_SUM_LOAD(name, M, R, s, SW_SLOT_I32(SW_U16(10)), slot)                                                         \
    SW_SUM_LOAD(name, M, R, s_a, SW_SLOT_I32(SW_U16(10)), acc)                                                        \
    SW_SUM_LOAD(name, M, R, a, SW_ACC_I32, slot)                                                                      \
    SW_SUM_LOAD(name, M, R, a_a, SW_ACC_I32, acc)
SW_LOADS(SW_DEFINE_SUM_LOAD)

// Stores: address slot at 8, value slot or 16-bit immediate at 10, offset at 12.
#define SW_STORE(name, M, suffix, address, operand)                                                                   \
    SW_HANDLER(name##_##suffix) {                                                                                     \
        SW_CHECK(address, sizeof(M));                                                                                 \
        M value = (M)(operand);                                                                                       \
        __builtin_memcpy(md + at, &value, sizeof(M));                                                                 \
        SW_NEXT(16);                                                                                                  \
    }
#define SW_STORE3(name, M, T)                                                                                         \
    SW_STORE(name, M, ss, SW_SLOT_I32(SW_U16(8)), SW_SLOT_##T(SW_U16(10)))                                            \
    SW_STORE(name, M, as, SW_ACC_I32, SW_SLOT_##T(SW_U16(10)))                                                        \
    SW_STORE(name, M, sa, SW_SLOT_I32(SW_U16(8)), SW_ACC_##T)
#define SW_DEFINE_INT_STORE(name, M, T)                                                                               \
    SW_STORE3(name, M, T)                                                                                             \
    SW_STORE(name, M, si, SW_SLOT_I32(SW_U16(8)), SW_IMMEDIATE_##T(SW_S16(10)))                                       \
    SW_STORE(name, M, ai, SW_ACC_I32, SW_IMMEDIATE_##T(SW_S16(10)))
#define SW_DEFINE_FLOAT_STORE(name, M, T)                                                                             \
    SW_STORE3(name, M, T)                                                                                             \
    SW_STORE(name, M, aa, SW_ACC_I32, SW_ACC_##T)
SW_STORES(SW_DEFINE_INT_STORE, SW_DEFINE_FLOAT_STORE)

// Globals: slot at 8, the global's address at 16.
#define SW_DEFINE_GLOBAL(class, R)                                                                                    \
    SW_HANDLER(global_get_##class) {                                                                                  \
        SW_KEEP_##R(*SW_POINTER(SW_G_##R, 16));                                                                       \
        SW_WRITE_##R(SW_U16(8));                                                                                      \
        SW_NEXT(24);                                                                                                  \
    }                                                                                                                 \
    SW_HANDLER(global_get_##class##_a) {                                                                              \
        SW_KEEP_##R(*SW_POINTER(SW_G_##R, 16));                                                                       \
        SW_NEXT(24);                                                                                                  \
    }                                                                                                                 \
    SW_HANDLER(global_set_##class) {                                                                                  \
        *SW_POINTER(SW_G_##R, 16) = *(const SW_G_##R *)&sp[SW_U16(8)];                                                \
        SW_NEXT(24);                                                                                                  \
    }
#define SW_G_I64 sw_u64
#define SW_G_F32 sw_f32
#define SW_G_V128 sw_slot_v128
#define SW_G_F64 sw_f64
SW_DEFINE_GLOBAL(I, I64)
SW_DEFINE_GLOBAL(F, F32)
SW_DEFINE_GLOBAL(D, F64)
SW_DEFINE_GLOBAL(V, V128)
SW_HANDLER(global_set_I_a) {
    *SW_POINTER(uint64_t, 16) = ai;
    SW_NEXT(24);
}
SW_HANDLER(global_set_F_a) {
    *SW_POINTER(uint64_t, 16) = __builtin_bit_cast(uint32_t, af);
    SW_NEXT(24);
}
SW_HANDLER(global_set_D_a) {
    *SW_POINTER(uint64_t, 16) = __builtin_bit_cast(uint64_t, ad);
    SW_NEXT(24);
}
SW_HANDLER(global_set_V_a) {
    *SW_POINTER(sw_slot_v128, 16) = av;
    SW_NEXT(24);
}

// The size is read anew: another thread may have grown the memory.
SW_HANDLER(memory_size) {
    ms = cx->memory->byte_count;
    ai = ms >> 16;
    sp[SW_U16(8)] = ai;
    SW_NEXT(16);
}
SW_HANDLER(memory_size_a) {
    ms = cx->memory->byte_count;
    ai = ms >> 16;
    SW_NEXT(16);
}

/// Everything rare goes through one Swift function; memory 0 may have grown after it.
SW_HANDLER(slow) {
    uint32_t trap = sw_slow_operation(cx, sp, pc);
    if (SW_UNLIKELY(trap)) {
        cx->machine->trap_reason = trap;
        SW_GO(stop);
    }
    md = cx->memory->base;
    ms = cx->memory->byte_count;
    SW_NEXT(32);
}

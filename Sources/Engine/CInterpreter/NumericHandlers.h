// SPDX-License-Identifier: Apache-2.0
// Swiftlet: handlers of numeric instructions, selections and moves.
#pragma once

#include "Semantics.h"

// Operands of a binary instruction: result slot at 8, left slot at 10, right slot or 32-bit immediate at 12.
#define SW_BINARY(name, R, suffix, left, right, to)                                                                   \
    SW_HANDLER(name##_##suffix) {                                                                                     \
        SW_C_##R result;                                                                                              \
        result = sw_##name(left, right);                                                     \
        SW_KEEP_##R(result);                                                                                          \
        SW_FINISH_##to(R)                                                                                             \
    }
#define SW_TRAPPING_BINARY(name, R, suffix, left, right, to)                                                          \
    SW_HANDLER(name##_##suffix) {                                                                                     \
        SW_C_##R a = left, b = right, result;                                                                         \
        uint32_t trap;                                                                                                \
        trap = sw_##name##_trap(a, b);                                                       \
        if (SW_UNLIKELY(trap)) {                                                                                      \
            cx->machine->trap_reason = trap;                                                                          \
            SW_GO(stop);                                                                                              \
        }                                                                                                             \
        result = sw_##name(a, b);                                                            \
        SW_KEEP_##R(result);                                                                                          \
        SW_FINISH_##to(R)                                                                                             \
    }

#define SW_FORMS3(M, name, T, R)                                                                                      \
    M(name, R, ss, SW_SLOT_##T(SW_U16(10)), SW_SLOT_##T(SW_U16(12)), slot)                                            \
    M(name, R, ss_a, SW_SLOT_##T(SW_U16(10)), SW_SLOT_##T(SW_U16(12)), acc)                                           \
    M(name, R, as, SW_ACC_##T, SW_SLOT_##T(SW_U16(12)), slot)                                                         \
    M(name, R, as_a, SW_ACC_##T, SW_SLOT_##T(SW_U16(12)), acc)                                                        \
    M(name, R, sa, SW_SLOT_##T(SW_U16(10)), SW_ACC_##T, slot)                                                         \
    M(name, R, sa_a, SW_SLOT_##T(SW_U16(10)), SW_ACC_##T, acc)
#define SW_FORMS5(M, name, T, R)                                                                                      \
    SW_FORMS3(M, name, T, R)                                                                                          \
    M(name, R, si, SW_SLOT_##T(SW_U16(10)), SW_IMMEDIATE_##T(SW_S32(12)), slot)                                       \
    M(name, R, si_a, SW_SLOT_##T(SW_U16(10)), SW_IMMEDIATE_##T(SW_S32(12)), acc)                                      \
    M(name, R, ai, SW_ACC_##T, SW_IMMEDIATE_##T(SW_S32(12)), slot)                                                    \
    M(name, R, ai_a, SW_ACC_##T, SW_IMMEDIATE_##T(SW_S32(12)), acc)

#define SW_DEFINE_FLOAT_BINARY(name, T, R) SW_FORMS3(SW_BINARY, name, T, R)
#define SW_DEFINE_INT_BINARY(name, T, R) SW_FORMS5(SW_BINARY, name, T, R)
#define SW_DEFINE_TRAPPING_BINARY(name, T, R) SW_FORMS5(SW_TRAPPING_BINARY, name, T, R)
SW_INT_COMPARES(SW_DEFINE_INT_BINARY)
SW_FLOAT_COMPARES(SW_DEFINE_FLOAT_BINARY)
SW_INT_BINARIES(SW_DEFINE_INT_BINARY, SW_DEFINE_TRAPPING_BINARY)
SW_FLOAT_BINARIES(SW_DEFINE_FLOAT_BINARY)

// Operands of a unary instruction: result slot at 8, operand slot at 10.
#define SW_UNARY(name, T, R, suffix, operand, to)                                                                     \
    SW_HANDLER(name##_##suffix) {                                                                                     \
        SW_C_##R result;                                                                                              \
        result = sw_##name(operand);                                                         \
        SW_KEEP_##R(result);                                                                                          \
        SW_FINISH_##to(R)                                                                                             \
    }
#define SW_TRAPPING_UNARY(name, T, R, suffix, operand, to)                                                            \
    SW_HANDLER(name##_##suffix) {                                                                                     \
        SW_C_##T a = operand;                                                                                         \
        SW_C_##R result;                                                                                              \
        uint32_t trap;                                                                                                \
        trap = sw_##name##_trap(a);                                                          \
        if (SW_UNLIKELY(trap)) {                                                                                      \
            cx->machine->trap_reason = trap;                                                                          \
            SW_GO(stop);                                                                                              \
        }                                                                                                             \
        result = sw_##name(a);                                                               \
        SW_KEEP_##R(result);                                                                                          \
        SW_FINISH_##to(R)                                                                                             \
    }
#define SW_FORMS_UNARY(M, name, T, R)                                                                                 \
    M(name, T, R, s, SW_SLOT_##T(SW_U16(10)), slot)                                                                   \
    M(name, T, R, s_a, SW_SLOT_##T(SW_U16(10)), acc)                                                                  \
    M(name, T, R, a, SW_ACC_##T, slot)                                                                                \
    M(name, T, R, a_a, SW_ACC_##T, acc)

#define SW_DEFINE_UNARY(name, T, R) SW_FORMS_UNARY(SW_UNARY, name, T, R)
#define SW_DEFINE_TRAPPING_UNARY(name, T, R) SW_FORMS_UNARY(SW_TRAPPING_UNARY, name, T, R)
SW_INT_UNARIES(SW_DEFINE_UNARY)
SW_FLOAT_UNARIES(SW_DEFINE_UNARY)
SW_CONVERSIONS(SW_DEFINE_UNARY, SW_DEFINE_TRAPPING_UNARY)
SW_SATURATING(SW_DEFINE_UNARY)

// Moves: destination slot at 8, source slot at 10. The value is also left in its accumulator.
#define SW_DEFINE_MOVE(class, R)                                                                                      \
    SW_HANDLER(mov_##class) {                                                                                         \
        SW_KEEP_##R(SW_SLOT_##R(SW_U16(10)));                                                                         \
        SW_WRITE_##R(SW_U16(8));                                                                                      \
        SW_NEXT(16);                                                                                                  \
    }                                                                                                                 \
    SW_HANDLER(mov_##class##_a) {                                                                                     \
        SW_WRITE_##R(SW_U16(8));                                                                                      \
        SW_NEXT(16);                                                                                                  \
    }
SW_DEFINE_MOVE(I, I64)
SW_DEFINE_MOVE(F, F32)
SW_DEFINE_MOVE(D, F64)
SW_DEFINE_MOVE(V, V128)

// Two or three moves of any type in one dispatch, in order: pairs of (destination, source) from 8 on.
SW_HANDLER(mov2) {
    sp[SW_U16(8)] = sp[SW_U16(10)];
    sp[SW_U16(12)] = sp[SW_U16(14)];
    SW_NEXT(16);
}
SW_HANDLER(mov3) {
    sp[SW_U16(8)] = sp[SW_U16(10)];
    sp[SW_U16(12)] = sp[SW_U16(14)];
    sp[SW_U16(16)] = sp[SW_U16(18)];
    SW_NEXT(24);
}
// Destination at 8, source at 10 (higher than the destination), count at 12.
SW_HANDLER(copy_slots) {
    uint64_t *to = sp + SW_U16(8), *from = sp + SW_U16(10);
    for (uint32_t i = 0, n = SW_U16(12); i < n; i++) to[i] = from[i];
    SW_NEXT(16);
}

// Constants: slot at 8; 32 bits at 12, 64 or 128 bits at 16.
#define SW_DEFINE_CONSTANT(name, R, value, byte_count)                                                                \
    SW_HANDLER(name) {                                                                                                \
        SW_KEEP_##R(value);                                                                                           \
        SW_WRITE_##R(SW_U16(8));                                                                                      \
        SW_NEXT(byte_count);                                                                                          \
    }                                                                                                                 \
    SW_HANDLER(name##_a) {                                                                                            \
        SW_KEEP_##R(value);                                                                                           \
        SW_NEXT(byte_count);                                                                                          \
    }
SW_DEFINE_CONSTANT(const32_I, I64, SW_U32(12), 16)
SW_DEFINE_CONSTANT(const64_I, I64, SW_U64(16), 24)
SW_DEFINE_CONSTANT(const32_F, F32, *(const sw_f32 *)(pc + 12), 16)
SW_DEFINE_CONSTANT(const64_D, F64, *(const sw_f64 *)(pc + 16), 24)
SW_DEFINE_CONSTANT(const128_V, V128, *(const sw_slot_v128 *)(pc + 16), 32)

// Selections: result at 8, first at 10, second at 12, condition at 14.
#define SW_SELECT(name, R, condition, to)                                                                             \
    SW_HANDLER(name) {                                                                                                \
        uint32_t slot = (condition) ? SW_U16(10) : SW_U16(12);                                                        \
        SW_KEEP_##R(SW_SLOT_##R(slot));                                                                               \
        SW_FINISH_##to(R)                                                                                             \
    }
#define SW_DEFINE_SELECT(class, R)                                                                                    \
    SW_SELECT(select_##class##_s, R, SW_SLOT_I32(SW_U16(14)), slot)                                                   \
    SW_SELECT(select_##class##_s_a, R, SW_SLOT_I32(SW_U16(14)), acc)                                                  \
    SW_SELECT(select_##class##_a, R, SW_ACC_I32, slot)                                                                \
    SW_SELECT(select_##class##_a_a, R, SW_ACC_I32, acc)
SW_DEFINE_SELECT(I, I64)
SW_DEFINE_SELECT(F, F32)
SW_DEFINE_SELECT(D, F64)
SW_DEFINE_SELECT(V, V128)

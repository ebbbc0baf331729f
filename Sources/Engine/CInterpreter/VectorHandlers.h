// SPDX-License-Identifier: Apache-2.0
// Swiftlet: handlers of vector instructions. Operands stand as in the handlers of numbers.
#pragma once

#include "MemoryHandlers64.h"
#include "NumericHandlers.h"
#include "VectorInstructions.h"
#include "VectorSemantics.h"

// The end of a producer that is longer than 16 bytes.
#define SW_FINISH_LONG_slot(byte_count)                                                                               \
    SW_WRITE_V128(SW_U16(8));                                                                                         \
    SW_NEXT(byte_count);
#define SW_FINISH_LONG_acc(byte_count) SW_NEXT(byte_count);

// A constant as right operand stands at 16; the instruction has 32 bytes then.
#define SW_CONSTANT_BINARY(name, suffix, left, to)                                                                    \
    SW_HANDLER(name##_##suffix) {                                                                                     \
        av = sw_##name(left, *(const sw_slot_v128 *)(pc + 16));                                                       \
        SW_FINISH_LONG_##to(32)                                                                                       \
    }
#define SW_DEFINE_VECTOR_BINARY(name, number)                                                                         \
    SW_FORMS3(SW_BINARY, name, V128, V128)                                                                            \
    SW_CONSTANT_BINARY(name, si, SW_SLOT_V128(SW_U16(10)), slot)                                                      \
    SW_CONSTANT_BINARY(name, si_a, SW_SLOT_V128(SW_U16(10)), acc)                                                     \
    SW_CONSTANT_BINARY(name, ai, av, slot)                                                                            \
    SW_CONSTANT_BINARY(name, ai_a, av, acc)
#define SW_DEFINE_VECTOR_UNARY(name, number) SW_FORMS_UNARY(SW_UNARY, name, V128, V128)
#define SW_DEFINE_VECTOR_TEST(name, number) SW_FORMS_UNARY(SW_UNARY, name, V128, I32)
#define SW_DEFINE_SPLAT(name, number, T) SW_FORMS_UNARY(SW_UNARY, name, T, V128)
SW_V_BINARIES(SW_DEFINE_VECTOR_BINARY)
SW_V_UNARIES(SW_DEFINE_VECTOR_UNARY)
SW_V_TESTS(SW_DEFINE_VECTOR_TEST)
SW_V_SPLATS(SW_DEFINE_SPLAT)

// Shifts: the count is a slot, the integer accumulator or an immediate.
#define SW_DEFINE_VECTOR_SHIFT(name, number)                                                                          \
    SW_BINARY(name, V128, ss, SW_SLOT_V128(SW_U16(10)), SW_SLOT_I32(SW_U16(12)), slot)                                \
    SW_BINARY(name, V128, ss_a, SW_SLOT_V128(SW_U16(10)), SW_SLOT_I32(SW_U16(12)), acc)                               \
    SW_BINARY(name, V128, as, av, SW_SLOT_I32(SW_U16(12)), slot)                                                      \
    SW_BINARY(name, V128, as_a, av, SW_SLOT_I32(SW_U16(12)), acc)                                                     \
    SW_BINARY(name, V128, sa, SW_SLOT_V128(SW_U16(10)), SW_ACC_I32, slot)                                             \
    SW_BINARY(name, V128, sa_a, SW_SLOT_V128(SW_U16(10)), SW_ACC_I32, acc)                                            \
    SW_BINARY(name, V128, si, SW_SLOT_V128(SW_U16(10)), SW_U32(12), slot)                                             \
    SW_BINARY(name, V128, si_a, SW_SLOT_V128(SW_U16(10)), SW_U32(12), acc)                                            \
    SW_BINARY(name, V128, ai, av, SW_U32(12), slot)                                                                   \
    SW_BINARY(name, V128, ai_a, av, SW_U32(12), acc)
SW_V_SHIFTS(SW_DEFINE_VECTOR_SHIFT)

// Three operands at 10, 12 and 14.
#define SW_TERNARY(name, suffix, first, third, to)                                                                    \
    SW_HANDLER(name##_##suffix) {                                                                                     \
        av = sw_##name(first, SW_SLOT_V128(SW_U16(12)), third);                                                       \
        SW_FINISH_##to(V128)                                                                                          \
    }
#define SW_DEFINE_VECTOR_TERNARY(name, number)                                                                        \
    SW_TERNARY(name, sss, SW_SLOT_V128(SW_U16(10)), SW_SLOT_V128(SW_U16(14)), slot)                                   \
    SW_TERNARY(name, sss_a, SW_SLOT_V128(SW_U16(10)), SW_SLOT_V128(SW_U16(14)), acc)                                  \
    SW_TERNARY(name, ass, av, SW_SLOT_V128(SW_U16(14)), slot)                                                         \
    SW_TERNARY(name, ass_a, av, SW_SLOT_V128(SW_U16(14)), acc)                                                        \
    SW_TERNARY(name, ssa, SW_SLOT_V128(SW_U16(10)), av, slot)                                                         \
    SW_TERNARY(name, ssa_a, SW_SLOT_V128(SW_U16(10)), av, acc)
SW_V_TERNARIES(SW_DEFINE_VECTOR_TERNARY)

// Lane number at 14 when written, at 12 when read.
#define SW_REPLACE(name, suffix, vector, value, to)                                                                   \
    SW_HANDLER(name##_##suffix) {                                                                                     \
        av = sw_##name(vector, value, SW_U16(14));                                                                    \
        SW_FINISH_##to(V128)                                                                                          \
    }
#define SW_DEFINE_REPLACE(name, number, T)                                                                            \
    SW_REPLACE(name, ss, SW_SLOT_V128(SW_U16(10)), SW_SLOT_##T(SW_U16(12)), slot)                                     \
    SW_REPLACE(name, ss_a, SW_SLOT_V128(SW_U16(10)), SW_SLOT_##T(SW_U16(12)), acc)                                    \
    SW_REPLACE(name, as, av, SW_SLOT_##T(SW_U16(12)), slot)                                                           \
    SW_REPLACE(name, as_a, av, SW_SLOT_##T(SW_U16(12)), acc)                                                          \
    SW_REPLACE(name, sa, SW_SLOT_V128(SW_U16(10)), SW_ACC_##T, slot)                                                  \
    SW_REPLACE(name, sa_a, SW_SLOT_V128(SW_U16(10)), SW_ACC_##T, acc)
SW_V_REPLACES(SW_DEFINE_REPLACE)

#define SW_EXTRACT(name, M, R, suffix, bytes, to)                                                                     \
    SW_HANDLER(name##_##suffix) {                                                                                     \
        M lane;                                                                                                       \
        sw_v128 held = av;                                                                                            \
        (void)held;                                                                                                   \
        __builtin_memcpy(&lane, (const uint8_t *)(bytes) + SW_U16(12) * sizeof(M), sizeof(M));                        \
        SW_KEEP_##R((SW_C_##R)lane);                                                                                  \
        SW_FINISH_##to(R)                                                                                             \
    }
#define SW_DEFINE_EXTRACT(name, number, M, R)                                                                         \
    SW_EXTRACT(name, M, R, s, &sp[SW_U16(10)], slot)                                                                  \
    SW_EXTRACT(name, M, R, s_a, &sp[SW_U16(10)], acc)                                                                 \
    SW_EXTRACT(name, M, R, a, &held, slot)                                                                            \
    SW_EXTRACT(name, M, R, a_a, &held, acc)
SW_V_EXTRACTS(SW_DEFINE_EXTRACT)

// Bytes of two vectors; 16 numbers for the first from 16 on, 16 for the second from 32 on (see `sw_choose_bytes`).
#define SW_SHUFFLE(suffix, left, right, to)                                                                           \
    SW_HANDLER(shuffle_##suffix) {                                                                                    \
        sw_v128 first = *(const sw_slot_v128 *)(pc + 16), second = *(const sw_slot_v128 *)(pc + 32);                  \
        av = sw_choose_bytes(left, first) | sw_choose_bytes(right, second);                                           \
        SW_FINISH_LONG_##to(48)                                                                                       \
    }
#define SW_SHUFFLE_ONE(suffix, operand, to)                                                                           \
    SW_HANDLER(shuffle_one_##suffix) {                                                                                \
        av = sw_choose_bytes(operand, *(const sw_slot_v128 *)(pc + 16));                                              \
        SW_FINISH_LONG_##to(32)                                                                                       \
    }
SW_SHUFFLE(ss, SW_SLOT_V128(SW_U16(10)), SW_SLOT_V128(SW_U16(12)), slot)
SW_SHUFFLE(ss_a, SW_SLOT_V128(SW_U16(10)), SW_SLOT_V128(SW_U16(12)), acc)
SW_SHUFFLE(as, av, SW_SLOT_V128(SW_U16(12)), slot)
SW_SHUFFLE(as_a, av, SW_SLOT_V128(SW_U16(12)), acc)
SW_SHUFFLE(sa, SW_SLOT_V128(SW_U16(10)), av, slot)
SW_SHUFFLE(sa_a, SW_SLOT_V128(SW_U16(10)), av, acc)
SW_SHUFFLE_ONE(s, SW_SLOT_V128(SW_U16(10)), slot)
SW_SHUFFLE_ONE(s_a, SW_SLOT_V128(SW_U16(10)), acc)
SW_SHUFFLE_ONE(a, av, slot)
SW_SHUFFLE_ONE(a_a, av, acc)

// Loads and stores, as those of numbers.
#define SW_WHOLE(value) (value)
#define SW_WIDEN_S8(value) (sw_v128) __builtin_convertvector(value, sw_i16x8)
#define SW_WIDEN_U8(value) (sw_v128) __builtin_convertvector(value, sw_u16x8)
#define SW_WIDEN_S16(value) (sw_v128) __builtin_convertvector(value, sw_i32x4)
#define SW_WIDEN_U16(value) (sw_v128) __builtin_convertvector(value, sw_u32x4)
#define SW_WIDEN_S32(value) (sw_v128) __builtin_convertvector(value, sw_i64x2)
#define SW_WIDEN_U32(value) (sw_v128) __builtin_convertvector(value, sw_u64x2)
#define SW_LOW_LANE(value) ((sw_v128){(value), 0})
#define SW_VECTOR_LOAD(name, M, CONVERT, suffix, address, to)                                                         \
    SW_HANDLER(name##_##suffix) {                                                                                     \
        M value;                                                                                                      \
        SW_CHECK(address, sizeof(M));                                                                                 \
        __builtin_memcpy(&value, md + at, sizeof(M));                                                                 \
        av = CONVERT(value);                                                                                          \
        SW_FINISH_##to(V128)                                                                                          \
    }
#define SW_VECTOR_SUM_LOAD(name, M, CONVERT, suffix, left, to)                                                        \
    SW_HANDLER(name##_sum_##suffix) {                                                                                 \
        M value;                                                                                                      \
        uint64_t at = (uint64_t)(uint32_t)((left) + SW_SLOT_I32(SW_U16(12))) + SW_U16(14);                            \
        if (SW_UNLIKELY(at + sizeof(M) > ms)) SW_GO(trap_out_of_bounds_memory);                                       \
        __builtin_memcpy(&value, md + at, sizeof(M));                                                                 \
        av = CONVERT(value);                                                                                          \
        SW_FINISH_##to(V128)                                                                                          \
    }
#define SW_DEFINE_VECTOR_LOAD(name, number, M, CONVERT)                                                               \
    SW_VECTOR_LOAD(name, M, CONVERT, s, SW_SLOT_I32(SW_U16(10)), slot)                                                \
    SW_VECTOR_LOAD(name, M, CONVERT, s_a, SW_SLOT_I32(SW_U16(10)), acc)                                               \
    SW_VECTOR_LOAD(name, M, CONVERT, a, SW_ACC_I32, slot)                                                             \
    SW_VECTOR_LOAD(name, M, CONVERT, a_a, SW_ACC_I32, acc)                                                            \
    SW_VECTOR_SUM_LOAD(name, M, CONVERT, s, SW_SLOT_I32(SW_U16(10)), slot)                                            \
    SW_VECTOR_SUM_LOAD(name, M, CONVERT, s_a, SW_SLOT_I32(SW_U16(10)), acc)                                           \
    SW_VECTOR_SUM_LOAD(name, M, CONVERT, a, SW_ACC_I32, slot)                                                         \
    SW_VECTOR_SUM_LOAD(name, M, CONVERT, a_a, SW_ACC_I32, acc)
SW_V_LOADS(SW_DEFINE_VECTOR_LOAD)

// Any memory, also with 64-bit addresses: its place at 16, the offset at 24.
#define SW_VECTOR_LOAD_ANY(name, M, CONVERT, suffix, to)                                                              \
    SW_HANDLER(name##_##suffix) {                                                                                     \
        M value;                                                                                                      \
        SW_CHECK_ANY(SW_SLOT_I64(SW_U16(10)), sizeof(M));                                                             \
        __builtin_memcpy(&value, memory->base + at, sizeof(M));                                                       \
        av = CONVERT(value);                                                                                          \
        SW_FINISH_LONG_##to(32)                                                                                       \
    }
#define SW_DEFINE_VECTOR_LOAD_ANY(name, number, M, CONVERT)                                                           \
    SW_VECTOR_LOAD_ANY(name, M, CONVERT, any, slot)                                                                   \
    SW_VECTOR_LOAD_ANY(name, M, CONVERT, any_a, acc)
SW_V_LOADS(SW_DEFINE_VECTOR_LOAD_ANY)
SW_HANDLER(v128_store_any) {
    SW_CHECK_ANY(SW_SLOT_I64(SW_U16(8)), 16);
    *(sw_unaligned_v128 *)(memory->base + at) = SW_SLOT_V128(SW_U16(10));
    SW_NEXT(32);
}

SW_STORE(v128_store, sw_v128, ss, SW_SLOT_I32(SW_U16(8)), SW_SLOT_V128(SW_U16(10)))
SW_STORE(v128_store, sw_v128, as, SW_ACC_I32, SW_SLOT_V128(SW_U16(10)))
SW_STORE(v128_store, sw_v128, sa, SW_SLOT_I32(SW_U16(8)), av)
SW_STORE(v128_store, sw_v128, aa, SW_ACC_I32, av)

// A lane from memory: address slot at 10, offset at 12, vector slot at 16, lane at 18.
#define SW_LANE_LOAD(name, M, REPLACE, suffix, address, to)                                                           \
    SW_HANDLER(name##_##suffix) {                                                                                     \
        M value;                                                                                                      \
        SW_CHECK(address, sizeof(M));                                                                                 \
        __builtin_memcpy(&value, md + at, sizeof(M));                                                                 \
        av = REPLACE(SW_SLOT_V128(SW_U16(16)), value, SW_U16(18));                                                    \
        SW_FINISH_LONG_##to(24)                                                                                       \
    }
#define SW_DEFINE_LANE_LOAD(name, number, M, REPLACE)                                                                 \
    SW_LANE_LOAD(name, M, REPLACE, s, SW_SLOT_I32(SW_U16(10)), slot)                                                  \
    SW_LANE_LOAD(name, M, REPLACE, s_a, SW_SLOT_I32(SW_U16(10)), acc)                                                 \
    SW_LANE_LOAD(name, M, REPLACE, a, SW_ACC_I32, slot)                                                               \
    SW_LANE_LOAD(name, M, REPLACE, a_a, SW_ACC_I32, acc)
SW_V_LANE_LOADS(SW_DEFINE_LANE_LOAD)

// Any memory: vector slot at 12, lane at 14.
#define SW_LANE_LOAD_ANY(name, M, REPLACE, suffix, to)                                                                \
    SW_HANDLER(name##_##suffix) {                                                                                     \
        M value;                                                                                                      \
        SW_CHECK_ANY(SW_SLOT_I64(SW_U16(10)), sizeof(M));                                                             \
        __builtin_memcpy(&value, memory->base + at, sizeof(M));                                                       \
        av = REPLACE(SW_SLOT_V128(SW_U16(12)), value, SW_U16(14));                                                    \
        SW_FINISH_LONG_##to(32)                                                                                       \
    }
#define SW_DEFINE_LANE_LOAD_ANY(name, number, M, REPLACE)                                                             \
    SW_LANE_LOAD_ANY(name, M, REPLACE, any, slot)                                                                     \
    SW_LANE_LOAD_ANY(name, M, REPLACE, any_a, acc)
SW_V_LANE_LOADS(SW_DEFINE_LANE_LOAD_ANY)

// A lane to memory, from the vector's slot: address slot at 8, vector slot at 10, offset at 12, lane at 16.
#define SW_LANE_STORE(name, M, suffix, address)                                                                       \
    SW_HANDLER(name##_##suffix) {                                                                                     \
        SW_CHECK(address, sizeof(M));                                                                                 \
        __builtin_memcpy(md + at, (const uint8_t *)&sp[SW_U16(10)] + SW_U16(16) * sizeof(M), sizeof(M));              \
        SW_NEXT(24);                                                                                                  \
    }
#define SW_DEFINE_LANE_STORE(name, number, M)                                                                         \
    SW_LANE_STORE(name, M, s, SW_SLOT_I32(SW_U16(8)))                                                                 \
    SW_LANE_STORE(name, M, a, SW_ACC_I32)
SW_V_LANE_STORES(SW_DEFINE_LANE_STORE)
// Any memory: lane at 12.
#define SW_DEFINE_LANE_STORE_ANY(name, number, M)                                                                     \
    SW_HANDLER(name##_any) {                                                                                          \
        SW_CHECK_ANY(SW_SLOT_I64(SW_U16(8)), sizeof(M));                                                              \
        const uint8_t *lanes = (const uint8_t *)&sp[SW_U16(10)];                                                      \
        __builtin_memcpy(memory->base + at, lanes + SW_U16(12) * sizeof(M), sizeof(M));                               \
        SW_NEXT(32);                                                                                                  \
    }
SW_V_LANE_STORES(SW_DEFINE_LANE_STORE_ANY)

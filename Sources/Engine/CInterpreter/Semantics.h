// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what each numeric instruction computes (core specification §4.3), as functions from values to a value.
#pragma once

#include "Registers.h"

// The reason why the instruction traps on these operands, or 0; the instruction itself is computed only after a 0.
enum { SW_DIVIDE_BY_ZERO = 2, SW_OVERFLOW = 3, SW_INVALID_CONVERSION = 4 };

#define SW_DEFINE(R, name, T, expression)                                                                             \
    static inline R sw_##name(T a) { return (R)(expression); }
#define SW_DEFINE2(R, name, T, expression)                                                                            \
    static inline R sw_##name(T a, T b) { return (R)(expression); }

// Shift counts are modulo the width. Signed overflow is avoided by computing unsigned.
#define SW_INTEGER(p, U, S, width, clz, ctz, popcount)                                                                \
    SW_DEFINE2(uint32_t, p##_eq, U, a == b)                                                                           \
    SW_DEFINE2(uint32_t, p##_ne, U, a != b)                                                                           \
    SW_DEFINE2(uint32_t, p##_lt_s, U, (S)a < (S)b)                                                                    \
    SW_DEFINE2(uint32_t, p##_lt_u, U, a < b)                                                                          \
    SW_DEFINE2(uint32_t, p##_gt_s, U, (S)a > (S)b)                                                                    \
    SW_DEFINE2(uint32_t, p##_gt_u, U, a > b)                                                                          \
    SW_DEFINE2(uint32_t, p##_le_s, U, (S)a <= (S)b)                                                                   \
    SW_DEFINE2(uint32_t, p##_le_u, U, a <= b)                                                                         \
    SW_DEFINE2(uint32_t, p##_ge_s, U, (S)a >= (S)b)                                                                   \
    SW_DEFINE2(uint32_t, p##_ge_u, U, a >= b)                                                                         \
    SW_DEFINE2(U, p##_add, U, a + b)                                                                                  \
    SW_DEFINE2(U, p##_sub, U, a - b)                                                                                  \
    SW_DEFINE2(U, p##_mul, U, a * b)                                                                                  \
    SW_DEFINE2(U, p##_div_s, U, (S)a / (S)b)                                                                          \
    SW_DEFINE2(U, p##_div_u, U, a / b)                                                                                \
    SW_DEFINE2(U, p##_rem_s, U, b == (U)-1 ? 0 : (S)a % (S)b)                                                         \
    SW_DEFINE2(U, p##_rem_u, U, a % b)                                                                                \
    SW_DEFINE2(U, p##_and, U, a & b)                                                                                  \
    SW_DEFINE2(U, p##_or, U, a | b)                                                                                   \
    SW_DEFINE2(U, p##_xor, U, a ^ b)                                                                                  \
    SW_DEFINE2(U, p##_shl, U, a << (b & (width - 1)))                                                                 \
    SW_DEFINE2(U, p##_shr_s, U, (S)a >> (b & (width - 1)))                                                            \
    SW_DEFINE2(U, p##_shr_u, U, a >> (b & (width - 1)))                                                               \
    SW_DEFINE2(U, p##_rotl, U, (a << (b & (width - 1))) | (a >> (-b & (width - 1))))                                  \
    SW_DEFINE2(U, p##_rotr, U, (a >> (b & (width - 1))) | (a << (-b & (width - 1))))                                  \
    SW_DEFINE(U, p##_clz, U, a == 0 ? width : clz(a))                                                                 \
    SW_DEFINE(U, p##_ctz, U, a == 0 ? width : ctz(a))                                                                 \
    SW_DEFINE(U, p##_popcnt, U, popcount(a))                                                                          \
    SW_DEFINE(U, p##_extend8_s, U, (S)(int8_t)a)                                                                      \
    SW_DEFINE(U, p##_extend16_s, U, (S)(int16_t)a)                                                                    \
    SW_DEFINE2(uint32_t, p##_div_s_trap, U,                                                                           \
        b == 0 ? SW_DIVIDE_BY_ZERO : (a == (U)1 << (width - 1) && b == (U)-1) ? SW_OVERFLOW : 0)                      \
    SW_DEFINE2(uint32_t, p##_div_u_trap, U, ((void)a, b == 0 ? SW_DIVIDE_BY_ZERO : 0))                                \
    SW_DEFINE2(uint32_t, p##_rem_s_trap, U, ((void)a, b == 0 ? SW_DIVIDE_BY_ZERO : 0))                                \
    SW_DEFINE2(uint32_t, p##_rem_u_trap, U, ((void)a, b == 0 ? SW_DIVIDE_BY_ZERO : 0))
SW_INTEGER(i32, uint32_t, int32_t, 32, __builtin_clz, __builtin_ctz, __builtin_popcount)
SW_INTEGER(i64, uint64_t, int64_t, 64, __builtin_clzll, __builtin_ctzll, __builtin_popcountll)
SW_DEFINE(uint64_t, i64_extend32_s, uint64_t, (int64_t)(int32_t)a)

// min and max: a NaN wins (the sum of both is a quiet one); -0 is smaller than +0. The roundings make a NaN quiet.
#define SW_FLOAT(p, F, U, sign, s)                                                                                    \
    SW_DEFINE2(uint32_t, p##_eq, F, a == b)                                                                           \
    SW_DEFINE2(uint32_t, p##_ne, F, a != b)                                                                           \
    SW_DEFINE2(uint32_t, p##_lt, F, a < b)                                                                            \
    SW_DEFINE2(uint32_t, p##_gt, F, a > b)                                                                            \
    SW_DEFINE2(uint32_t, p##_le, F, a <= b)                                                                           \
    SW_DEFINE2(uint32_t, p##_ge, F, a >= b)                                                                           \
    SW_DEFINE2(F, p##_add, F, a + b)                                                                                  \
    SW_DEFINE2(F, p##_sub, F, a - b)                                                                                  \
    SW_DEFINE2(F, p##_mul, F, a *b)                                                                                   \
    SW_DEFINE2(F, p##_div, F, a / b)                                                                                  \
    static inline U sw_bits_##p(F a) { return __builtin_bit_cast(U, a); }                                             \
    static inline F sw_of_bits_##p(U a) { return __builtin_bit_cast(F, a); }                                          \
    SW_DEFINE2(F, p##_min, F,                                                                                         \
        a < b ? a : b < a ? b : a == b ? sw_of_bits_##p(sw_bits_##p(a) | sw_bits_##p(b)) : a + b)                     \
    SW_DEFINE2(F, p##_max, F,                                                                                         \
        a > b ? a : b > a ? b : a == b ? sw_of_bits_##p(sw_bits_##p(a) & sw_bits_##p(b)) : a + b)                     \
    SW_DEFINE2(F, p##_copysign, F, sw_of_bits_##p((sw_bits_##p(a) & ~(sign)) | (sw_bits_##p(b) & (sign))))            \
    SW_DEFINE(F, p##_abs, F, sw_of_bits_##p(sw_bits_##p(a) & ~(sign)))                                                \
    SW_DEFINE(F, p##_neg, F, sw_of_bits_##p(sw_bits_##p(a) ^ (sign)))                                                 \
    SW_DEFINE(F, p##_ceil, F, a != a ? a + a : __builtin_ceil##s(a))                                                  \
    SW_DEFINE(F, p##_floor, F, a != a ? a + a : __builtin_floor##s(a))                                                \
    SW_DEFINE(F, p##_trunc, F, a != a ? a + a : __builtin_trunc##s(a))                                                \
    SW_DEFINE(F, p##_nearest, F, a != a ? a + a : __builtin_rint##s(a))                                               \
    SW_DEFINE(F, p##_sqrt, F, __builtin_sqrt##s(a))
SW_FLOAT(f32, float, uint32_t, UINT32_C(0x80000000), f)
SW_FLOAT(f64, double, uint64_t, UINT64_C(0x8000000000000000), )

SW_DEFINE(uint32_t, i32_wrap_i64, uint64_t, a)
SW_DEFINE(uint64_t, i64_extend_i32_s, uint32_t, (int64_t)(int32_t)a)
SW_DEFINE(uint64_t, i64_extend_i32_u, uint32_t, a)
SW_DEFINE(float, f32_convert_i32_s, uint32_t, (int32_t)a)
SW_DEFINE(float, f32_convert_i32_u, uint32_t, a)
SW_DEFINE(float, f32_convert_i64_s, uint64_t, (int64_t)a)
SW_DEFINE(float, f32_convert_i64_u, uint64_t, a)
SW_DEFINE(double, f64_convert_i32_s, uint32_t, (int32_t)a)
SW_DEFINE(double, f64_convert_i32_u, uint32_t, a)
SW_DEFINE(double, f64_convert_i64_s, uint64_t, (int64_t)a)
SW_DEFINE(double, f64_convert_i64_u, uint64_t, a)
SW_DEFINE(float, f32_demote_f64, double, a)
SW_DEFINE(double, f64_promote_f32, float, a)
SW_DEFINE(uint32_t, i32_reinterpret_f32, float, sw_bits_f32(a))
SW_DEFINE(uint64_t, i64_reinterpret_f64, double, sw_bits_f64(a))
SW_DEFINE(float, f32_reinterpret_i32, uint32_t, sw_of_bits_f32(a))
SW_DEFINE(double, f64_reinterpret_i64, uint64_t, sw_of_bits_f64(a))

// The bounds are floating-point numbers next to the integer range, so that the comparison is exact; a NaN is outside.
#define SW_TRUNCATION(i, f, s, R, I, F, low_holds, high, minimum, maximum)                                            \
    SW_DEFINE(uint32_t, i##_trunc_##f##_##s##_trap, F,                                                                \
        (low_holds) && a < (high) ? 0 : a != a ? SW_INVALID_CONVERSION : SW_OVERFLOW)                                 \
    SW_DEFINE(R, i##_trunc_##f##_##s, F, (I)a)                                                                        \
    SW_DEFINE(R, i##_trunc_sat_##f##_##s, F,                                                                          \
        (low_holds) && a < (high) ? (R)(I)a : a != a ? 0 : a < 0 ? (R)(minimum) : (R)(maximum))
SW_TRUNCATION(i32, f32, s, uint32_t, int32_t, float, a >= -0x1p31f, 0x1p31f, INT32_MIN, INT32_MAX)
SW_TRUNCATION(i32, f32, u, uint32_t, uint32_t, float, a > -1.0f, 0x1p32f, 0, UINT32_MAX)
SW_TRUNCATION(i32, f64, s, uint32_t, int32_t, double, a > -0x1.00000002p31, 0x1p31, INT32_MIN, INT32_MAX)
SW_TRUNCATION(i32, f64, u, uint32_t, uint32_t, double, a > -1.0, 0x1p32, 0, UINT32_MAX)
SW_TRUNCATION(i64, f32, s, uint64_t, int64_t, float, a >= -0x1p63f, 0x1p63f, INT64_MIN, INT64_MAX)
SW_TRUNCATION(i64, f32, u, uint64_t, uint64_t, float, a > -1.0f, 0x1p64f, 0, UINT64_MAX)
SW_TRUNCATION(i64, f64, s, uint64_t, int64_t, double, a >= -0x1p63, 0x1p63, INT64_MIN, INT64_MAX)
SW_TRUNCATION(i64, f64, u, uint64_t, uint64_t, double, a > -1.0, 0x1p64, 0, UINT64_MAX)
